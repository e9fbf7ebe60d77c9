import { beforeEach, describe, expect, test } from 'vitest';
import { makeChunk, type Chunk } from '#io/log/raft/snapshots/chunk.ts';
import { SnapshotFiles } from '#io/log/raft/snapshots/snapshot-files.ts';
import type { SnapshotPointer } from '#io/log/raft/storage.ts';
import type { SimDirectory } from '#io/stores/directory-sim.ts';
import { simDirectory } from './crash-points.ts';
import { chunksOf, digestOf, each, metaAt, readAll, receiverOf, someRows, transfer } from './samples.ts';

const rows = someRows(1, 900_000);
let sending: SnapshotFiles;
let disk: SimDirectory;
let receiving: SnapshotFiles;
let pointer: SnapshotPointer;
let chunks: readonly Chunk[];
beforeEach(async () => {
  sending = await SnapshotFiles.open(simDirectory(1).open());
  disk = simDirectory(2);
  receiving = await SnapshotFiles.open(disk.open());
  pointer = await sending.write(metaAt(12), each(rows));
  chunks = await chunksOf(sending, pointer);
});
const chunk = (at: number): Chunk => chunks[at] as Chunk;
const names = (): string[] => disk.image().map(([name]) => name);

describe('a receiver', () => {
  test('refuses a chunk that is not the next one, and goes on with the one that is', async () => {
    const receiver = await receiverOf(receiving, pointer);
    for (const wrong of [chunk(1), chunk(2)])
      expect(await receiver.take(wrong)).toMatchObject({ refused: 'wrong-offset' });
    expect(await receiver.take(chunk(0))).toBeUndefined();
    for (const wrong of [chunk(0), chunk(2)])
      expect(await receiver.take(wrong)).toMatchObject({ refused: 'wrong-offset' });
    for (const right of chunks.slice(1)) expect(await receiver.take(right)).toBeUndefined();
    expect(await receiver.finish()).toEqual(pointer);
    expect(await readAll(receiving, pointer)).toBe(digestOf(rows));
  });

  test('refuses a chunk that has nothing, too much, or more than is left', async () => {
    const receiver = await receiverOf(receiving, pointer);
    const wrong = (at: number, bytes: Uint8Array) => receiver.take(makeChunk(pointer.sha256, at, bytes));
    expect(await wrong(0, new Uint8Array())).toMatchObject({ refused: 'wrong-length' });
    expect(await wrong(0, new Uint8Array(256 * 1024 + 1))).toMatchObject({ refused: 'wrong-length' });
    for (const right of chunks.slice(0, -1)) await receiver.take(right);
    const last = chunks.at(-1) as Chunk;
    const more = Buffer.concat([last.bytes, Buffer.of(0)]);
    expect(await wrong(last.offset, more)).toMatchObject({ refused: 'wrong-length' });
    expect(await receiver.take(last)).toBeUndefined();
    expect(await receiver.finish()).toEqual(pointer);
  });

  test('refuses a chunk that was changed on its way, in its bytes, its place or its checksum', async () => {
    const receiver = await receiverOf(receiving, pointer);
    const { bytes, crc32 } = chunk(0);
    const changed = bytes.slice();
    changed[77] = (changed[77] ?? 0) ^ 4;
    expect(await receiver.take({ offset: 0, bytes: changed, crc32 })).toMatchObject({ refused: 'damaged' });
    expect(await receiver.take({ offset: 0, bytes: bytes.subarray(1), crc32 })).toMatchObject({ refused: 'damaged' });
    expect(await receiver.take({ offset: 0, bytes, crc32: crc32 ^ 1 })).toMatchObject({ refused: 'damaged' });
    const moved = await receiver.take({ ...chunk(1), offset: 0 });
    expect(moved).toMatchObject({ refused: 'damaged', explain: expect.stringMatching(/or of another snapshot/) });
    expect(receiver.offset).toBe(0);
    expect(await receiver.take(chunk(0))).toBeUndefined();
  });

  test('refuses the chunks of another snapshot, also of the same entry', async () => {
    const other = await sending.write(pointer.meta, each(someRows(2, 900_000)));
    const receiver = await receiverOf(receiving, pointer);
    await receiver.take(chunk(0));
    const foreign = (await chunksOf(sending, other))[1] as Chunk;
    expect(foreign.offset).toBe(receiver.offset);
    expect(await receiver.take(foreign)).toMatchObject({ refused: 'damaged' });
    expect(await receiver.take(chunk(1))).toBeUndefined();
  });

  test('refuses what a damaged sender sends, keeps what was before, and takes the rest from a healthy one', async () => {
    const receiver = await receiverOf(receiving, pointer);
    await receiver.take(chunk(0));
    const damaged = chunk(1).bytes.slice();
    damaged[100_000] = (damaged[100_000] ?? 0) ^ 1;
    // The sender reads what its disk gives it, and its checksum is of that.
    const lying = makeChunk(pointer.sha256, chunk(1).offset, damaged);
    const refusals = [await receiver.take(lying), await receiver.take(chunk(2))];
    expect(refusals.filter((refusal) => refusal?.refused === 'damaged')).toHaveLength(1);
    expect(receiver.offset).toBeGreaterThan(200_000);
    expect(receiver.offset).toBeLessThan(chunk(1).offset + 100_000);
    expect(await transfer(sending, receiving, pointer)).toEqual(pointer);
    expect(await readAll(receiving, pointer)).toBe(digestOf(rows));
  });

  test('does not finish before everything is there', async () => {
    const receiver = await receiverOf(receiving, pointer);
    await receiver.take(chunk(0));
    expect(await receiver.finish()).toMatchObject({ refused: 'wrong-length' });
    for (const right of chunks.slice(1)) await receiver.take(right);
    expect(await receiver.finish()).toEqual(pointer);
    expect(await receiver.finish()).toMatchObject({ refused: 'ended' });
    expect(await receiver.take(chunk(0))).toMatchObject({ refused: 'ended' });
  });

  test('throws everything away when the whole is another file than was announced', async () => {
    // Whoever announced it lied about its SHA-256.
    const sha256 = `${pointer.sha256.slice(0, 16)}${'0'.repeat(48)}`;
    const announced = { ...pointer, sha256 };
    const receiver = await receiverOf(receiving, announced);
    for (const { offset, bytes } of chunks)
      expect(await receiver.take(makeChunk(sha256, offset, bytes))).toBeUndefined();
    expect(await receiver.finish()).toMatchObject({ refused: 'wrong-content' });
    expect(names()).toEqual([]);
    const bigger = { ...pointer, sizeBytes: pointer.sizeBytes + 1 };
    const second = await receiverOf(receiving, bigger);
    for (const right of chunks) expect(await second.take(right)).toBeUndefined();
    const extra = makeChunk(pointer.sha256, pointer.sizeBytes, Uint8Array.of(0));
    expect(await second.take(extra)).toMatchObject({ refused: 'damaged' });
    expect(await second.finish()).toMatchObject({ refused: 'wrong-length' });
    expect(names().filter((name) => !name.endsWith('.part'))).toEqual([]);
  });

  test('of a snapshot of other members or another entry than was announced ends at its first chunk', async () => {
    const meta = metaAt(13);
    const announced = { ...pointer, meta, file: pointer.file.replace('12-', '13-') };
    const receiver = await receiverOf(receiving, announced);
    expect(await receiver.take(chunk(0))).toMatchObject({
      refused: 'damaged',
      explain: expect.stringMatching(/something else/),
    });
  });
});

describe('a pointer that cannot be is refused:', () => {
  test.each([
    ['a name of another file', { file: '../../node.ini' }],
    ['a name of another snapshot', { file: '0000000000000013-3-0000000000000000.snapshot' }],
    ['no SHA-256', { sha256: 'zz' }],
    ['an impossible size', { sizeBytes: -1 }],
    ['an impossible entry', { meta: metaAt(0) }],
  ])('%s', async (_, change) => {
    expect(await receiving.receive({ ...pointer, ...change })).toMatchObject({ refused: 'wrong-pointer' });
    expect(names()).toEqual([]);
  });
});

describe('of several transfers', () => {
  test('the newest one counts: the one before takes nothing more, and what it has got goes', async () => {
    const newer = await sending.write(metaAt(20), each(someRows(9, 600_000)));
    const first = await receiverOf(receiving, pointer);
    await first.take(chunk(0));
    expect(names()).toEqual([`${pointer.file}.part`]);
    const second = await receiverOf(receiving, newer);
    expect(await first.take(chunk(1))).toMatchObject({ refused: 'ended' });
    expect(await first.finish()).toMatchObject({ refused: 'ended' });
    for (const part of await chunksOf(sending, newer)) await second.take(part);
    expect(await second.finish()).toEqual(newer);
    expect(names()).toEqual([newer.file]);
  });

  test('one that a newer snapshot of this member has overtaken ends, and what it has got goes', async () => {
    const receiver = await receiverOf(receiving, pointer);
    await receiver.take(chunk(0));
    const own = await receiving.write(metaAt(15), each(someRows(9, 1000)));
    await receiving.retain(own);
    expect(await receiver.take(chunk(1))).toMatchObject({ refused: 'ended' });
    expect(names()).toEqual([own.file]);
  });

  test('one of a snapshot that is here already has nothing to do', async () => {
    expect(await transfer(sending, receiving, pointer)).toEqual(pointer);
    const receiver = await receiverOf(receiving, pointer);
    expect(receiver.offset).toBe(pointer.sizeBytes);
    expect(await receiver.finish()).toEqual(pointer);
  });

  test('one whose beginning is longer than the whole should be begins anew', async () => {
    const tooLong = Buffer.concat([...chunks.map(({ bytes }) => bytes), Buffer.of(0)]);
    disk.restore([[`${pointer.file}.part`, tooLong]]);
    expect((await receiverOf(receiving, pointer)).offset).toBe(0);
    expect(await transfer(sending, receiving, pointer)).toEqual(pointer);
    expect(await receiving.hasWhole(pointer)).toBe(true);
  });

  test('one of a snapshot that is here and damaged brings it back', async () => {
    expect(await transfer(sending, receiving, pointer)).toEqual(pointer);
    disk.flipBit(pointer.file);
    expect(await receiving.hasWhole(pointer)).toBe(false);
    expect(await transfer(sending, receiving, pointer)).toEqual(pointer);
    expect(await receiving.hasWhole(pointer)).toBe(true);
  });

  test('a snapshot that had arrived before a crash, and nobody knew, is still there for the next transfer', async () => {
    await transfer(sending, receiving, pointer);
    receiving = await SnapshotFiles.open(disk.open());
    await receiving.retain(undefined);
    const receiver = await receiverOf(receiving, pointer);
    expect(receiver.offset).toBe(pointer.sizeBytes);
    // A snapshot of this member's own, made meanwhile, does not take it away.
    await receiving.write(metaAt(11), each([]));
    expect(await receiver.finish()).toEqual(pointer);
    expect(await receiving.hasWhole(pointer)).toBe(true);
  });

  test('what crashes left over does not pile up', async () => {
    for (const index of [5, 6, 7]) {
      receiving = await SnapshotFiles.open(disk.open());
      await receiving.retain(undefined);
      // It dies before the pointer is stored.
      await receiving.write(metaAt(index), each([]));
    }
    expect(names()).toHaveLength(1);
  });
});
