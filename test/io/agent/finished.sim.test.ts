import { describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import { OneMachine } from './one-machine.ts';

const withJob = (job: string): string => `name: shop
services:
  web: { image: nginx, depends_on: { job: { condition: service_completed_successfully } } }
  job: { image: job, ${job} }
`;

async function deployed(compose: string): Promise<OneMachine> {
  const one = await OneMachine.started();
  await one.must('deploy-app', { compose });
  await one.untilApp('shop', 'running');
  return one;
}

/** Somebody cleans up: `docker container prune`. */
async function prune(one: OneMachine): Promise<void> {
  for (const [name, { state }] of await one.containers()) if (state === 'exited') await one.remove(name);
}

const names = async (one: OneMachine): Promise<readonly string[]> => [...(await one.containers()).keys()];

describe('a job that has ended', () => {
  test.each([
    ['restart "no"', 'command: ["true"], restart: "no"'],
    ['on-failure', 'command: ["true"], restart: on-failure'],
  ])('with %s does not run again when its container is pruned', async (_, job) => {
    const one = await deployed(withJob(job));
    await prune(one);
    await one.clock.run(60_000);
    expect(await names(one)).toEqual(['shop-web-1']);
    expect(one.app('shop')?.state).toBe('running');
    // The lab knows it, not only this daemon and this attempt.
    await one.restart();
    await one.clock.run(60_000);
    one.docker.engineDown();
    await one.clock.run(60_000);
    one.docker.engineUp();
    await one.clock.run(60_000);
    expect(await names(one)).toEqual(['shop-web-1']);
    expect(one.instance('shop')?.context.services['job']).toMatchObject({ state: 'completed', exitCode: 0 });
  });

  test('while the app runs stays ended too, also after the watch had to begin anew', async () => {
    const later = 'name: shop\nservices:\n  web: { image: nginx }\n  job: { image: job, command: [sleep, "30"] }\n';
    const one = await deployed(later);
    await one.clock.run(40_000);
    expect(one.instance('shop')?.context.services['job']?.state).toBe('completed');
    one.docker.engineDown();
    await one.clock.run(5000);
    one.docker.engineUp();
    await prune(one);
    await one.clock.run(60_000);
    expect(await names(one)).toEqual(['shop-web-1']);
  });

  test('with an error is told, and not tried again behind the back of its policy', async () => {
    const failing = 'command: [sh, -c, "sleep 30; exit 3"]';
    const one = await deployed(`name: shop\nservices:\n  web: { image: nginx }\n  job: { image: job, ${failing} }\n`);
    await one.untilApp('shop', 'degraded');
    await prune(one);
    await one.clock.run(60_000);
    expect(await names(one)).toEqual(['shop-web-1']);
    expect(one.app('shop')?.context.problem).toMatchObject({ code: 'EXITED' });
  });

  test('runs again with the next revision, and after a restart that a person asked for', async () => {
    const one = await deployed(withJob('command: ["true"]'));
    await prune(one);
    await one.must('restart-app', { name: 'shop' });
    await one.until('it stops', () => one.app('shop')?.state !== 'running');
    await one.untilApp('shop', 'running');
    expect(await names(one)).toEqual(['shop-job-1', 'shop-web-1']);
  });

  test('is not run a second time by a start that is tried again', async () => {
    const one = await OneMachine.started();
    let failures = 0;
    one.docker.setFault((op, target, when) =>
      op === 'create' && target === 'shop-web-1' && when === 'before' && failures++ < 2
        ? new IoError('FAILED', { op, target, message: 'not now' })
        : undefined,
    );
    await one.must('deploy-app', { compose: withJob('command: [echo, ran], restart: on-failure') });
    await one.untilApp('shop', 'running');
    expect(failures).toBeGreaterThan(2);
    const runs = one.await(
      (async () => {
        let count = 0;
        const { port } = one.docker;
        for await (const { text } of port.logs('shop-job-1', { follow: false }, new AbortController().signal))
          if (text === 'ran') count++;
        return count;
      })(),
    );
    expect(await runs).toBe(1);
  });
});

test('a container that runs and is removed by somebody is made again', async () => {
  const one = await deployed('name: shop\nservices:\n  web: { image: nginx, restart: always }\n');
  await one.remove('shop-web-1');
  await one.until('it is back', () => one.running.includes('shop-web-1'));
  await one.untilApp('shop', 'running');
});
