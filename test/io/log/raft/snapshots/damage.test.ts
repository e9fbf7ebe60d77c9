import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { configurationOf } from '#events/raft/configuration.ts';
import { asPeer } from '#events/raft/entry.ts';
import { endBody, snapshotKind } from '#io/log/raft/snapshots/format.ts';
import { endKind, makeFrame, readHead, type Head } from '#io/log/raft/snapshots/frame.ts';
import { fileNameOf } from '#io/log/raft/snapshots/names.ts';
import { SnapshotFiles } from '#io/log/raft/snapshots/snapshot-files.ts';
import type { SnapshotPointer } from '#io/log/raft/storage.ts';
import type { SimDirectory } from '#io/stores/directory-sim.ts';
import { simDirectory } from './crash-points.ts';
import { chunksOf, digestOf, each, metaAt, readAll, receiverOf, someRows, transfer } from './samples.ts';

interface Kept {
  readonly disk: SimDirectory;
  readonly files: SnapshotFiles;
  readonly pointer: SnapshotPointer;
  readonly bytes: Uint8Array;
}

async function kept(rows: readonly Uint8Array[]): Promise<Kept> {
  const disk = simDirectory();
  const files = await SnapshotFiles.open(disk.open());
  const pointer = await files.write(metaAt(12), each(rows));
  const bytes = disk.image()[0]?.[1] ?? new Uint8Array();
  return { disk, files, pointer, bytes };
}

/** Nobody takes this file for the snapshot: not who verifies, nor who reads, nor who receives it. */
async function isFound({ disk, files, pointer }: Kept, changed: Uint8Array): Promise<void> {
  disk.restore([[pointer.file, changed]]);
  expect(await files.hasWhole(pointer)).toBe(false);
  expect((await files.verify(pointer))?.offset).toBeLessThanOrEqual(changed.length);
  await expect(readAll(files, pointer)).rejects.toMatchObject({ name: 'StoreError', code: 'DAMAGED' });
  const other = simDirectory();
  const receiving = await SnapshotFiles.open(other.open());
  const outcome = await transfer(files, receiving, pointer).catch((error: unknown) => error);
  expect(outcome).toHaveProperty('message' in (outcome as object) ? 'code' : 'refused');
  expect(other.image().filter(([name]) => !name.endsWith('.part'))).toEqual([]);
}

test('every changed bit is found by who verifies, who reads and who receives', async () => {
  const subject = await kept([Uint8Array.of(1, 2, 3), new Uint8Array(), Uint8Array.of(9)]);
  for (let bit = 0; bit < subject.bytes.length * 8; bit++) {
    const changed = subject.bytes.slice();
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    await isFound(subject, changed);
  }
});

test('every cut is found, and so is everything that was added', async () => {
  const subject = await kept([Uint8Array.of(1, 2, 3), Uint8Array.of(9)]);
  for (let size = 0; size < subject.bytes.length; size++) await isFound(subject, subject.bytes.slice(0, size));
  await isFound(subject, Buffer.concat([subject.bytes, Buffer.of(0)]));
  await isFound(subject, Buffer.concat([subject.bytes, subject.bytes]));
});

test('damage anywhere in a large snapshot is found, and its last rows are never handed out', async () => {
  const rows = someRows(5, 900_000);
  const subject = await kept(rows);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: subject.bytes.length * 8 - 1 }), async (bit) => {
      const changed = subject.bytes.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      subject.disk.restore([[subject.pointer.file, changed]]);
      let handed = 0;
      const reading = async () => {
        for await (const slice of subject.files.read(subject.pointer)) handed += slice.length;
      };
      await expect(reading()).rejects.toMatchObject({ code: 'DAMAGED' });
      expect(handed).toBeLessThan(rows.length);
    }),
    { numRuns: 60 },
  );
});

test('a whole file in the place of another one is found', async () => {
  const subject = await kept([Uint8Array.of(1, 2, 3)]);
  const { files, pointer, disk } = subject;
  const otherRows = await files.write(pointer.meta, each([Uint8Array.of(1, 2, 4)]));
  const otherTerm = await files.write(metaAt(12, 4), each([Uint8Array.of(1, 2, 3)]));
  const configuration = configurationOf([asPeer('attic'), asPeer('barn')]);
  const otherMembers = await files.write({ ...pointer.meta, configuration }, each([Uint8Array.of(1, 2, 3)]));
  const image = new Map(disk.image());
  expect(image.size).toBe(4);
  for (const { file } of [otherRows, otherTerm, otherMembers])
    await isFound(subject, image.get(file) ?? new Uint8Array());
});

test('who sends a file that is cut off ends with an error, and not as if that was all', async () => {
  const { disk, files, pointer, bytes } = await kept(someRows(5, 600_000));
  disk.restore([[pointer.file, bytes.slice(0, 300_000)]]);
  await expect(chunksOf(files, pointer)).rejects.toMatchObject({
    code: 'DAMAGED',
    message: expect.stringMatching(/byte 300000: it is cut off/),
  });
});

test('a file that the disk cannot read any more is one that is not here, and arrives from another member', async () => {
  const rows = someRows(5, 600_000);
  for (const at of [0, 300_000, 599_999]) {
    const { disk, files, pointer } = await kept(rows);
    const sending = (await kept(rows)).files;
    disk.makeUnreadable(pointer.file, at);
    expect(await files.hasWhole(pointer)).toBe(false);
    const broken = await files.verify(pointer);
    expect(broken).toMatchObject({ file: pointer.file, explain: expect.stringMatching(/cannot read/) });
    expect(broken?.offset).toBeLessThanOrEqual(at);
    await expect(readAll(files, pointer)).rejects.toMatchObject({ code: 'DAMAGED' });
    await expect(chunksOf(files, pointer)).rejects.toMatchObject({ code: 'DAMAGED' });
    expect(await transfer(sending, files, pointer)).toEqual(pointer);
    expect(await files.hasWhole(pointer)).toBe(true);
  }
});

test('a part that cannot be read any more is thrown away, and the snapshot arrives from its beginning', async () => {
  const rows = someRows(5, 900_000);
  const sending = await kept(rows);
  const { pointer } = sending;
  const disk = simDirectory();
  const chunks = await chunksOf(sending.files, pointer);
  const receiver = await receiverOf(await SnapshotFiles.open(disk.open()), pointer);
  for (const chunk of chunks.slice(0, 3)) await receiver.take(chunk);
  disk.crash('process');
  disk.makeUnreadable(`${pointer.file}.part`, 400_000);
  const files = await SnapshotFiles.open(disk.open());
  expect((await receiverOf(files, pointer)).offset).toBe(0);
  expect(await transfer(sending.files, files, pointer)).toEqual(pointer);
  expect(await readAll(files, pointer)).toBe(digestOf(rows));
});

test('a file that belies itself is found, even if it is the one that is meant', async () => {
  const { disk, files, pointer, bytes } = await kept([Uint8Array.of(1, 2, 3)]);
  const { seed } = readHead(snapshotKind, Buffer.from(bytes)) as Head;
  const content = bytes.slice(0, -53);
  const ends = [endBody(1, 'ab'.repeat(32)), endBody(2, createHash('sha256').update(content).digest('hex'))];
  for (const [at, end] of ends.entries()) {
    const changed = Buffer.concat([content, makeFrame(endKind, 2, end, seed)]);
    expect(changed.length).toBe(bytes.length);
    const sha256 = createHash('sha256').update(changed).digest('hex');
    const meant = { ...pointer, sha256, file: fileNameOf(pointer.meta, sha256) };
    disk.restore([[meant.file, changed]]);
    await expect(readAll(files, meant)).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringMatching(at === 0 ? /not that of the file/ : /has 1 rows, and says otherwise/),
    });
  }
});

test('damage is told with its place', async () => {
  const { disk, files, pointer, bytes } = await kept(someRows(5, 600_000));
  const changed = bytes.slice();
  changed[400_000] = (changed[400_000] ?? 0) ^ 1;
  disk.restore([[pointer.file, changed]]);
  const broken = await files.verify(pointer);
  expect(broken).toMatchObject({ file: pointer.file, explain: expect.stringMatching(/checksum/) });
  expect(broken?.offset).toBeGreaterThan(200_000);
  expect(broken?.offset).toBeLessThan(400_000);
  await expect(readAll(files, pointer)).rejects.toMatchObject({
    message: expect.stringContaining(`${pointer.file} is damaged at byte ${broken?.offset}`),
    hint: expect.stringMatching(/another member/),
  });
});

test('equal rows make equal files, however they come; and nothing else does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 30 })), fc.nat(20), async (rows, at) => {
      const one = await kept(rows);
      const slowly = async function* () {
        for (const row of rows) {
          await Promise.resolve();
          yield row.slice();
        }
      };
      const pointer = await (await SnapshotFiles.open(simDirectory().open())).write(metaAt(12), slowly());
      expect(pointer).toEqual(one.pointer);
      const changed = [...rows.slice(0, at), Uint8Array.of(1), ...rows.slice(at)];
      expect((await kept(changed)).pointer.sha256).not.toBe(pointer.sha256);
    }),
    { numRuns: 30 },
  );
});

test('a snapshot of a later version is told from a damaged one', async () => {
  const { disk, files, pointer, bytes } = await kept([]);
  const later = Buffer.from(bytes);
  later[8] = 2;
  const headEnd = 13 + later.readUInt32LE(9);
  later.writeUInt32LE(crc32(later.subarray(0, headEnd)), headEnd);
  disk.restore([[pointer.file, later]]);
  await expect(readAll(files, pointer)).rejects.toMatchObject({ name: 'LogError', code: 'TOO_NEW' });
  await expect(files.hasWhole(pointer)).rejects.toMatchObject({ code: 'TOO_NEW' });
});
