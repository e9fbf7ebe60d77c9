/** The bytes of snapshots, as docs/formats.md says; what was ever written can be read for ever. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { unpack } from 'msgpackr';
import { expect, test } from 'vitest';
import { SnapshotFiles } from '#io/log/raft/snapshots/snapshot-files.ts';
import { simDirectory } from './crash-points.ts';
import { digestOf, each, metaAt, readAll } from './samples.ts';

const rows = [Uint8Array.of(1, 2, 3), new Uint8Array()];

/** As format 1 has it; never to be changed. */
const golden = {
  file: '0000000000000012-3-4611e68a72d20797.snapshot',
  sha256: '4611e68a72d207974c2644bf48dc0eccfd4dc5ab17423988d30f8c04e67a88d4',
  bytes: Buffer.from(
    '464c4142534e4150011b000000930c039592a56174746963a663656c6c61729091a47368656490c263c9d4fe' +
      '66cf814a010100000000000b0000000300000001020300000000' +
      '89b632f10202000000000026000000020000000000dc5bffb1d293d00676ae401fb7192a2744fe8151dc845ceb6d69157ea714a9bc',
    'hex',
  ),
};

test('a snapshot is written as it always was', async () => {
  const disk = simDirectory();
  const files = await SnapshotFiles.open(disk.open());
  const pointer = await files.write(metaAt(12), each(rows));
  const { file, sha256 } = golden;
  expect(pointer).toEqual({ meta: metaAt(12), file, sha256, sizeBytes: golden.bytes.length });
  expect(Buffer.from(disk.image()[0]?.[1] ?? []).toString('hex')).toBe(golden.bytes.toString('hex'));
});

test('a snapshot of any earlier version is read', async () => {
  const { file, sha256, bytes } = golden;
  const disk = simDirectory();
  disk.restore([[file, bytes]]);
  const files = await SnapshotFiles.open(disk.open());
  expect(await readAll(files, { meta: metaAt(12), file, sha256, sizeBytes: bytes.length })).toBe(digestOf(rows));
});

test('a snapshot can be read with nothing but its description', () => {
  const { bytes, sha256 } = golden;
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
  expect(bytes.toString('latin1', 0, 8)).toBe('FLABSNAP');
  const length = bytes.readUInt32LE(9);
  const headCrc = crc32(bytes.subarray(0, 13 + length));
  expect(bytes.readUInt32LE(13 + length)).toBe(headCrc);
  expect(unpack(bytes.subarray(13, 13 + length))).toEqual([12, 3, [['attic', 'cellar'], [], ['shed'], [], false]]);
  const found: Buffer[] = [];
  let at = 13 + length + 4;
  for (let number = 1; ; number++) {
    const end = at + 15 + bytes.readUInt32LE(at + 11);
    expect(bytes.readUInt32LE(at)).toBe(crc32(bytes.subarray(at + 4, end), headCrc));
    expect(bytes.readUIntLE(at + 5, 6)).toBe(number);
    if (bytes[at + 4] === 2) break;
    for (let row = at + 15; row < end; row += 4 + bytes.readUInt32LE(row))
      found.push(bytes.subarray(row + 4, row + 4 + bytes.readUInt32LE(row)));
    at = end;
  }
  expect(at).toBe(bytes.length - 53);
  expect(bytes.readUIntLE(at + 15, 6)).toBe(found.length);
  expect(bytes.subarray(-32)).toEqual(createHash('sha256').update(bytes.subarray(0, at)).digest());
  expect(digestOf(found)).toBe(digestOf(rows));
});
