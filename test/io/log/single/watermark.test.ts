import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { seededRandom } from '#io/devices/random/sim.ts';
import { WatermarkKeeper } from '#io/log/single/keeper.ts';
import { openWatermark, storeWatermark, type Mark, type Watermark } from '#io/log/single/watermark.ts';
import { SimDisk } from '#io/stores/sim.ts';
import { settle, VirtualClock } from '#test/io/stores/virtual-clock.ts';

describe('The watermark in a file', () => {
  let dir: string;
  let path: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'floatlab-watermark-'));
    path = join(dir, 'watermark');
  });
  afterEach(() => rm(dir, { recursive: true }));

  const written = async (...marks: Mark[]) => {
    const watermark = await openWatermark(path);
    for (const mark of marks) await watermark.write(mark);
    await watermark.close();
  };
  const read = async () => {
    const watermark = await openWatermark(path);
    const mark = await watermark.read();
    await watermark.close();
    return mark;
  };
  const change = async (edit: (bytes: Buffer) => void) => {
    const bytes = await readFile(path);
    edit(bytes);
    await writeFile(path, bytes);
  };

  test('is none at first, then the last that was written', async () => {
    expect(await read()).toBeUndefined();
    await written(mark(0));
    expect(await read()).toEqual(mark(0));
    await written(mark(5), mark(Number.MAX_SAFE_INTEGER));
    expect(await read()).toEqual(mark(Number.MAX_SAFE_INTEGER));
    await written(mark(3));
    expect(await read()).toEqual(mark(3));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('falls back to the one before when the last write was torn at any byte', async () => {
    await written(mark(1), mark(2));
    const before = await readFile(path);
    await written(mark(3));
    const after = await readFile(path);
    const outcomes = new Set<number | undefined>();
    for (let torn = 0; torn <= 100; torn++) {
      // Mark 3 took the slot of mark 1, the second one.
      await writeFile(
        path,
        Buffer.concat([before.subarray(0, 4096), after.subarray(4096, 4096 + torn), before.subarray(4096 + torn)]),
      );
      outcomes.add((await read())?.durable);
    }
    expect([...outcomes].toSorted((a, b) => (a ?? 0) - (b ?? 0))).toEqual([2, 3]);
    await written(mark(4));
    expect(await read()).toEqual(mark(4));
  });

  test('never reads a mark that nobody wrote, whatever bit has flipped', async () => {
    await written(mark(1), mark(2));
    for (let bit = 0; bit < 28 * 8; bit++) {
      for (const slot of [0, 4096]) {
        const flip = (bytes: Buffer) => (bytes[slot + (bit >> 3)] = (bytes[slot + (bit >> 3)] ?? 0) ^ (1 << (bit & 7)));
        await change(flip);
        const got = await read();
        expect([1, 2]).toContain(got?.durable);
        expect(got?.incarnation).toBe('log-1');
        await change(flip);
      }
    }
  }, 30_000);

  test('that version 0.1 wrote is read for ever', async () => {
    await written();
    const slot = Buffer.from('50d538d80104000000000000000100000000000000296b337639', 'hex');
    await change((bytes) => slot.copy(bytes, 4096));
    expect(await read()).toEqual({ incarnation: 'k3v9', durable: 41 });
  });

  test('is none when both slots are unreadable', async () => {
    await written(mark(1), mark(2));
    await change((bytes) => bytes.fill(7));
    expect(await read()).toBeUndefined();
  });

  test('that cannot be opened says where and what to do', async () => {
    await expect(openWatermark(join(dir, 'missing', 'watermark'))).rejects.toMatchObject({
      code: 'FAILED',
      message: expect.stringContaining('missing/watermark'),
    });
  });
});

test('The watermark in a simulated store survives a power cut', async () => {
  const disk = new SimDisk({ clock: new VirtualClock(), random: seededRandom(1), latencyMs: 0 });
  const first = storeWatermark(disk.open());
  expect(await first.read()).toBeUndefined();
  await first.write(mark(1));
  await first.write(mark(2));
  disk.crash('power');
  expect(await storeWatermark(disk.open()).read()).toEqual(mark(2));
});

describe('The keeper of the watermark', () => {
  const setup = () => {
    const clock = new VirtualClock();
    const written: number[] = [];
    let fail = false;
    const watermark: Watermark = {
      read: async () => undefined,
      write: async ({ durable }) => {
        if (fail) throw new Error('EIO');
        written.push(durable);
      },
      close: async () => undefined,
    };
    const errors: unknown[] = [];
    const keeper = new WatermarkKeeper(watermark, mark(0), clock, (error) => errors.push(error));
    return { clock, written, errors, keeper, failFromNow: () => (fail = true) };
  };

  test('writes once a second while the log grows, and not at all while it does not', async () => {
    const { clock, written, keeper } = setup();
    for (let i = 1; i <= 30; i++) {
      keeper.grew(i);
      await clock.advance(100);
    }
    expect(written.length).toBeGreaterThanOrEqual(2);
    expect(written.length).toBeLessThanOrEqual(3);
    await clock.advance(10_000);
    expect(written.at(-1)).toBe(30);
    const count = written.length;
    await clock.advance(60_000);
    expect(written).toHaveLength(count);
    expect(clock.pending).toBe(0);
  });

  test('writes at once what is asked for', async () => {
    const { written, keeper } = setup();
    keeper.grew(7);
    await keeper.flush();
    await keeper.flush();
    expect(written).toEqual([7]);
  });

  test('reports a write that fails', async () => {
    const { clock, errors, keeper, failFromNow } = setup();
    failFromNow();
    keeper.grew(7);
    await clock.advance(2000);
    await settle();
    expect(errors).toHaveLength(1);
  });
});

const mark = (durable: number): Mark => ({ incarnation: 'log-1', durable });
