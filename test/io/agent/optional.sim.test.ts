import { describe, expect, test } from 'vitest';
import { OneMachine } from './one-machine.ts';

const app = (cache: string, web = '{ cache: { condition: service_started, required: false } }'): string => `name: shop
services:
  web: { image: nginx, depends_on: ${web} }
${cache}`;

async function deployed(compose: string): Promise<OneMachine> {
  const one = await OneMachine.started();
  await one.must('deploy-app', { compose });
  return one;
}

const withoutCache = /^shop on atlas: web starts without cache: /;

describe('a service that is not required', () => {
  test.each([
    ['ends with an error', '  cache: { image: cache, command: ["false"] }\n', 'EXITED'],
    [
      'has a program that does not exist',
      '  cache: { image: cache, command: [no-such-program] }\n',
      'CONTAINER_FAILED',
    ],
    ['has an image that does not exist', '  cache: { image: "registry/missing:1" }\n', 'IMAGE_NOT_FOUND'],
    ['never stays up', '  cache: { image: cache, command: ["false"], restart: always }\n', 'RESTARTING'],
  ])('holds nobody back when it %s, and the person is warned', async (_, cache, code) => {
    const one = await deployed(app(cache));
    await one.until('the app runs', () => one.running.includes('shop-web-1') && one.app('shop')?.state === 'degraded');
    await one.until('the reason is told', () => one.app('shop')?.context.problem?.code === code);
    const told = await one.told();
    expect(told).toContainEqual(expect.stringMatching(withoutCache));
    // Whoever asked for the app got it.
    expect(told).toContainEqual(expect.stringMatching(/^Deploying app shop is done/));
    expect(one.app('shop')?.context.failedService).toBe('cache');
    // It stays so, and the log does not fill.
    const { index } = one.lab;
    await one.clock.run(3_600_000);
    expect([one.app('shop')?.state, one.instance('shop')?.state]).toEqual(['degraded', 'running']);
    expect(one.running).toContain('shop-web-1');
    expect(one.lab.index - index).toBeLessThan(5);
  });

  test('may be missing from the file: the person is warned, and nothing is degraded', async () => {
    const one = await deployed(app(''));
    await one.untilApp('shop', 'running');
    expect(await one.told()).toContain(
      'shop on atlas: web starts without cache: The compose file has no service cache.',
    );
    await one.clock.run(60_000);
    expect(one.app('shop')?.state).toBe('running');
  });

  test('takes along what is only there for it', async () => {
    const cache = '  cache: { image: cache, depends_on: [store] }\n  store: { image: store, command: ["false"] }\n';
    const one = await deployed(app(cache));
    await one.untilApp('shop', 'degraded');
    expect(one.running).toContain('shop-web-1');
  });

  test('is waited for when it comes up', async () => {
    const web = '{ cache: { condition: service_completed_successfully, required: false } }';
    const one = await deployed(app('  cache: { image: cache, command: [sleep, "20"] }\n', web));
    await one.until('the cache runs', () => one.running.includes('shop-cache-1'));
    await one.clock.run(15_000);
    expect(one.running).toEqual(['shop-cache-1']);
    await one.untilApp('shop', 'running');
    expect(one.running).toEqual(['shop-web-1']);
    expect(await one.told()).not.toContainEqual(expect.stringMatching(withoutCache));
  });
});

test('a service that is required by one that is wanted for itself fails the app', async () => {
  const cache = '  cache: { image: cache, command: ["false"] }\n  api: { image: api, depends_on: [cache] }\n';
  const one = await deployed(app(cache));
  await one.untilApp('shop', 'failed');
  await one.untilInstance('shop', 'halted');
  expect(one.running).toEqual([]);
});
