/** What the files of snapshots promise, in every directory. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SnapshotFiles } from '#io/log/raft/snapshots/snapshot-files.ts';
import type { Directory } from '#io/stores/directory.ts';
import type { DirectoryUnderTest } from '#test/contracts/directory.ts';
import {
  chunksOf,
  digestOf,
  each,
  metaAt,
  receiverOf,
  readAll,
  someRows,
  transfer,
} from '#test/io/log/raft/snapshots/samples.ts';

export function snapshotsContract(title: string, setup: () => Promise<DirectoryUnderTest>): void {
  describe(`${title} keeps snapshots:`, { timeout: 60_000 }, () => {
    let subject: DirectoryUnderTest;
    let other: DirectoryUnderTest;
    let directory: Directory;
    let files: SnapshotFiles;
    let receiving: SnapshotFiles;
    beforeEach(async () => {
      subject = await setup();
      other = await setup();
      directory = await subject.open();
      files = await SnapshotFiles.open(directory);
      receiving = await SnapshotFiles.open(await other.open());
    });
    afterEach(async () => {
      await files.close();
      await receiving.close();
      await subject.dispose();
      await other.dispose();
    });
    const reopen = async (): Promise<void> => {
      await files.close();
      directory = await subject.open();
      files = await SnapshotFiles.open(directory);
    };
    const names = async (): Promise<string[]> => (await directory.list()).map(({ name }) => name);

    test('what was written is read, row by row, also after closing and opening', async () => {
      const rows = someRows(1, 700_000);
      const pointer = await files.write(metaAt(12), each(rows));
      expect(await readAll(files, pointer)).toBe(digestOf(rows));
      await reopen();
      expect(await readAll(files, pointer)).toBe(digestOf(rows));
      expect(await files.hasWhole(pointer)).toBe(true);
    });

    test('the pointer names the file, its size and its SHA-256', async () => {
      const pointer = await files.write(metaAt(12), each(someRows(1, 700_000)));
      const bytes = (await directory.read(pointer.file)) ?? new Uint8Array();
      expect(pointer.meta).toEqual(metaAt(12));
      expect(pointer.sizeBytes).toBe(bytes.length);
      expect(pointer.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
      expect(await names()).toEqual([pointer.file]);
    });

    test('a snapshot without rows, with empty rows and with one large row is as good as any', async () => {
      const large = new Uint8Array(3_000_000).fill(7);
      for (const rows of [[], [new Uint8Array()], [new Uint8Array(), Uint8Array.of(1), large, new Uint8Array()]]) {
        const pointer = await files.write(metaAt(5), each(rows));
        expect(await readAll(files, pointer)).toBe(digestOf(rows));
      }
    });

    test('a row that is too large, and rows that fail, leave nothing behind', async () => {
      const tooLarge = files.write(metaAt(5), each([new Uint8Array(16 * 1024 * 1024)]));
      await expect(tooLarge).rejects.toMatchObject({ name: 'StoreError', code: 'FAILED' });
      const failing = async function* () {
        yield* someRows(1, 600_000);
        throw new Error('the state cannot be read');
      };
      await expect(files.write(metaAt(5), failing())).rejects.toThrow('the state cannot be read');
      expect(await names()).toEqual([]);
      await files.write(metaAt(5), each([]));
    });

    test('a snapshot that is not here is said to be missing', async () => {
      const pointer = await files.write(metaAt(12), each([]));
      await directory.delete(pointer.file);
      await expect(readAll(files, pointer)).rejects.toMatchObject({ code: 'MISSING' });
      await expect(chunksOf(files, pointer)).rejects.toMatchObject({ code: 'MISSING' });
      expect(await files.hasWhole(pointer)).toBe(false);
    });

    test('it is sent in chunks of up to 256 KiB, from any byte on, and arrives as it was', async () => {
      const rows = someRows(2, 700_000);
      const pointer = await files.write(metaAt(12), each(rows));
      const bytes = (await directory.read(pointer.file)) ?? new Uint8Array();
      for (const offset of [0, 1, 262_144, pointer.sizeBytes - 1, pointer.sizeBytes]) {
        const chunks = await chunksOf(files, pointer, offset);
        expect(Math.max(0, ...chunks.map((chunk) => chunk.bytes.length))).toBeLessThanOrEqual(256 * 1024);
        expect(Buffer.concat(chunks.map((chunk) => chunk.bytes)).equals(bytes.subarray(offset))).toBe(true);
      }
      expect(await transfer(files, receiving, pointer)).toEqual(pointer);
      expect(await readAll(receiving, pointer)).toBe(digestOf(rows));
    });

    test('a transfer goes on where it stopped, in the same process and in the next one', async () => {
      const pointer = await files.write(metaAt(12), each(someRows(3, 900_000)));
      const [first, second] = await chunksOf(files, pointer);
      let receiver = await receiverOf(receiving, pointer);
      if (first) await receiver.take(first);
      receiver = await receiverOf(receiving, pointer);
      expect(receiver.offset).toBe(second?.offset);
      if (second) expect(await receiver.take(second)).toBeUndefined();
      const { offset } = receiver;
      await receiving.close();
      receiving = await SnapshotFiles.open(await other.open());
      receiver = await receiverOf(receiving, pointer);
      expect(receiver.offset).toBeGreaterThan(0);
      expect(receiver.offset).toBeLessThanOrEqual(offset);
      expect(await transfer(files, receiving, pointer)).toEqual(pointer);
      expect(await receiving.verify(pointer)).toBeUndefined();
    });

    test('older snapshots go when a newer pointer is durable, and not before', async () => {
      const first = await files.write(metaAt(10), each(someRows(1, 1000)));
      await files.retain(first);
      const second = await files.write(metaAt(20), each(someRows(2, 1000)));
      expect(await names()).toEqual([first.file, second.file]);
      await files.retain(second);
      expect(await names()).toEqual([second.file]);
      await files.retain(second);
      expect(await names()).toEqual([second.file]);
    });

    test('a snapshot that somebody reads, sends or holds stays until they are done, and holds up nothing', async () => {
      const first = await files.write(metaAt(10), each(someRows(1, 900_000)));
      await files.retain(first);
      const hold = files.hold(first);
      const reading = files.read(first);
      const sending = files.sendFrom(first, 0);
      await reading.next();
      await sending.next();
      const second = await files.write(metaAt(20), each(someRows(2, 1000)));
      await files.retain(second);
      const third = await files.write(metaAt(30), each(someRows(3, 1000)));
      await files.retain(third);
      expect(await names()).toEqual([first.file, third.file]);
      await reading.return();
      expect(await names()).toEqual([first.file, third.file]);
      for await (const _ of sending);
      expect(await names()).toEqual([first.file, third.file]);
      await hold.release();
      expect(await names()).toEqual([third.file]);
    });
  });
}
