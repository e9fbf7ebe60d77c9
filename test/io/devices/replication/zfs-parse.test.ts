/** What zfs says of streams, on captured output of OpenZFS 2.1 and zfs-fuse 0.7. */
import { describe, expect, test } from 'vitest';
import { streamError } from '#io/devices/replication/zfs/errors.ts';
import { bookmarkName, readBookmark } from '#io/devices/replication/zfs/layout.ts';
import { parseEstimate, parseStreamTools, parseToken } from '#io/devices/replication/zfs/parse.ts';
import { readZfsHead } from '#io/devices/replication/zfs/stream.ts';

const openZfs = `
	receive [-vMnsFhu] [-o <property>=<value>] ... [-x <property>] ...
	    <filesystem|volume|snapshot>
	receive -A <filesystem|volume>
	rename [-f] <filesystem|volume|snapshot> <filesystem|volume|snapshot>
	bookmark <snapshot|bookmark> <newbookmark>
	send [-DnPpRvLecwhb] [-[i|I] snapshot] <snapshot>
	send [-DnvPLecw] [-i snapshot|bookmark] <filesystem|volume|snapshot>
	send [-nvPe] -t <receive_resume_token>
`;
const zfsFuse = `
	receive [-vnFu] <filesystem|volume|snapshot>
	receive [-vnFu] [-d | -e] <filesystem>
	send [-RDp] [-[iI] snapshot] <snapshot>
`;

test('what the tools can they say themselves', () => {
  const all = { resume: true, compressed: true, raw: true, bookmarks: true, receivesSettings: true, estimates: true };
  expect(parseStreamTools(openZfs)).toEqual(all);
  expect(Object.values(parseStreamTools(zfsFuse))).toEqual([false, false, false, false, false, false]);
});

test('an estimate is there unless there is nothing to send', () => {
  expect(parseEstimate('incremental\ta\ttank/app@b\t5260592\nsize\t5260592\n')).toBe(5260592);
  expect(parseEstimate('full\ttank/app@b\n')).toBeUndefined();
});

test('a token says which snapshot it stands for', () => {
  const text =
    'resume token contents:\nnvlist version: 0\n\tobject = 0x2\n\ttoguid = 0xd69e5c111fa25a77\n\ttoname = tank/app@a\n';
  expect(parseToken(text)).toBe('15464899399051795063');
  expect(parseToken('cannot resume send')).toBeUndefined();
});

test('the name of a bookmark says of what it is, and for whom', () => {
  expect(readBookmark(bookmarkName('vega-2', '123'))).toEqual({ guid: '123', peer: 'vega-2' });
  expect(readBookmark('theirs')).toBeUndefined();
});

describe('errors', () => {
  test.each([
    [
      'DIVERGED',
      'cannot receive incremental stream: most recent snapshot of rp/r/a does not\nmatch incremental source',
    ],
    ['DIVERGED', 'cannot receive incremental stream: destination rp/r/a has been modified\nsince most recent snapshot'],
    ['TRUNCATED', 'cannot receive new filesystem stream: invalid backup stream'],
    [
      'TRUNCATED',
      'cannot receive new filesystem stream: checksum mismatch or incomplete stream.\nPartially received snapshot is saved.',
    ],
    ['TRUNCATED', 'cannot receive: failed to read from stream'],
    ['TOKEN_DEAD', "cannot resume send: 'tank/app@a' used in the initial send no longer exists"],
    ['NO_SPACE', 'cannot receive resume stream: out of space'],
    [
      'BUSY',
      'cannot receive incremental stream: destination tank/rep contains partially-complete state from "zfs receive -s".',
    ],
    ['EXISTS', "cannot receive new filesystem stream: destination 'rp/r/a' exists\nmust specify -F to overwrite it"],
    ['MISSING', "cannot open 'tank/app@c': dataset does not exist"],
    ['HELD', "cannot destroy 'tank/a@b': snapshot has dependent clones"],
  ])('%s: %s', (code, stderr) => {
    expect(streamError('zfs receive', 'test/db', { stdout: '', stderr, exitCode: 1 }).code).toBe(code);
  });
});

describe('the head of a stream', () => {
  /** As a kernel writes it. */
  const head = (order: 'LE' | 'BE', { to, from, features }: { to: bigint; from: bigint; features: bigint }): Buffer => {
    const bytes = Buffer.alloc(312);
    const put = (value: bigint, at: number) =>
      void (order === 'LE' ? bytes.writeBigUInt64LE(value, at) : bytes.writeBigUInt64BE(value, at));
    put(0x2f5bacbacn, 8);
    put(1n | (features << 2n), 16);
    put(to, 40);
    put(from, 48);
    return bytes;
  };

  test.each(['LE', 'BE'] as const)('is read in the byte order of its sender (%s)', (order) => {
    const guid = 15464538411366637175n;
    const bytes = head(order, { to: guid, from: 0n, features: 1n << 20n });
    expect(readZfsHead(bytes)).toEqual({ guid: guid.toString(), base: undefined, isResumed: true });
    const next = head(order, { to: 7n, from: guid, features: 4n });
    expect(readZfsHead(next)).toEqual({ guid: '7', base: guid.toString(), isResumed: false });
  });

  test('asks for more, and refuses what is none', () => {
    const bytes = head('LE', { to: 1n, from: 0n, features: 0n });
    for (const at of [0, 8, 15, 100, 311]) expect(readZfsHead(bytes.subarray(0, at))).toBe('more');
    expect(readZfsHead(Buffer.alloc(16, 1))).toBe('none');
    bytes.writeUInt32LE(5, 0);
    expect(readZfsHead(bytes)).toBe('none');
  });
});
