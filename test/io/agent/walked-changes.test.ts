import { describe, expect, test } from 'vitest';
import { WalkedChanges } from '#io/agent/walked-changes.ts';
import { simMarks } from '#io/devices/marks/sim.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { simVolumes } from '#io/devices/volumes/sim.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';

const call = () => ({ signal: new AbortController().signal, timeoutMs: 60_000, progress: () => {} });
const of = { pool: 'plain', name: 'data' };

async function plainFolder() {
  const clock = new VirtualClock(0);
  const volumes = simVolumes({
    clock,
    random: seededRandom(1),
    latencyMs: () => 0,
    pools: [{ name: 'plain', driver: 'dir', sizeBytes: 2 ** 40, mountpoint: '/plain' }],
  });
  const soon = async <T>(promise: Promise<T>): Promise<T> => {
    let isDone = false;
    promise.finally(() => (isDone = true)).catch(() => {});
    await clock.runUntil(() => isDone, 60_000);
    return promise;
  };
  const { path } = await soon(volumes.create(of, { sizeBytes: 2 ** 30 }, call()));
  let walks = 0;
  let touch = (): void => {};
  const real = simMarks(volumes);
  const marks = {
    walk: (at: string, within: ReturnType<typeof call>) => {
      walks++;
      return real.walk(at, within);
    },
    watch: (_: readonly string[], onChange: () => void) => {
      touch = onChange;
      return () => (touch = () => {});
    },
  };
  const walked = new WalkedChanges({ volumes, marks, clock });
  const look = async () => {
    const now = { atMs: clock.monotonicMs(), index: 1 };
    return (await soon(walked.look({ stream: 'volume:data', of, path }, now, call()))).seen;
  };
  return {
    clock,
    look,
    walked,
    walks: () => walks,
    touch: () => touch(),
    write: (text: string) => volumes.write(of, 'page', text),
    snapshot: (name: string) => soon(volumes.snapshot(of, name, call())),
  };
}

describe('a volume in a plain folder', () => {
  test('has changed without a snapshot, and against its newest one when its files are others', async () => {
    const at = await plainFolder();
    expect(await at.look()).toMatchObject({ since: undefined, changed: true });
    const { guid } = await at.snapshot('a');
    expect(await at.look()).toMatchObject({ since: guid, changed: false });
    at.write('two');
    await at.clock.run(60_000);
    expect(await at.look()).toMatchObject({ since: guid, changed: true });
  });

  test('is walked once a minute, and at once after a sign', async () => {
    const at = await plainFolder();
    await at.snapshot('a');
    await at.look();
    const first = at.walks();
    at.write('two');
    await at.clock.run(30_000);
    expect(await at.look()).toMatchObject({ changed: false });
    expect(at.walks()).toBe(first);
    at.touch();
    expect(await at.look()).toMatchObject({ changed: true });
    // The files of the snapshot were not walked once more.
    expect(at.walks()).toBe(first + 1);
  });

  test('is known to be unchanged after a restart, too', async () => {
    const at = await plainFolder();
    const { guid } = await at.snapshot('a');
    at.walked.forget(new Set());
    expect(await at.look()).toMatchObject({ since: guid, changed: false });
  });
});
