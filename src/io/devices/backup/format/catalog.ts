/**
 * What is where in a tar, so that one path can be brought back without reading the rest. A line of JSON for each entry,
 * in their order:
 *
 *   [path, bytes]             path as in `#events/values/tree-path.ts`; bytes in the tar: heads, content and padding
 *   [path, bytes, target]     of a hard link: the path whose content it shares
 *
 * Where an entry begins is the sum of what is before it; so the lines of files that did not change do not change either.
 */
import { encodeName, joinPath } from '#events/values/tree-path.ts';
import { damagedObject } from './seal.ts';

export interface CatalogEntry {
  readonly path: string;
  readonly bytes: number;
  readonly target?: string;
}

const block = 512;
/** Names and attributes of one entry, in pax records. */
const maxExtensionBytes = 2 * 1024 * 1024;
const maxLineBytes = 64 * 1024;

export const writeEntry = ({ path, bytes, target }: CatalogEntry): string =>
  `${JSON.stringify(target === undefined ? [path, bytes] : [path, bytes, target])}\n`;

/** @throws IoError DAMAGED */
export async function* readCatalog(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<CatalogEntry, void, undefined> {
  let rest = Buffer.alloc(0);
  for await (const piece of pieces) {
    const bytes = rest.length === 0 ? Buffer.from(piece) : Buffer.concat([rest, piece]);
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      yield entryOf(bytes.toString('utf8', from, end));
      from = end + 1;
    }
    rest = bytes.subarray(from);
    if (rest.length > maxLineBytes) throw wrongLine();
  }
  if (rest.length > 0) throw wrongLine();
}

function entryOf(line: string): CatalogEntry {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw wrongLine();
  }
  const [path, bytes, target, more] = Array.isArray(value) ? (value as unknown[]) : [];
  const isRight = typeof path === 'string' && Number.isSafeInteger(bytes) && (bytes as number) >= block;
  if (!isRight || more !== undefined || (target !== undefined && typeof target !== 'string')) throw wrongLine();
  return { path, bytes: bytes as number, ...(target === undefined ? {} : { target }) };
}

const wrongLine = () => damagedObject('catalog', 'a line of it is wrong');

/**
 * Follows a tar (ustar, pax, GNU's long names) as it goes by and tells its entries; content is passed over. What it does
 * not know makes it give up: then there is no catalog, and the backup is as good as any other.
 */
export class TarFollower {
  readonly #found: (entry: CatalogEntry) => void;
  #state: 'head' | 'extension' | 'content' | 'end' | 'lost' = 'head';
  #parts: Uint8Array[] = [];
  /** Of what is gathered in `parts`, or passed over. */
  #missing = block;
  #padding = 0;
  #extension: 'x' | 'g' | 'L' | 'K' = 'x';
  /** Of the entry that is on its way. */
  #bytes = 0;
  #names: { path?: Uint8Array; link?: Uint8Array; size?: number } = {};
  #entry: CatalogEntry | undefined;

  constructor(found: (entry: CatalogEntry) => void) {
    this.#found = found;
  }

  get isLost(): boolean {
    return this.#state === 'lost';
  }

  /** Whether the end of the archive came by. */
  get isWhole(): boolean {
    return this.#state === 'end';
  }

  push(piece: Uint8Array): void {
    for (let at = 0; at < piece.length && this.#state !== 'end' && this.#state !== 'lost';) {
      const taken = Math.min(this.#missing, piece.length - at);
      if (this.#state !== 'content') this.#parts.push(new Uint8Array(piece.subarray(at, at + taken)));
      at += taken;
      this.#missing -= taken;
      this.#bytes += taken;
      if (this.#missing === 0) this.#next();
    }
  }

  #next(): void {
    const bytes = Buffer.concat(this.#parts);
    this.#parts = [];
    if (this.#state === 'extension') this.#takeExtension(bytes.subarray(0, bytes.length - this.#padding));
    else if (this.#state === 'content') this.#tell();
    else this.#takeHead(bytes);
  }

  #takeHead(head: Buffer): void {
    if (head.every((byte) => byte === 0)) {
      this.#state = 'end';
      return;
    }
    const type = String.fromCharCode(head[156] ?? 0);
    const ownSize = numberIn(head, 124, 12);
    if (ownSize === undefined || sumOf(head) !== numberIn(head, 148, 8)) return this.#lose();
    if (type === 'x' || type === 'g' || type === 'L' || type === 'K') {
      if (ownSize > maxExtensionBytes || ownSize === 0) return this.#lose();
      this.#extension = type;
      this.#expect('extension', ownSize);
      return;
    }
    // GNU's own sparse files have more heads behind the first; in pax archives there are none.
    if (!'0123456\0'.includes(type) && type !== '7') return this.#lose();
    const path = this.#names.path ?? nameIn(head);
    const link = this.#names.link ?? untilZero(head.subarray(157, 257));
    const target = type === '1' ? pathOf(link) : undefined;
    this.#entry = { path: pathOf(path), bytes: 0, ...(target === undefined ? {} : { target }) };
    // Only files have content, whatever their heads say.
    const size = '0\x007'.includes(type) ? (this.#names.size ?? ownSize) : 0;
    if (size === 0) this.#tell();
    else this.#expect('content', size);
  }

  #tell(): void {
    if (this.#entry) this.#found({ ...this.#entry, bytes: this.#bytes });
    this.#entry = undefined;
    this.#names = {};
    this.#bytes = 0;
    this.#state = 'head';
    this.#missing = block;
  }

  #takeExtension(bytes: Buffer): void {
    if (this.#extension === 'L') this.#names.path = untilZero(bytes);
    else if (this.#extension === 'K') this.#names.link = untilZero(bytes);
    else if (this.#extension === 'x') {
      const records = paxRecords(bytes);
      if (!records) return this.#lose();
      const [size, real] = [records.get('size'), records.get('GNU.sparse.name')];
      const path = real ?? records.get('path');
      const link = records.get('linkpath');
      if (path) this.#names.path = path;
      if (link) this.#names.link = link;
      if (size) this.#names.size = Number(size.toString('latin1'));
      if (this.#names.size !== undefined && !Number.isSafeInteger(this.#names.size)) return this.#lose();
    }
    this.#state = 'head';
    this.#missing = block;
  }

  #expect(state: 'extension' | 'content', size: number): void {
    this.#state = state;
    this.#padding = (block - (size % block)) % block;
    this.#missing = size + this.#padding;
  }

  #lose(): void {
    this.#state = 'lost';
  }
}

/** Octal in ASCII, or base 256 with the uppermost bit set. @returns undefined for neither */
function numberIn(head: Buffer, at: number, length: number): number | undefined {
  const field = head.subarray(at, at + length);
  if (((field[0] ?? 0) & 0x80) !== 0) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
    return field[0] === 0x80 && Number.isSafeInteger(value) ? value : undefined;
  }
  const digits = untilZero(field).toString('latin1').trim();
  return /^[0-7]{0,12}$/.test(digits) ? Number.parseInt(`0${digits}`, 8) : undefined;
}

const sumOf = (head: Buffer): number => head.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);

function nameIn(head: Buffer): Uint8Array {
  const name = untilZero(head.subarray(0, 100));
  const isUstar = head.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? untilZero(head.subarray(345, 500)) : Buffer.alloc(0);
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]);
}

function untilZero(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

/** `length key=value\n`, by POSIX. @returns undefined for what is none */
function paxRecords(bytes: Buffer): ReadonlyMap<string, Buffer> | undefined {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(32, at);
    const length = space < 0 || space - at > 9 ? Number.NaN : Number(bytes.toString('latin1', at, space));
    const equals = bytes.indexOf(61, space);
    const end = at + length;
    if (!Number.isInteger(length) || equals < 0 || equals >= end || end > bytes.length || bytes[end - 1] !== 10)
      return undefined;
    records.set(bytes.toString('latin1', space + 1, equals), bytes.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

/** As the project writes paths: without `./` and slashes around it; the empty one is the root. */
function pathOf(name: Uint8Array): string {
  let path = '';
  let from = 0;
  for (let at = 0; at <= name.length; at++) {
    if (at < name.length && name[at] !== 47) continue;
    const part = name.subarray(from, at);
    from = at + 1;
    if (part.length > 0 && !(part.length === 1 && part[0] === 46)) path = joinPath(path, encodeName(part));
  }
  return path;
}
