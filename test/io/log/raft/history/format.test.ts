/** The bytes of the history, as docs/formats.md says; what was ever written can be read for ever. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { packHead, unpackHead } from '#io/log/raft/history/head.ts';
import { openHistory } from '#io/log/raft/history/open.ts';
import { standardSealing } from '#io/log/raft/history/sealing.ts';
import { simDirectory } from '../snapshots/crash-points.ts';
import { begin, described, filesOf, readAll } from './samples.ts';

const sealing = { entries: 2, bytes: 10_000 };
const entries = [1, 2, 3].map((index) => ({ index, term: 7, bytes: Uint8Array.of(index, 0xaa) }));

/** As format 1 has them; never to be changed. */
const golden: Record<string, string> = {
  '0000000000000001.segment':
    '464c4142484953540126000000010000000000' +
    '0000000000000000000000000000000000000000000000000000000000000000be7ed2f0' +
    'd407ba8d010100000000000800000007000000000001aa7589114c010200000000000800000007000000000002aa' +
    'daa5efaf020300000000002c000000020000000000020000000000' +
    'ae9f3e2037f24ac40258649cccfe6386767feda710dd6bfefc330ee4e426bfd3',
  '0000000000000003.open':
    '464c4142484953540126000000030000000000' +
    'ae9f3e2037f24ac40258649cccfe6386767feda710dd6bfefc330ee4e426bfd3746a894e' +
    'e81ca547010300000000000800000007000000000003aa',
  manifest:
    '7d0853c401929300d940' +
    '30'.repeat(64) +
    'c40091940102d940' +
    Buffer.from('ae9f3e2037f24ac40258649cccfe6386767feda710dd6bfefc330ee4e426bfd3').toString('hex') +
    'cca0',
};
const goldenFiles = () => Object.entries(golden).map(([name, hex]) => [name, Buffer.from(hex, 'hex')] as const);

test('the history is written as it always was', async () => {
  const disk = simDirectory();
  const { history } = await begin(disk.open(), sealing);
  await history.append(entries);
  for (const [name, bytes] of disk.image()) expect(Buffer.from(bytes).toString('hex'), name).toBe(golden[name]);
  expect(disk.image()).toHaveLength(3);
});

test('a history of any earlier version is read, and goes on', async () => {
  const disk = simDirectory();
  disk.restore(goldenFiles());
  const { history, findings } = await openHistory(disk.open(), { sealing, acknowledged: 3 });
  expect(findings).toEqual([]);
  expect(await history.verify()).toBeUndefined();
  expect(await readAll(history)).toEqual(described(entries));
});

test('the history in a snapshot comes back as it was', async () => {
  const disk = simDirectory();
  disk.restore(goldenFiles());
  const { history } = await openHistory(disk.open(), { sealing });
  const row = packHead(await history.at(3));
  expect(Buffer.from(row).subarray(4, 6).toString('hex')).toBe('0192');
  expect(unpackHead(row).manifest.segments).toEqual(history.manifest());
  const before = filesOf(disk);
  for (let bit = 0; bit < row.length * 8; bit++) {
    const changed = Uint8Array.from(row);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => unpackHead(changed)).toThrow(expect.objectContaining({ name: 'LogError', code: 'DAMAGED' }));
  }
  expect(filesOf(disk)).toEqual(before);
});

test('a segment can be read, and the chain be followed, with nothing but its description', () => {
  const bytes = Buffer.from(golden['0000000000000001.segment'] ?? '', 'hex');
  expect(bytes.toString('latin1', 0, 8)).toBe('FLABHIST');
  const length = bytes.readUInt32LE(9);
  const headCrc = crc32(bytes.subarray(0, 13 + length));
  expect(bytes.readUInt32LE(13 + length)).toBe(headCrc);
  expect(bytes.readUIntLE(13, 6)).toBe(1);
  const found: string[] = [];
  let at = 13 + length + 4;
  for (let number = 1; ; number++) {
    const end = at + 15 + bytes.readUInt32LE(at + 11);
    expect(bytes.readUInt32LE(at)).toBe(crc32(bytes.subarray(at + 4, end), headCrc));
    expect(bytes.readUIntLE(at + 5, 6)).toBe(number);
    if (bytes[at + 4] === 2) break;
    found.push(`${number} ${bytes.readUIntLE(at + 15, 6)} ${bytes.toString('hex', at + 21, end)}`);
    at = end;
  }
  expect(found).toEqual(described(entries.slice(0, 2)));
  expect(at).toBe(bytes.length - 59);
  expect([bytes.readUIntLE(at + 15, 6), bytes.readUIntLE(at + 21, 6)]).toEqual([2, 2]);
  const hash = createHash('sha256').update(bytes.subarray(0, -59)).digest('hex');
  expect(bytes.toString('hex', bytes.length - 32)).toBe(hash);
  expect(Buffer.from(golden['0000000000000003.open'] ?? '', 'hex').toString('hex', 19, 51)).toBe(hash);
});

test('segments of a lab end where those of every other lab do', () => {
  expect(standardSealing).toEqual({ entries: 16_384, bytes: 4 * 1024 * 1024 });
});
