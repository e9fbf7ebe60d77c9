/**
 * What every PoolAdmin must do, simulated or real. One pool lives through all of it, in order, because making pools and
 * filling disks takes real ones their time.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Call } from '#io/devices/call.ts';
import { IoError } from '#io/devices/error.ts';
import { health } from '#io/devices/pools/health.ts';
import type { ManagedPool, PoolAdmin } from '#io/devices/pools/port.ts';
import type { PoolReport, Scan } from '#io/devices/pools/report.ts';
import { deviceAt, disksOf } from '#io/devices/pools/report.ts';

export interface PoolsUnderTest {
  /** Manages `tank` and `other`, neither of which is there yet. */
  readonly admin: PoolAdmin;
  readonly driver: ManagedPool['driver'];
  /** Another one with the same settings: a daemon that has started again. */
  reopen(): PoolAdmin;
  /** Six that are free, of the same size. */
  readonly devices: readonly string[];
  /** One that holds data of somebody else, and one that is in use; undefined where the rig cannot make such. */
  readonly full: string | undefined;
  readonly used: string | undefined;
  /** Equal before and after when nothing on the device was touched. */
  look(device: string): Promise<string>;
  /** Writes some files into the pool. */
  fill(pool: string): Promise<void>;
  /** Spoils what the pool has on a device, behind its back. */
  corrupt(device: string): Promise<void>;
  /** Has the pool `tank` take no writes, as after a careless mount or import; undefined where the rig cannot. */
  readonly forbidWrites: (() => Promise<void>) | undefined;
  /** Takes a device away from the pool that runs; undefined where the rig cannot. */
  readonly lose: ((device: string) => Promise<void>) | undefined;
  readonly canPause: boolean;
  /** Where a pool in a file can be made, and how large; and whether it grows while it is in use. */
  readonly file: { readonly path: string; readonly sizeBytes: number; readonly grows: boolean };
  /** Slows scrubs down, so that they are met while they run; and back. */
  slowScrubs(isSlow: boolean): Promise<void>;
  /** Milliseconds since 1970. */
  now(): number;
  /** Lets time pass until the next look. */
  wait(): Promise<void>;
  dispose(): Promise<void>;
}

export const patient = (more: Partial<Call> = {}): Call => ({
  signal: new AbortController().signal,
  timeoutMs: 120_000,
  progress: () => undefined,
  ...more,
});

export interface PoolsContractOptions {
  /** Leaves out the refusals, where every command is slow and another rig of the same driver has shown them. */
  readonly brief?: boolean;
}

export function poolsContract(
  setup: () => Promise<PoolsUnderTest>,
  { brief = false }: PoolsContractOptions = {},
): void {
  let it: PoolsUnderTest;
  beforeAll(async () => {
    it = await setup();
  });
  afterAll(() => it?.dispose());

  const device = (index: number): string => it.devices[index] ?? 'missing';
  const report = () => it.admin.report('tank', patient());
  const scrubOf = ({ scans }: PoolReport): Scan | undefined => scans.find(({ kind }) => kind === 'scrub');
  const until = async (isSo: (report: PoolReport) => boolean): Promise<PoolReport> => {
    for (;;) {
      const now = await report();
      if (isSo(now)) return now;
      await it.wait();
    }
  };
  /** One that has begun since: for a moment after the start a report may still tell of the one before. */
  const scrubbed = async (): Promise<PoolReport> => {
    const secondMs = 1000;
    const since = Math.floor(it.now() / secondMs) * secondMs;
    await it.admin.scrub('tank', 'start', patient());
    return until((now) => {
      const scrub = scrubOf(now);
      return scrub?.state === 'finished' && (scrub.startedAt ?? scrub.endedAt ?? 0) >= since;
    });
  };
  const code = async (attempt: Promise<unknown>): Promise<string> => {
    try {
      await attempt;
      return 'done';
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
      return error.code;
    }
  };
  const mirror = (devices: readonly string[], erase = false) =>
    it.admin.create({ name: 'tank', layout: 'mirror', on: { devices }, erase }, patient());

  const refusals = (): void => {
    test('a pool that nobody told FloatLab to manage does not exist for it', async () => {
      expect(await code(it.admin.report('stranger', patient()))).toBe('POOL_MISSING');
      expect(await code(it.admin.scrub('stranger', 'start', patient()))).toBe('POOL_MISSING');
      const spec = { name: 'stranger', layout: 'single', on: { devices: [device(0)] } } as const;
      expect(await code(it.admin.create(spec, patient()))).toBe('POOL_MISSING');
    });

    test('one that was not made yet is missing', async () => {
      expect(await code(report())).toBe('POOL_MISSING');
    });

    test.each(['-f', '../tank', 'Tank', 'mirror-0', ''])('%j is no name of a pool', async (name) => {
      expect(await code(it.admin.report(name, patient()))).toBe('INVALID');
    });

    test.each(['sdb', '/dev/../etc/passwd', '/dev/sd b', '-f', '/dev/no-such-disk'])(
      '%j is no device',
      async (path) => {
        expect(await code(mirror([device(0), path]))).toBe('INVALID');
      },
    );

    test('a mirror of one disk, or of one that is named twice, is refused', async () => {
      expect(await code(mirror([device(0)]))).toBe('INVALID');
      expect(await code(mirror([device(0), device(0)]))).toBe('INVALID');
    });

    test('a disk that holds anything is not touched', async () => {
      if (it.full === undefined) return;
      const before = await it.look(it.full);
      expect(await code(mirror([device(0), it.full]))).toBe('HELD');
      expect(await it.look(it.full)).toBe(before);
    });

    test('a disk that is in use is not even erased when told to', async () => {
      if (it.used === undefined) return;
      const before = await it.look(it.used);
      expect(await code(mirror([device(0), it.used], true))).toBe('BUSY');
      expect(await it.look(it.used)).toBe(before);
    });

    test('a call that is no longer wanted does nothing', async () => {
      const call = patient({ signal: AbortSignal.abort() });
      const spec = { name: 'tank', layout: 'mirror', on: { devices: [device(0), device(1)] } } as const;
      expect(await code(it.admin.create(spec, call))).toBe('ABORTED');
      expect(await code(report())).toBe('POOL_MISSING');
    });
  };
  if (!brief) describe('before there is a pool', () => refusals());

  describe('a mirror', () => {
    test('is made of two disks, and is well', async () => {
      const made = await mirror([device(0), device(1)]);
      expect(made).toMatchObject({ name: 'tank', driver: it.driver, state: 'online', dataErrors: { count: 0 } });
      expect(disksOf(made)).toHaveLength(2);
      expect(deviceAt(made, device(0))).toMatchObject({
        state: 'online',
        errors: { reads: 0, writes: 0, checksums: 0 },
      });
      expect(made.sizeBytes).toBeGreaterThan(0);
      expect(health(made, { now: it.now() })).toEqual({ state: 'healthy', problems: [] });
    });

    test('made again is found as it is, whoever asks', async () => {
      const spec = { name: 'tank', layout: 'mirror', on: { devices: [device(1), device(0)] } } as const;
      const again = await it.reopen().create(spec, patient());
      expect(disksOf(again).map(({ name }) => name)).toEqual(disksOf(await report()).map(({ name }) => name));
    });

    test('of other disks is refused while it is there', async () => {
      expect(await code(mirror([device(2), device(3)]))).toBe('EXISTS');
    });

    test('keeps its disks from every other pool', async () => {
      const spec = { name: 'other', layout: 'single', on: { devices: [device(0)] }, erase: true } as const;
      expect(await code(it.admin.create(spec, patient()))).toBe('BUSY');
    });

    test('is scrubbed, and says so', async () => {
      await it.fill('tank');
      const done = await scrubbed();
      expect(scrubOf(done)).toMatchObject({ state: 'finished', errors: 0 });
      expect(deviceAt(done, device(0))?.errors?.checksums).toBe(0);
    });

    test('has nothing to pause or to cancel when nothing runs', async () => {
      if (it.canPause) expect(await code(it.admin.scrub('tank', 'pause', patient()))).toBe('done');
      expect(await code(it.admin.scrub('tank', 'cancel', patient()))).toBe('done');
      expect(scrubOf(await report())?.state).toBe('finished');
    });

    test('repairs what was spoiled on one disk, and tells which', async () => {
      await it.corrupt(device(1));
      const done = await scrubbed();
      const damaged = deviceAt(done, device(1));
      expect(damaged?.errors?.checksums).toBeGreaterThan(0);
      expect(deviceAt(done, device(0))?.errors?.checksums).toBe(0);
      expect(done.dataErrors.count).toBe(0);
      const { state, problems } = health(done, { now: it.now() });
      expect(state).toBe('warning');
      expect(problems).toEqual([expect.objectContaining({ code: 'device-errors', device: damaged?.name })]);
    });

    test('gets another disk in place of the bad one', async () => {
      const seen: string[] = [];
      const call = patient({ progress: ({ text }) => void seen.push(text) });
      const after = await it.admin.replace('tank', { old: device(1), by: device(2) }, call);
      expect(deviceAt(after, device(1))).toBeUndefined();
      expect(deviceAt(after, device(2))).toMatchObject({ state: 'online' });
      expect(after.state).toBe('online');
      expect(disksOf(after)).toHaveLength(2);
    });

    test('that was given it already is left alone', async () => {
      const again = await it.reopen().replace('tank', { old: device(1), by: device(2) }, patient());
      expect(disksOf(again)).toHaveLength(2);
    });

    test('has no device that was never in it', async () => {
      const what = { old: '/dev/no-such-disk', by: device(3) };
      expect(await code(it.admin.replace('tank', what, patient()))).toBe('MISSING');
    });

    test('that loses a disk is degraded, and well again with another one', async () => {
      if (!it.lose) return;
      await it.lose(device(2));
      const without = await report();
      expect(without.state).toBe('degraded');
      const gone = disksOf(without).find(({ state }) => state !== 'online');
      const { state, problems } = health(without, { now: it.now() });
      expect([state, problems[0]?.code]).toEqual(['faulty', 'device-failed']);
      await it.fill('tank');
      const after = await it.admin.replace('tank', { old: gone?.name ?? '', by: device(3) }, patient());
      expect(after.state).toBe('online');
      expect(after.mixedRedundancy ?? false).toBe(false);
      expect(disksOf(after)).toHaveLength(2);
      expect(health(after, { now: it.now() }).problems.filter(({ severity }) => severity === 'faulty')).toEqual([]);
    });

    test('becomes larger by more disks, once', async () => {
      const before = await report();
      const more = { devices: [device(4), device(5)], layout: 'mirror' } as const;
      const after = await it.admin.addDevices('tank', more, patient());
      expect(disksOf(after)).toHaveLength(4);
      expect(after.sizeBytes).toBeGreaterThan((before.sizeBytes ?? 0) * 1.5);
      const again = await it.reopen().addDevices('tank', more, patient());
      expect(disksOf(again)).toHaveLength(4);
    });

    test('forgets the errors that it counted, once and again', async () => {
      const before = await report();
      const after = await it.admin.clear('tank', patient());
      expect(after.state).toBe(before.state);
      for (const { errors } of disksOf(after)) expect(errors).toEqual({ reads: 0, writes: 0, checksums: 0 });
      expect(disksOf(await it.reopen().clear('tank', patient()))).toEqual(disksOf(after));
      expect(await code(it.admin.clear('nowhere', patient()))).toBe('POOL_MISSING');
    });

    test('that takes no writes takes them again', async () => {
      if (!it.forbidWrites) return;
      await it.forbidWrites();
      await expect(it.fill('tank')).rejects.toThrow();
      expect((await it.admin.clear('tank', patient())).readOnly ?? false).toBe(false);
      await it.fill('tank');
    });

    test('that grows without need stays as it is', async () => {
      const before = await report();
      const after = await it.admin.grow('tank', {}, patient());
      expect(disksOf(after)).toHaveLength(disksOf(before).length);
      expect(after.sizeBytes).toBeGreaterThan((before.sizeBytes ?? 0) * 0.9);
      expect(await code(it.admin.grow('tank', { sizeBytes: 2 ** 40 }, patient()))).toBe('INVALID');
    });
  });

  describe('a pool in a file', () => {
    test('is made with its file once, grows, and never shrinks', async () => {
      const { path, sizeBytes, grows } = it.file;
      const spec = { name: 'other', layout: 'single', on: { file: path, sizeBytes } } as const;
      const huge = { ...spec, on: { file: path, sizeBytes: 2 ** 50 } };
      expect(await code(it.admin.create(huge, patient()))).toBe('NO_SPACE');
      const made = await it.admin.create(spec, patient());
      expect(disksOf(made)).toHaveLength(1);
      expect(disksOf(await it.reopen().create(spec, patient()))).toEqual(disksOf(made));
      const grow = (to: number) => it.admin.grow('other', { sizeBytes: to }, patient());
      if (grows) {
        const grown = await grow(1.5 * sizeBytes);
        expect(grown.sizeBytes).toBeGreaterThan((made.sizeBytes ?? 0) * 1.4);
        expect((await grow(1.5 * sizeBytes)).sizeBytes).toBeGreaterThan((made.sizeBytes ?? 0) * 1.4);
      } else expect(await code(grow(1.5 * sizeBytes))).toBe('UNSUPPORTED');
      expect(await code(grow(2 ** 50))).toBe(grows ? 'NO_SPACE' : 'UNSUPPORTED');
      expect(await code(grow(sizeBytes / 2))).toBe('INVALID');
      expect(await code(it.admin.grow('other', { sizeBytes: 0.5 }, patient()))).toBe('INVALID');
    });
  });

  describe('a scrub', () => {
    test('can be paused, goes on where it was, and can be canceled', async () => {
      if (!it.canPause) return;
      await it.slowScrubs(true);
      await it.admin.scrub('tank', 'start', patient());
      await it.admin.scrub('tank', 'start', patient());
      expect(scrubOf(await report())).toMatchObject({ state: 'running' });
      await it.admin.scrub('tank', 'pause', patient());
      expect(scrubOf(await report())).toMatchObject({ state: 'paused' });
      await it.reopen().scrub('tank', 'pause', patient());
      await it.admin.scrub('tank', 'start', patient());
      await until((now) => scrubOf(now)?.state === 'running');
      await it.admin.scrub('tank', 'cancel', patient());
      expect(scrubOf(await report())?.state).toBe('canceled');
      await it.slowScrubs(false);
      expect(scrubOf(await scrubbed())).toMatchObject({ state: 'finished', errors: 0 });
    });
  });
}
