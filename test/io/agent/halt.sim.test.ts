import { describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import { OneMachine } from './one-machine.ts';

/** `web` comes up, `job` never does. */
const half = `name: half
services:
  web: { image: nginx }
  job: { image: nginx, command: [no-such-program] }
`;
const whole = half.replace('no-such-program', 'serve');

async function failing(seed = 1): Promise<OneMachine> {
  const one = await OneMachine.started(seed);
  await one.must('deploy-app', { compose: half });
  await one.untilInstance('half', 'failed');
  return one;
}

describe('an app whose start failed', () => {
  test('leaves nothing running that nobody watches, and keeps its containers with their logs', async () => {
    const one = await failing();
    expect(one.running).toEqual(['half-web-1']);
    await one.untilInstance('half', 'halted');
    expect(one.running).toEqual([]);
    const kept = await one.containers();
    expect([...kept].map(([name, { state }]) => `${name} ${state}`)).toEqual([
      'half-job-1 created',
      'half-web-1 exited',
    ]);
    const app = one.app('half')?.stream ?? 'app:none';
    const lines: string[] = [];
    const read = async (): Promise<void> => {
      const of = one.world.wired.containers.logs(app, { follow: false, service: 'web' }, new AbortController().signal);
      for await (const { text } of of) lines.push(text);
    };
    await one.await(read());
    expect(lines).toEqual(['started']);
    expect(one.app('half')?.state).toBe('failed');
    expect((await one.told()).at(-1)).toBe(
      'Nothing of half runs on atlas any more; its containers are kept, with their logs.',
    );
  });

  test('is halted whenever the daemon is killed meanwhile', async () => {
    for (let afterMs = 0; afterMs <= 1500; afterMs += 100) {
      const one = await failing(afterMs);
      await one.clock.run(afterMs);
      await one.restart();
      await one.untilInstance('half', 'halted');
      expect(one.running, `killed ${afterMs} ms after the failure`).toEqual([]);
      expect((await one.containers()).size).toBe(2);
    }
  });

  test('is halted as soon as an engine that went away answers again', async () => {
    const one = await failing();
    one.docker.engineDown();
    await one.clock.run(600_000);
    expect(one.instance('half')?.state).toBe('failed');
    expect(one.running).toEqual(['half-web-1']);
    one.docker.engineUp();
    await one.untilInstance('half', 'halted');
    expect(one.running).toEqual([]);
  });

  describe.each(['failed', 'halted'])('when its instance is %s', (point) => {
    const at = async (): Promise<OneMachine> => {
      const one = await failing();
      await one.untilInstance('half', point);
      return one;
    };

    test('can be started again, and fails again from scratch', async () => {
      const one = await at();
      const before = one.instance('half')?.stream;
      await one.must('start-app', { name: 'half' });
      await one.until(
        'another instance',
        () => one.instance('half')?.stream !== before && one.app('half')?.state === 'failed',
      );
      await one.untilInstance('half', 'halted');
      expect(one.running).toEqual([]);
      expect((await one.containers()).size).toBe(2);
    });

    test('gets a new revision that runs', async () => {
      const one = await at();
      await one.must('deploy-app', { compose: whole });
      await one.untilApp('half', 'running');
      expect(one.running).toEqual(['half-job-1', 'half-web-1']);
    });

    test('can be restarted', async () => {
      const one = await at();
      const before = one.instance('half')?.stream;
      await one.must('restart-app', { name: 'half' });
      await one.until(
        'another instance',
        () => one.instance('half')?.stream !== before && one.app('half')?.state === 'failed',
      );
    });

    test('can be stopped, and nothing is left', async () => {
      const one = await at();
      await one.must('stop-app', { name: 'half' });
      await one.untilApp('half', 'stopped');
      expect((await one.containers()).size).toBe(0);
    });

    test('can be removed, and nothing is left', async () => {
      const one = await at();
      await one.must('remove-app', { name: 'half' });
      await one.until('the app is gone', () => one.app('half') === undefined);
      expect((await one.containers()).size).toBe(0);
    });
  });
});

describe('an app that runs', () => {
  test('is not halted because the engine answers with errors for an hour', async () => {
    const one = await OneMachine.started();
    await one.must('deploy-app', { compose: whole });
    await one.untilApp('half', 'running');
    one.docker.setFault((op, target) => new IoError('FAILED', { op, target, message: 'The engine is confused.' }));
    await one.clock.run(3_600_000);
    one.docker.setFault(undefined);
    await one.clock.run(60_000);
    expect(one.instance('half')?.state).toBe('running');
    one.docker.crashContainer('half-web-1', 3);
    await one.untilApp('half', 'degraded');
  });

  test('goes on when one of its services cannot be started again, and is well once it can', async () => {
    const one = await OneMachine.started();
    await one.must('deploy-app', {
      compose: 'name: two\nservices:\n  a: { image: x }\n  b: { image: x, restart: always, ports: ["8000:80"] }\n',
    });
    await one.untilApp('two', 'running');
    const taken = new IoError('PORT_IN_USE', { op: 'start', target: 'b', message: 'Port 8000 is taken.' });
    one.docker.setFault((op, _, when) => (op === 'start' && when === 'before' ? taken : undefined));
    one.docker.crashContainer('two-b-1', 1);
    await one.until('the reason is told', () => one.app('two')?.context.problem?.code === 'PORT_IN_USE');
    const told = one.lab.index;
    await one.clock.run(3_600_000);
    expect(one.app('two')?.state).toBe('degraded');
    expect(one.running).toContain('two-a-1');
    // Tried again all the time, told once.
    expect(one.lab.index).toBe(told);
    one.docker.setFault(undefined);
    await one.untilApp('two', 'running');
    expect(one.running).toContain('two-b-1');
  });
});
