/** Several drivers behind one port. */
import { execFile } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Call } from '#io/devices/call.ts';
import type { Clock } from '#io/devices/clock/port.ts';
import { IoError } from '#io/devices/error.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { volumesByPool } from '#io/devices/volumes/by-pool.ts';
import { prepareDirPool } from '#io/devices/volumes/dir/pool.ts';
import { dirVolumes } from '#io/devices/volumes/dir/real.ts';
import type { Dataset, PoolInfo, VolumePort } from '#io/devices/volumes/port.ts';
import { simVolumes } from '#io/devices/volumes/sim.ts';
import { codeOf, patient } from '#test/contracts/volumes.ts';
import { selfWindingClock } from './self-winding-clock.ts';

const MiB = 2 ** 20;
const spec = { sizeBytes: MiB };
const fast: Dataset = { pool: 'fast', name: 'db' };
const large: Dataset = { pool: 'large', name: 'photos' };

const simulated = (clock: Clock, ...names: string[]) =>
  simVolumes({
    clock,
    random: seededRandom(3),
    pools: names.map((name) => ({ name, sizeBytes: 64 * MiB })),
  });

function twoDrivers() {
  const clock = selfWindingClock();
  const [one, two] = [simulated(clock, 'fast'), simulated(clock, 'large', 'old')];
  const volumes = volumesByPool(
    [
      { pools: ['fast'], port: one },
      { pools: ['large', 'old'], port: two },
    ],
    { clock },
  );
  return { one, two, volumes };
}

const shown = (pools: readonly PoolInfo[]) => pools.map(({ name, state }) => `${name} ${state}`);

describe('volumes of several drivers', () => {
  test('each call goes to the driver of its pool, with all that it was given', async () => {
    const calls: unknown[][] = [];
    const heard = (driver: string): VolumePort =>
      new Proxy({} as VolumePort, {
        get:
          (_, method) =>
          (...given: unknown[]) => {
            calls.push([driver, method, ...given]);
            return Promise.resolve(`${driver} answers`);
          },
      });
    const volumes = volumesByPool([
      { pools: ['fast'], port: heard('one') },
      { pools: ['large', 'old'], port: heard('two') },
    ]);
    const [call, how] = [patient(), { scrub: true }];
    const other = { ...large, name: 'other' };
    const asked: readonly [keyof VolumePort, ...unknown[]][] = [
      ['create', large, spec, call],
      ['clone', large, 's', other, spec, call],
      ['inspect', large, call],
      ['mount', large, call],
      ['list', 'old', call],
      ['changes', 'old', call],
      ['snapshot', large, 's', call],
      ['snapshotTogether', [large, other], 's', call],
      ['snapshots', large, call],
      ['foreignSnapshots', large, call],
      ['snapshotPath', large, 's', call],
      ['writtenSince', large, 's', call],
      ['removeSnapshots', large, ['s', 't'], call],
      ['rollback', large, 's', 'stash', call],
      ['adopt', '/srv/photos', large, call],
      ['candidates', 'old', call],
      ['release', large, call],
      ['destroy', large, how, call],
    ];
    for (const [method, ...given] of asked) {
      const ask = volumes[method] as (...all: unknown[]) => Promise<unknown>;
      expect(await ask(...given)).toBe('two answers');
    }
    expect(calls).toEqual(asked.map((one) => ['two', ...one]));
    await volumes.inspect(fast, call);
    expect(calls.at(-1)).toEqual(['one', 'inspect', fast, call]);
    expect([...asked.map(([method]) => method), 'pools'].toSorted()).toEqual(Object.keys(volumes).toSorted());
  });

  test('a pool that nobody has is missing', async () => {
    const { volumes } = twoDrivers();
    const nowhere = { pool: 'nowhere', name: 'db' };
    expect(await codeOf(volumes.create(nowhere, spec, patient()))).toBe('POOL_MISSING');
    expect(await codeOf(volumes.list('nowhere', patient()))).toBe('POOL_MISSING');
    expect(await codeOf(volumes.snapshotTogether([nowhere], 's', patient()))).toBe('POOL_MISSING');
  });

  test('nothing is done across pools', async () => {
    const { volumes } = twoDrivers();
    for (const of of [fast, large]) await volumes.create(of, spec, patient());
    await volumes.snapshot(fast, 's', patient());
    const into = { ...large, name: 'copy' };
    expect(await codeOf(volumes.clone(fast, 's', into, spec, patient()))).toBe('INVALID');
    expect(await codeOf(volumes.snapshotTogether([fast, large], 't', patient()))).toBe('INVALID');
    expect(await volumes.snapshotTogether([], 't', patient())).toEqual([]);
  });

  test('all pools are listed, and each does what it can', async () => {
    const { volumes } = twoDrivers();
    expect(shown(await volumes.pools(patient()))).toEqual(['fast online', 'large online', 'old online']);
    await volumes.create(fast, spec, patient());
    expect(await volumes.list('fast', patient())).toEqual(['db']);
    expect(await volumes.list('large', patient())).toEqual([]);
  });

  const failed = () => Promise.reject(new IoError('FAILED', { op: 'pools', target: 'all', message: 'no program' }));
  const hangs = () => new Promise<never>(() => undefined);

  test.each([
    ['fails', failed],
    ['hangs', hangs],
  ])('a driver that %s does not hide the pools of the others; its own are unavailable', async (_, pools) => {
    const { two, volumes } = twoDrivers();
    const [, large] = await volumes.pools(patient());
    const answers = two.pools;
    two.pools = pools;
    expect(shown(await volumes.pools(patient()))).toEqual(['fast online', 'large unavailable', 'old unavailable']);
    expect((await volumes.pools(patient()))[1]).toEqual({ ...large, state: 'unavailable' });
    two.pools = answers;
    expect(shown(await volumes.pools(patient()))).toEqual(['fast online', 'large online', 'old online']);
  });

  test('a driver that has never answered has no pools to show; when none has, its error is told', async () => {
    const { one, two, volumes } = twoDrivers();
    two.pools = failed;
    expect(shown(await volumes.pools(patient()))).toEqual(['fast online']);
    one.pools = hangs;
    expect(shown(await volumes.pools(patient()))).toEqual(['fast unavailable']);
    const fresh = volumesByPool([{ pools: ['large', 'old'], port: two }]);
    expect(await codeOf(fresh.pools(patient()))).toBe('FAILED');
  });

  test('an answer that is no longer wanted is not given', async () => {
    const { volumes } = twoDrivers();
    expect(await codeOf(volumes.pools({ ...patient(), signal: AbortSignal.abort() }))).toBe('ABORTED');
  });

  describe('a pool whose file system hangs', () => {
    /** `large` answers to nobody until it is let go. */
    function hanging() {
      const { two, volumes } = twoDrivers();
      const waiting: (() => void)[] = [];
      const { list } = two;
      two.list = (pool, call) => new Promise((resolve) => waiting.push(() => resolve(list(pool, call))));
      const letGo = () => {
        two.list = list;
        for (const go of waiting) go();
      };
      return { volumes, waiting, letGo };
    }
    const hasty = (): Call => patient(1000);

    test('keeps nobody waiting, and gets no more to do than it has', async () => {
      const { volumes, waiting, letGo } = hanging();
      for (let n = 0; n < 10; n++) {
        await expect(volumes.list('large', hasty())).rejects.toMatchObject({
          code: 'TIMED_OUT',
          message: expect.stringContaining('does not answer'),
        });
      }
      expect(waiting.length).toBe(2);
      expect(await codeOf(volumes.inspect(large, hasty()))).toBe('TIMED_OUT');
      expect(await volumes.list('fast', hasty())).toEqual([]);
      letGo();
      expect(await volumes.list('large', hasty())).toEqual([]);
    });

    test('is given up by whoever does not want its answer any more', async () => {
      const { volumes, waiting } = hanging();
      const unwanted = new AbortController();
      const asked = volumes.list('large', { ...patient(), signal: unwanted.signal });
      unwanted.abort();
      expect(await codeOf(asked)).toBe('ABORTED');
      expect(waiting.length).toBe(1);
      const ended = { ...patient(), signal: AbortSignal.abort() };
      expect(await codeOf(volumes.list('large', ended))).toBe('ABORTED');
      expect(await codeOf(volumes.list('large', ended))).toBe('ABORTED');
    });

    test('leaves the threads of this process to others', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'floatlab-hangs-'));
      await prepareDirPool(folder);
      const port = dirVolumes({ pools: [{ name: 'share', folder }] });
      const volumes = volumesByPool([{ pools: ['share'], port }], { clock: selfWindingClock() });
      // Nobody writes into it: reading it hangs as reading from a share whose server is gone does.
      const fifo = join(folder, 'floatlab', 'pool.json');
      await rm(fifo);
      await promisify(execFile)('mkfifo', [fifo]);
      try {
        for (let n = 0; n < 16; n++) expect(await codeOf(volumes.list('share', patient(60_000)))).toBe('TIMED_OUT');
        expect((await stat(folder)).isDirectory()).toBe(true);
      } finally {
        for (let n = 0; n < 16; n++) closeSync(openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK));
        await rm(folder, { recursive: true });
      }
    });
  });

  test('two pools of one name are refused at once', () => {
    const port = simulated(selfWindingClock(), 'main');
    const pools = [
      { pools: ['main'], port },
      { pools: ['main'], port },
    ];
    expect(() => volumesByPool(pools)).toThrow('two pools are called main');
  });
});
