/** A service that ends and is started again by its policy: a person finds in the log that it did, and how. */
import { describe, expect, test } from 'vitest';
import { OneMachine } from './one-machine.ts';

const compose = 'name: shop\nservices:\n  web: { image: nginx, restart: always }\n';

async function crashed(exitCode: number): Promise<OneMachine> {
  const one = await OneMachine.started();
  await one.must('deploy-app', { compose });
  await one.untilApp('shop', 'running');
  await one.clock.run(30_000);
  one.docker.crashContainer('shop-web-1', exitCode);
  await one.until('it runs again', () => one.instance('shop')?.context.services['web']?.restarts === 1);
  return one;
}

describe('a service that was killed and runs again', () => {
  test('leaves its exit code with what is known of it, and in words', async () => {
    const one = await crashed(137);
    expect(one.instance('shop')?.context.services['web']).toMatchObject({ restarts: 1, lastExitCode: 137 });
    expect(await one.told()).toContain('Service web of shop ended with exit code 137; it is started again.');
  });

  test('is part of the history of its app', async () => {
    const one = await crashed(1);
    const app = one.app('shop')?.stream ?? 'app:';
    const rows = await one.await(one.world.wired.lab.activity({ stream: app, limit: 100 }));
    expect(rows.map(({ words }) => words)).toContain(
      'Service web of shop ended with exit code 1; it is started again.',
    );
    expect(rows.map(({ index }) => index)).toEqual(rows.map(({ index }) => index).toSorted((a, b) => b - a));
    expect(new Set(rows.map(({ kind }) => kind))).toEqual(new Set(['app', 'instance']));
  });

  test('is still known to have been when the daemon comes back', async () => {
    const one = await crashed(137);
    await one.restart();
    await one.clock.run(30_000);
    expect(one.instance('shop')?.context.services['web']).toMatchObject({ state: 'running', lastExitCode: 137 });
  });
});
