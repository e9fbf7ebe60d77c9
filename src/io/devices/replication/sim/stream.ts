/**
 * Streams between simulated pools: what changed from one snapshot to another, file by file, so that every way in which a
 * stream can go wrong can be tried on real bytes.
 *
 *     frame*    length:u32 crc:u32 payload:JSON        crc: of the payload, begun with the crc of the frame before
 *     head      {guid, base?, skip}                     skip: how many changes are left out, because they have come
 *     change    {file, text}                            text null: the file is gone
 *     end       {count}
 */
import { crc32 } from 'node:zlib';
import * as z from 'zod';

type Files = ReadonlyMap<string, string>;

const headSchema = z.strictObject({ guid: z.string(), base: z.string().optional(), skip: z.int().min(0) });
const changeSchema = z.strictObject({ file: z.string(), text: z.string().nullable() });
const endSchema = z.strictObject({ count: z.int().min(0) });
const restSchema = z.union([changeSchema, endSchema]);

export type SimHead = z.infer<typeof headSchema>;
export type SimChange = z.infer<typeof changeSchema>;

const prefixBytes = 8;
const longestFrame = 64 * 2 ** 20;

export function changesBetween(base: Files | undefined, to: Files): readonly SimChange[] {
  const changed = [...to].filter(([file, text]) => base?.get(file) !== text);
  const gone = [...(base?.keys() ?? [])].filter((file) => !to.has(file));
  const all: SimChange[] = [
    ...changed.map(([file, text]) => ({ file, text })),
    ...gone.map((file) => ({ file, text: null })),
  ];
  return all.toSorted((a, b) => (a.file < b.file ? -1 : 1));
}

export function* frames(head: SimHead, changes: readonly SimChange[]): Generator<Uint8Array> {
  let crc = 0;
  for (const content of [head, ...changes.slice(head.skip), { count: changes.length }]) {
    const payload = Buffer.from(JSON.stringify(content));
    crc = crc32(payload, crc);
    const prefix = Buffer.alloc(prefixBytes);
    prefix.writeUInt32LE(payload.length, 0);
    prefix.writeUInt32LE(crc, 4);
    yield Buffer.concat([prefix, payload]);
  }
}

export interface Frame {
  readonly content: unknown;
  readonly crc: number;
  readonly bytes: number;
}

/** @returns the first frame of these bytes; `more` when it is not all there; `none` when it is broken */
export function readFrame(bytes: Buffer, crcBefore: number): Frame | 'more' | 'none' {
  if (bytes.length < prefixBytes) return 'more';
  const length = bytes.readUInt32LE(0);
  if (length > longestFrame) return 'none';
  if (bytes.length < prefixBytes + length) return 'more';
  const payload = bytes.subarray(prefixBytes, prefixBytes + length);
  const crc = crc32(payload, crcBefore);
  if (crc !== bytes.readUInt32LE(4)) return 'none';
  return { content: JSON.parse(payload.toString('utf8')), crc, bytes: prefixBytes + length };
}

export function readSimHead(start: Buffer): (SimHead & Frame) | 'more' | 'none' {
  const frame = readFrame(start, 0);
  if (frame === 'more' || frame === 'none') return frame;
  const head = headSchema.safeParse(frame.content);
  return head.success ? { ...frame, ...head.data } : 'none';
}

/** @returns undefined when it is neither */
export const readRest = (content: unknown): z.infer<typeof restSchema> | undefined =>
  restSchema.safeParse(content).data;
