/** A crash at every call to the disk, of the process and of the machine: a snapshot is whole, or it is not there. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { SnapshotFiles } from '#io/log/raft/snapshots/snapshot-files.ts';
import type { SnapshotPointer } from '#io/log/raft/storage.ts';
import { SimDirectory } from '#io/stores/directory-sim.ts';
import { everyCrash, runUntilCrash, simDirectory, simMedium } from './crash-points.ts';
import { digestOf, each, metaAt, readAll, receiverOf, someRows, transfer } from './samples.ts';

const samples = new Map<number, readonly Uint8Array[]>();
function rowsOf(seed: number): readonly Uint8Array[] {
  const rows = samples.get(seed) ?? someRows(seed, 600_000);
  samples.set(seed, rows);
  return rows;
}
/** So small that syncs fall in between. */
const options = { syncEveryBytes: 300_000 };

/** Every file that has the name of a snapshot is what its name says. */
function expectWhole(disk: SimDirectory): void {
  for (const [name, bytes] of disk.image()) {
    if (!name.endsWith('.snapshot')) continue;
    expect(name).toContain(createHash('sha256').update(bytes).digest('hex').slice(0, 16));
  }
}

describe.each([1, 2])('with seed %i', (seed) => {
  test('a crash while snapshots are made leaves the last one whose pointer was stored, and no half one', async () => {
    const crashes = await everyCrash(async (point) => {
      const disk = simDirectory(seed * 100 + point.call);
      let stored: SnapshotPointer | undefined;
      const hasEnded = await runUntilCrash(disk, point, async (directory) => {
        const files = await SnapshotFiles.open(directory, options);
        await files.retain(undefined);
        for (const index of [10, 20, 30]) {
          const pointer = await files.write(metaAt(index), each(rowsOf(index)));
          stored = pointer;
          await files.retain(pointer);
        }
      });
      expectWhole(disk);
      const files = await SnapshotFiles.open(disk.open(), options);
      expect(disk.image().filter(([name]) => name.endsWith('.making'))).toEqual([]);
      await files.retain(stored);
      if (stored) {
        expect(await files.hasWhole(stored)).toBe(true);
        expect(await readAll(files, stored)).toBe(digestOf(rowsOf(stored.meta.index)));
      }
      // It goes on as if nothing had happened.
      const next = await files.write(metaAt(40), each(rowsOf(40)));
      await files.retain(next);
      expect(disk.image().map(([name]) => name)).toEqual([next.file]);
      return hasEnded;
    });
    expect(crashes).toBeGreaterThan(60);
  });

  test('a crash of the receiver costs at most what was not yet on its disk; the transfer goes on', async () => {
    const sending = await SnapshotFiles.open(simDirectory().open());
    const pointer = await sending.write(metaAt(10), each(rowsOf(1)));
    let resumed = 0;
    const crashes = await everyCrash(async (point) => {
      const disk = simDirectory(seed * 100 + point.call);
      let arrived = false;
      let synced = 0;
      const hasEnded = await runUntilCrash(disk, point, async (directory) => {
        const files = await SnapshotFiles.open(
          withSyncs(directory, (bytes) => (synced = bytes)),
          options,
        );
        expect(await transfer(sending, files, pointer)).toEqual(pointer);
        arrived = true;
      });
      expectWhole(disk);
      const files = await SnapshotFiles.open(disk.open(), options);
      if (arrived) expect(await files.hasWhole(pointer)).toBe(true);
      const { offset } = await receiverOf(files, pointer);
      if (offset > 0 && offset < pointer.sizeBytes) resumed++;
      // What was synced is intact, up to a frame that was not all there.
      expect(offset).toBeGreaterThanOrEqual(synced - 256 * 1024);
      expect(await transfer(sending, files, pointer)).toEqual(pointer);
      expect(await readAll(files, pointer)).toBe(digestOf(rowsOf(1)));
      disk.crash('power');
      expect(await (await SnapshotFiles.open(disk.open())).hasWhole(pointer)).toBe(true);
      return hasEnded;
    });
    expect(crashes).toBeGreaterThan(30);
    expect(resumed).toBeGreaterThan(3);
  });

  test('a crash of the receiver, and a sector that cannot be read after it, cost no more than another transfer', async () => {
    const sending = await SnapshotFiles.open(simDirectory().open());
    const pointer = await sending.write(metaAt(10), each(rowsOf(1)));
    let damaged = 0;
    await everyCrash(async (point) => {
      const disk = simDirectory(seed * 100 + point.call);
      const hasEnded = await runUntilCrash(disk, point, async (directory) => {
        await transfer(sending, await SnapshotFiles.open(directory, options), pointer);
      });
      if (disk.makeUnreadable()) damaged++;
      const files = await SnapshotFiles.open(disk.open(), options);
      expect(await files.hasWhole(pointer)).toBe(false);
      expect(await transfer(sending, files, pointer)).toEqual(pointer);
      expect(await readAll(files, pointer)).toBe(digestOf(rowsOf(1)));
      return hasEnded;
    });
    expect(damaged).toBeGreaterThan(20);
  });

  test('a crash of the sender only interrupts: the next process sends the rest', async () => {
    await everyCrash(async (point) => {
      const disk = simDirectory(seed);
      const pointer = await (await SnapshotFiles.open(disk.open())).write(metaAt(10), each(rowsOf(1)));
      const receiving = await SnapshotFiles.open(simDirectory(2).open());
      const hasEnded = await runUntilCrash(disk, point, async (directory) => {
        await transfer(await SnapshotFiles.open(directory), receiving, pointer);
      });
      const before = (await receiverOf(receiving, pointer)).offset;
      if (hasEnded) expect(before).toBe(pointer.sizeBytes);
      expect(await transfer(await SnapshotFiles.open(disk.open()), receiving, pointer)).toEqual(pointer);
      expect(await readAll(receiving, pointer)).toBe(digestOf(rowsOf(1)));
      return hasEnded;
    });
  });
});

/** Says how much of what arrives was on the disk for sure. */
function withSyncs(
  directory: Parameters<typeof SnapshotFiles.open>[0],
  tell: (bytes: number) => void,
): Parameters<typeof SnapshotFiles.open>[0] {
  let written = 0;
  return {
    list: () => directory.list(),
    read: (name) => directory.read(name),
    stream: (name, from) => directory.stream(name, from),
    replace: (name, bytes) => directory.replace(name, bytes),
    writeAt: async (name, offset, bytes) => {
      await directory.writeAt(name, offset, bytes);
      written = offset + bytes.length;
    },
    sync: async (name) => {
      await directory.sync(name);
      tell(written);
    },
    rename: (from, to) => directory.rename(from, to),
    delete: (name) => directory.delete(name),
    close: () => directory.close(),
  };
}

describe('a disk that fails', () => {
  test('while a snapshot is made ends it with the error, and nothing half made counts', async () => {
    for (const fault of ['ENOSPC', 'EIO', 'sync', 'full'] as const) {
      const medium = simMedium(7);
      const disk = new SimDirectory(medium);
      const before = await (await SnapshotFiles.open(disk.open())).write(metaAt(5), each(rowsOf(1)));
      for (let at = 0; at < 4; at++) {
        const files = await SnapshotFiles.open(disk.open(), options);
        await files.retain(before);
        let rows = 0;
        const breaking = async function* () {
          for (const row of rowsOf(2)) {
            if (rows++ === Math.floor((rowsOf(2).length * at) / 4)) {
              if (fault === 'sync') medium.failNextSync();
              else if (fault === 'full') medium.isFull = true;
              else medium.failNextWrite(fault);
            }
            yield row;
          }
        };
        await expect(files.write(metaAt(9), breaking())).rejects.toMatchObject({ name: 'StoreError', code: 'FAILED' });
        await expect(files.write(metaAt(10), each([]))).rejects.toMatchObject({ code: 'FAILED' });
        medium.isFull = false;
        disk.crash(at % 2 === 0 ? 'power' : 'process');
        expectWhole(disk);
        const next = await SnapshotFiles.open(disk.open());
        expect(await next.hasWhole(before)).toBe(true);
        expect(disk.image().map(([name]) => name)).toEqual([before.file]);
      }
    }
  });

  test('to sync what arrives loses nothing later on: what the next process finds is written once more', async () => {
    const sending = await SnapshotFiles.open(simDirectory().open());
    const pointer = await sending.write(metaAt(10), each(rowsOf(1)));
    for (const seed of [1, 2, 3, 4]) {
      const medium = simMedium(seed);
      const disk = new SimDirectory(medium);
      const files = await SnapshotFiles.open(disk.open(), options);
      medium.failNextSync();
      await expect(transfer(sending, files, pointer)).rejects.toMatchObject({ code: 'FAILED' });
      disk.crash('process');
      const next = await SnapshotFiles.open(disk.open(), options);
      expect((await receiverOf(next, pointer)).offset).toBeGreaterThan(0);
      expect(await transfer(sending, next, pointer)).toEqual(pointer);
      disk.crash('power');
      expect(await (await SnapshotFiles.open(disk.open())).hasWhole(pointer)).toBe(true);
    }
  });
});
