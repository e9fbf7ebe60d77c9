import { describe, expect, test } from 'vitest';
import type { LiveLogLine } from '#io/contract/live.ts';
import { call, OneMachine } from './one-machine.ts';

const compose = `name: shop
services:
  web: { image: nginx, command: [sh, -c, "sleep 4; echo four; sleep 6; echo ten; sleep 600"] }
  db: { image: nginx, command: [sh, -c, "sleep 7; echo seven; sleep 600"] }
`;

async function deployed(): Promise<OneMachine> {
  const one = await OneMachine.started();
  await one.must('deploy-app', { compose });
  await one.untilApp('shop', 'running');
  await one.clock.run(60_000);
  return one;
}
const appOf = (one: OneMachine) => one.app('shop')?.stream ?? ('app:none' as const);

describe('the log of an app', () => {
  test.each([false, true])('has the lines of all services by their time (followed: %s)', async (follow) => {
    const one = await deployed();
    const seen: string[] = [];
    const stop = new AbortController();
    const read = async (): Promise<void> => {
      const lines = one.world.wired.containers.logs(appOf(one), { follow }, stop.signal);
      for await (const { service, text } of lines as AsyncIterable<LiveLogLine>) {
        seen.push(`${service} ${text}`);
        if (text === 'later') stop.abort();
      }
    };
    const reading = read();
    if (follow) {
      await one.clock.run(1000);
      one.docker.say('shop-db-1', 'later');
    }
    await one.await(reading);
    expect(seen).toEqual(['web four', 'db seven', 'web ten', ...(follow ? ['db later'] : [])]);
  });
});

describe('while the engine is away', () => {
  test('a command and a log say so, and not that there is nothing', async () => {
    const one = await deployed();
    one.docker.engineDown();
    const unreachable = { code: 'ENGINE_UNREACHABLE', hint: expect.stringContaining('docker info') as unknown };
    const { containers } = one.world.wired;
    const options = { command: ['sh'], tty: true };
    await expect(one.await(containers.exec(appOf(one), 'web', options, call()))).rejects.toMatchObject(unreachable);
    const lines = containers.logs(appOf(one), { follow: true }, call().signal)[Symbol.asyncIterator]();
    await expect(one.await(lines.next())).rejects.toMatchObject(unreachable);
  });

  test('or has just stopped the service: that is no reason to say that there is none', async () => {
    const one = await deployed();
    one.docker.crashContainer('shop-web-1', 1);
    const exec = one.world.wired.containers.exec(appOf(one), 'web', { command: ['sh'], tty: true }, call());
    await expect(one.await(exec)).rejects.toMatchObject({ code: 'CONTAINER_FAILED' });
  });
});
