import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameReader } from '#io/log/raft/snapshots/frame-reader.ts';
import { contentKind, endKind, makeFrame, makeHead, type FileKind } from '#io/log/raft/snapshots/frame.ts';

const kind: FileKind = { magic: 'FLABTEST', format: 1, what: 'a test' };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const readerOf = (sizeBytes?: number): FrameReader =>
  new FrameReader({
    file: 'a',
    kind,
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    accept: (head) => (Buffer.from(head).toString() === 'head' ? 7 : 'it is of somebody else'),
  });

function fileOf(bodies: readonly Uint8Array[]): { readonly file: Buffer; readonly ends: readonly number[] } {
  const head = makeHead(kind, bytes('head'));
  const parts: Uint8Array[] = [head.bytes];
  for (const [at, body] of bodies.entries()) parts.push(makeFrame(contentKind, 7 + at, body, head.seed));
  parts.push(makeFrame(endKind, 7 + bodies.length, bytes('end'), head.seed));
  let end = 0;
  return { file: Buffer.concat(parts), ends: parts.map((part) => (end += part.length)) };
}

const anyBodies = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 });

test('a file reads the same in whatever pieces it comes', () => {
  fc.assert(
    fc.property(anyBodies, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (bodies, cuts) => {
      const { file } = fileOf(bodies);
      const reader = readerOf(file.length);
      const found: Buffer[] = [];
      for (let at = 0, i = 0; at < file.length; i++) {
        const piece = file.subarray(at, at + (cuts[i % cuts.length] ?? 1));
        found.push(...reader.take(piece).map(({ body }) => Buffer.from(body)));
        at += piece.length;
      }
      expect(reader.finish()).toBeUndefined();
      expect(found).toEqual(bodies.map((body) => Buffer.from(body)));
      expect(reader.offset).toBe(file.length);
      expect(reader.sha256).toBe(createHash('sha256').update(file).digest('hex'));
      const end = reader.end?.frame;
      expect(Buffer.from(end?.body ?? []).toString()).toBe('end');
      expect(reader.end?.sha256).toBe(createHash('sha256').update(file.subarray(0, end?.offset)).digest('hex'));
    }),
  );
});

test('every changed bit is found, and what is before it is kept', () => {
  const { file, ends } = fileOf([bytes('one'), bytes(''), bytes('three')]);
  for (let bit = 0; bit < file.length * 8; bit++) {
    const changed = Buffer.from(file);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const reader = readerOf(file.length);
    reader.take(changed);
    const whole = ends.filter((end) => end <= bit >> 3);
    expect(reader.finish(), `bit ${bit}`).toMatchObject({ file: 'a', offset: whole.at(-1) ?? 0 });
    expect(reader.offset).toBe(whole.at(-1) ?? 0);
  }
});

test('a file that is cut, goes on, or has frames moved, repeated or left out is found', () => {
  const { file, ends } = fileOf([bytes('one'), bytes('two'), bytes('six')]);
  const part = (at: number): Buffer => file.subarray(ends[at - 1] ?? 0, ends[at]);
  const [head, one, two, six, end] = [0, 1, 2, 3, 4].map(part) as [Buffer, Buffer, Buffer, Buffer, Buffer];
  const broken = (...parts: Buffer[]) => {
    const reader = readerOf();
    reader.take(Buffer.concat(parts));
    return reader.finish();
  };
  expect(broken(head, one, two, six, end)).toBeUndefined();
  for (let size = 0; size < file.length; size++) expect(broken(file.subarray(0, size))).toBeDefined();
  expect(broken(head, two, one, six, end)).toMatchObject({ offset: ends[0], explain: expect.stringMatching(/number/) });
  expect(broken(head, one, one, two, six, end)).toMatchObject({ offset: ends[1] });
  expect(broken(head, one, six, end)).toMatchObject({ offset: ends[1] });
  expect(broken(head, one, two, end)).toMatchObject({ offset: ends[2] });
  expect(broken(head, one, two, six, end, Buffer.of(0))).toMatchObject({ offset: ends[4] });
  expect(broken(file, file)).toMatchObject({ offset: ends[4] });
});

test('the same frame of a file with another head is not taken', () => {
  const { file, ends } = fileOf([bytes('one')]);
  const other = makeHead(kind, bytes('tead'));
  const frame = makeFrame(contentKind, 7, bytes('one'), other.seed);
  const reader = readerOf();
  reader.take(Buffer.concat([file.subarray(0, ends[0]), frame]));
  expect(reader.broken).toMatchObject({ offset: ends[0] });
  const foreign = readerOf();
  foreign.take(Buffer.concat([other.bytes, frame]));
  expect(foreign.broken).toMatchObject({ offset: 0, explain: 'it is of somebody else' });
});

test('a length that cannot be is found without waiting for so many bytes', () => {
  const { file, ends } = fileOf([bytes('one')]);
  const lying = Buffer.from(file.subarray(0, (ends[0] ?? 0) + 15));
  lying.writeUInt32LE(60_000, lying.length - 4);
  const reader = readerOf(file.length);
  reader.take(lying);
  expect(reader.broken).toMatchObject({ offset: ends[0], explain: expect.stringMatching(/length/) });
});

test('a format of later versions is told from damage', () => {
  const later = makeHead({ ...kind, format: 2 }, bytes('head'));
  expect(() => readerOf().take(later.bytes)).toThrow(expect.objectContaining({ name: 'LogError', code: 'TOO_NEW' }));
});

test('after going back, what follows the intact frames can be given anew', () => {
  const { file, ends } = fileOf([bytes('one'), bytes('two')]);
  const reader = readerOf(file.length);
  const bad = Buffer.from(file);
  bad[(ends[1] ?? 0) + 16] = 0xff;
  expect(reader.take(bad)).toHaveLength(1);
  reader.rewind();
  expect(reader.offset).toBe(ends[1]);
  reader.take(file.subarray(ends[1], (ends[1] ?? 0) + 3));
  reader.rewind();
  expect(reader.take(file.subarray(ends[1]))).toHaveLength(1);
  expect(reader.finish()).toBeUndefined();
  expect(reader.sha256).toBe(createHash('sha256').update(file).digest('hex'));
});
