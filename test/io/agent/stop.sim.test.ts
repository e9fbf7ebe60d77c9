import { describe, expect, test } from 'vitest';
import { sleep } from '#io/devices/clock/port.ts';
import { OneMachine } from './one-machine.ts';

/** A lab whose engine takes so long to make the container of an app, and is doing so now. */
async function making(takesMs: number): Promise<OneMachine> {
  const one = await OneMachine.started();
  const { port } = one.docker;
  const { create } = port;
  let begun = 0;
  port.create = async (spec, how) => {
    begun++;
    await sleep(one.clock, takesMs);
    // Begun before it was cancelled: an engine carries on.
    return create(spec, { ...how, signal: new AbortController().signal });
  };
  await one.must('deploy-app', { compose: 'name: shop\nservices:\n  web: { image: nginx }\n' });
  await one.until('the engine is asked', () => begun > 0);
  return one;
}

async function stopped(one: OneMachine): Promise<number> {
  const from = one.clock.monotonicMs();
  await one.await(one.world.stop());
  return one.clock.monotonicMs() - from;
}

describe('a daemon that is stopped while the engine makes a container', () => {
  test('waits until it is made, and starts nothing any more', async () => {
    const one = await making(3000);
    expect(await stopped(one)).toBeGreaterThan(2900);
    await one.clock.run(60_000);
    expect((await one.containers()).get('shop-web-1')?.state).toBe('created');
    await one.start();
    await one.untilApp('shop', 'running');
    expect(one.running).toEqual(['shop-web-1']);
  });

  test('does not wait for an engine that takes long', async () => {
    const one = await making(40_000);
    expect(await stopped(one)).toBeLessThan(11_000);
    await one.start();
    await one.untilApp('shop', 'running');
    await one.clock.run(60_000);
    expect(one.running).toEqual(['shop-web-1']);
  });
});

test('each service gets as long to end as it says, or ten seconds', async () => {
  const one = await OneMachine.started();
  const { port } = one.docker;
  const { stop } = port;
  const graces: [string, number][] = [];
  port.stop = async (id, graceMs, how) => {
    graces.push([(await port.inspect(id, how))?.name ?? '', graceMs]);
    return stop(id, graceMs, how);
  };
  const services = 'web: { image: nginx }\n  db: { image: postgres, stop_grace_period: 1m30s }\n';
  await one.must('deploy-app', { compose: `name: shop\nservices:\n  ${services}` });
  await one.untilApp('shop', 'running');
  await one.must('stop-app', { name: 'shop' });
  await one.until('nothing runs', () => one.running.length === 0);
  expect(new Map(graces)).toEqual(
    new Map([
      ['shop-web-1', 10_000],
      ['shop-db-1', 90_000],
    ]),
  );
});
