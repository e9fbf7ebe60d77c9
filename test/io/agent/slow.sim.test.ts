import { expect, test } from 'vitest';
import { OneMachine } from './one-machine.ts';

/** The simulated healthcheck succeeds after its first interval. */
const slow = (check: string): string => `name: slow
services:
  web: { image: nextcloud, healthcheck: { test: [CMD, "true"], ${check} } }
`;

test('an app that takes its time to become healthy, as its healthcheck allows, is waited for', async () => {
  const one = await OneMachine.started();
  await one.must('deploy-app', { compose: slow('interval: 400s, start_period: 10m') });
  await one.until('it runs', () => one.app('slow')?.state === 'running', 1_000_000);
  expect(one.running).toEqual(['slow-web-1']);
});

test('one that never says how it does is given up in the end, with how long that was', async () => {
  const one = await OneMachine.started();
  const { create } = one.docker.port;
  // Its first probe never ends.
  one.docker.port.create = (spec, call) =>
    create({ ...spec, healthcheck: { ...spec.healthcheck, test: ['CMD', 'true'], intervalMs: 10 ** 9 } }, call);
  const { inspect } = one.docker.port;
  one.docker.port.inspect = async (id, call) => {
    const found = await inspect(id, call);
    const healthcheck = { test: ['CMD', 'true'], intervalMs: 10_000, timeoutMs: 5000, retries: 4 };
    return found && { ...found, healthcheck };
  };
  await one.must('deploy-app', { compose: slow('interval: 10s') });
  await one.untilApp('slow', 'failed');
  expect(one.app('slow')?.context.problem).toMatchObject({
    code: 'UNHEALTHY',
    message: 'Service web did not become healthy within 1 m 30 s.',
  });
});
