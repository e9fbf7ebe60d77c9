import { describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import { OneMachine } from './one-machine.ts';

/** As most files are: nobody says `restart`. */
const compose = `name: shop
services:
  web: { image: nginx, depends_on: [db, job] }
  db: { image: postgres }
  job: { image: job, command: [echo, ran] }
`;
const both = ['shop-db-1', 'shop-web-1'];

async function deployed(): Promise<OneMachine> {
  const one = await OneMachine.started();
  await one.must('deploy-app', { compose });
  await one.untilApp('shop', 'running');
  await one.clock.run(60_000);
  expect(one.running).toEqual(both);
  return one;
}

/** @returns how often the job has run */
async function runsOfJob(one: OneMachine): Promise<number> {
  const read = async (): Promise<number> => {
    let count = 0;
    const lines = one.docker.port.logs('shop-job-1', { follow: false }, new AbortController().signal);
    for await (const { text } of lines) if (text === 'ran') count++;
    return count;
  };
  return one.await(read());
}

async function isWell(one: OneMachine): Promise<void> {
  await one.until('both run again', () => one.running.length === 2);
  await one.clock.run(120_000);
  expect(one.running).toEqual(both);
  expect(one.app('shop')?.state).toBe('running');
  // Nobody was told of an end that was none.
  expect(await one.told()).not.toContainEqual(expect.stringMatching(/degraded|ended|does not run/));
  expect(await runsOfJob(one)).toBe(1);
  expect(one.instance('shop')?.context.services['web']?.restarts).toBe(0);
}

describe('services whose policy would not start them again are started again', () => {
  test.each([0, 1, 200, 20_000])('after the engine was killed and was away for %i ms', async (awayMs) => {
    const one = await deployed();
    one.docker.powerCut();
    // Back in no time: no call has failed.
    if (awayMs > 0) await one.clock.run(awayMs);
    one.docker.engineUp();
    await isWell(one);
  });

  test.each([0, 137, 143])('after the engine was stopped in order, and they said %i to that', async (exitCode) => {
    const one = await deployed();
    one.docker.engineStop(exitCode);
    await one.clock.run(20_000);
    one.docker.engineUp();
    await isWell(one);
  });

  test('after the machine lost its power', async () => {
    const one = await deployed();
    one.world.crash('power');
    await one.clock.run(30_000);
    await one.start();
    await isWell(one);
  });

  test('after the engine was replaced while the daemon was off', async () => {
    const one = await deployed();
    one.world.crash('process');
    one.docker.engineStop(0);
    await one.clock.run(30_000);
    one.docker.engineUp();
    await one.start();
    await isWell(one);
  });

  test('after the engine was stopped while they were being started', async () => {
    const one = await OneMachine.started();
    await one.must('deploy-app', { compose: compose.replace('postgres }', 'postgres, command: [sleep, "100000"] }') });
    await one.until('db runs', () => one.running.includes('shop-db-1'));
    one.docker.engineStop(0);
    await one.clock.run(20_000);
    one.docker.engineUp();
    await one.untilApp('shop', 'running');
    await one.clock.run(60_000);
    expect(one.running).toEqual(both);
  });

  test('when the first try fails, by the next', async () => {
    const one = await deployed();
    one.docker.powerCut();
    await one.clock.run(5000);
    one.docker.engineUp();
    let failures = 0;
    one.docker.setFault((op, target, when) =>
      op === 'start' && when === 'before' && failures++ < 3
        ? new IoError('PORT_IN_USE', { op, target, message: 'not yet' })
        : undefined,
    );
    await one.untilApp('shop', 'degraded');
    expect(one.app('shop')?.context.problem).toMatchObject({ code: 'PORT_IN_USE' });
    await one.untilApp('shop', 'running');
    expect(one.running).toEqual(both);
  });
});

describe('a service that ended by itself stays as its policy wants it', () => {
  test.each([0, 3])('with exit code %i, also when the daemon was off at that moment', async (exitCode) => {
    for (const isOff of [false, true]) {
      const one = await deployed();
      if (isOff) one.world.crash('process');
      one.docker.crashContainer('shop-web-1', exitCode);
      await one.clock.run(5000);
      if (isOff) await one.start();
      await one.clock.run(120_000);
      expect(one.running).toEqual(['shop-db-1']);
      expect(one.app('shop')?.state).toBe(exitCode === 0 ? 'running' : 'degraded');
    }
  });

  test('and what was told of it stands when the engine is killed later', async () => {
    const one = await deployed();
    one.docker.crashContainer('shop-web-1', 3);
    await one.untilApp('shop', 'degraded');
    one.docker.powerCut();
    await one.clock.run(5000);
    one.docker.engineUp();
    await one.until('db runs again', () => one.running.includes('shop-db-1'));
    await one.clock.run(60_000);
    expect(one.running).toEqual(['shop-db-1']);
    expect(one.app('shop')?.context.problem?.message).toContain('exit code 3');
  });
});
