/**
 * What a tar holds, as a tree of digests: one for each folder, so that what is different is told by its folder. Two tars of
 * the same tree have the same, in whatever order they name it, wherever they leave zeros out, and whichever of the names of
 * a file they meet first.
 *
 *   entry   SHA-256 of its path, its facts (kind, mode, owner, seconds of its time, link, device, attributes) and its content
 *   folder  sum of the entries in it, modulo 2^256
 *   tree    SHA-256 of the folders, sorted by their paths
 *
 * Fractions of seconds do not count, because not every file system keeps them; nor does the time of the top folder, and
 * what FloatLab keeps there itself. It holds a sum for each folder, and for each file with several names, in memory.
 */
import { createHash, hash } from 'node:crypto';
import { extract, type Header } from 'tar-stream';

export interface TarDigest {
  /** By path; the empty one is the top. */
  readonly folders: ReadonlyMap<string, string>;
  /** Of all of it, hex. */
  readonly digest: string;
  readonly files: number;
  /** Of the contents of files. */
  readonly bytes: number;
}

/**
 * Passes a tar on as it comes.
 * @param linked paths of files that have several names, all of their names
 * @param done told once all of it has passed
 * @throws Error for what is no tar
 */
export async function* digested(
  tar: AsyncIterable<Uint8Array>,
  linked: ReadonlySet<string>,
  done: (digest: TarDigest) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = extract();
  const sums = new Sums(linked);
  const read = (async () => {
    for await (const entry of reader) await sums.add(entry.header, entry as AsyncIterable<Uint8Array>);
  })();
  read.catch(() => undefined);
  try {
    for await (const piece of tar) {
      if (!reader.write(piece))
        await Promise.race([new Promise<void>((resolve) => reader.once('drain', () => resolve())), read]);
      yield piece;
    }
    reader.end(Buffer.alloc(0));
    await read;
    done(sums.end());
  } finally {
    reader.destroy();
  }
}

/** @returns folders that are not the same in both, sorted */
export const differing = (a: TarDigest, b: TarDigest): readonly string[] =>
  [...new Set([...a.folders.keys(), ...b.folders.keys()])]
    .filter((folder) => a.folders.get(folder) !== b.folders.get(folder))
    .toSorted();

class Sums {
  readonly #linked: ReadonlySet<string>;
  readonly #folders = new Map<string, bigint>();
  /** Contents and facts of files that have several names. */
  readonly #shared = new Map<string, string>();
  readonly #names = new Map<string, string[]>();
  readonly #blocks = new Blocks();
  #files = 0;
  #bytes = 0;

  constructor(linked: ReadonlySet<string>) {
    this.#linked = linked;
  }

  async add(header: Header, content: AsyncIterable<Uint8Array>): Promise<void> {
    const pax = (header.pax ?? {}) as Readonly<Record<string, string>>;
    const path = pathOf(pax['GNU.sparse.name'] ?? header.name);
    let bytes = 0;
    for await (const [at, piece] of pax['GNU.sparse.major'] === '1' ? spread(content) : dense(content)) {
      this.#blocks.write(at, piece);
      bytes = at + piece.length;
    }
    const digest = this.#blocks.end();
    if (path.startsWith('.floatlab-')) return;
    const kind = header.type === 'contiguous-file' ? 'file' : header.type;
    if (kind === 'directory') this.#into(path, 0n);
    else this.#files++;
    if (kind === 'link') {
      const first = pathOf(header.linkname ?? '');
      const names = this.#names.get(first);
      if (names) names.push(path);
      else this.#names.set(first, [path]);
      return;
    }
    const size = kind === 'file' ? Number(pax['GNU.sparse.realsize'] ?? bytes) : 0;
    this.#bytes += size;
    const told = JSON.stringify([...factsOf(header, pax, path), kind, size, digest]);
    if (this.#linked.has(path)) this.#shared.set(path, told);
    else this.#entry(path, told);
  }

  end(): TarDigest {
    for (const [first, told] of this.#shared) {
      const names = [first, ...(this.#names.get(first) ?? [])].toSorted();
      for (const name of names) this.#entry(name, `${told}${JSON.stringify(names)}`);
      this.#names.delete(first);
    }
    for (const [first, names] of this.#names) for (const name of names) this.#entry(name, `link ${first}`);
    const folders = new Map(
      [...this.#folders].map(([path, sum]) => [path, sum.toString(16).padStart(64, '0')] as const),
    );
    const sorted = [...folders].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return { folders, digest: hash('sha256', JSON.stringify(sorted)), files: this.#files, bytes: this.#bytes };
  }

  #entry(path: string, told: string): void {
    const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
    this.#into(folder, BigInt(`0x${hash('sha256', `${path}\0${told}`)}`));
  }

  #into(folder: string, digest: bigint): void {
    this.#folders.set(folder, BigInt.asUintN(256, (this.#folders.get(folder) ?? 0n) + digest));
  }
}

const ofFileSystem = /^SCHILY\.xattr\.(btrfs\.|security\.selinux$)/;

function factsOf(header: Header, pax: Readonly<Record<string, string>>, path: string): readonly unknown[] {
  const seconds = pax['mtime'] === undefined ? (header.mtime?.getTime() ?? 0) / 1000 : Number(pax['mtime']);
  const attributes = Object.entries(pax)
    .filter(([key]) => /^SCHILY\.(xattr|acl)\./.test(key) && !ofFileSystem.test(key))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const isLink = header.type === 'symlink';
  return [
    isLink ? 0 : header.mode,
    ...[header.uid, header.gid],
    path === '' ? 0 : Math.floor(seconds),
    isLink ? header.linkname : '',
    ...[header.devmajor, header.devminor],
    attributes,
  ];
}

const blockBytes = 64 * 1024;
const zeros = Buffer.alloc(blockBytes);

/** Of what is not zeros, with its places: holes and zeros are the same. One serves all files, one after the other. */
class Blocks {
  readonly #block = Buffer.alloc(blockBytes);
  #hash = createHash('sha256');
  #number = 0;
  /** Behind the last byte that was written to the block. */
  #end = 0;

  /** What is written comes in the order of its places. */
  write(at: number, bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length;) {
      const number = Math.floor((at + from) / blockBytes);
      if (number !== this.#number) this.#flush(number);
      const start = (at + from) % blockBytes;
      const taken = Math.min(blockBytes - start, bytes.length - from);
      this.#block.set(bytes.subarray(from, from + taken), start);
      this.#end = start + taken;
      from += taken;
    }
  }

  end(): string {
    this.#flush(0);
    const digest = this.#hash.digest('hex');
    this.#hash = createHash('sha256');
    return digest;
  }

  #flush(next: number): void {
    let end = this.#end;
    if (this.#block.subarray(0, end).equals(zeros.subarray(0, end))) end = 0;
    while (end > 0 && this.#block[end - 1] === 0) end--;
    if (end > 0) this.#hash.update(`${this.#number}:${end}:`).update(this.#block.subarray(0, end));
    this.#block.fill(0, 0, this.#end);
    this.#end = 0;
    this.#number = next;
  }
}

type Placed = readonly [at: number, bytes: Uint8Array];

async function* dense(content: AsyncIterable<Uint8Array>): AsyncGenerator<Placed> {
  let at = 0;
  for await (const piece of content) {
    yield [at, piece];
    at += piece.length;
  }
}

/** GNU's sparse files in pax archives, version 1.0: a map of decimal lines, up to a whole block, and then what it places. */
async function* spread(content: AsyncIterable<Uint8Array>): AsyncGenerator<Placed> {
  let rest: Buffer = Buffer.alloc(0);
  let runs: { at: number; bytes: number }[] | undefined;
  for await (const piece of content) {
    rest = rest.length === 0 ? Buffer.from(piece) : Buffer.concat([rest, piece]);
    if (!runs) {
      const map = sparseMap(rest);
      if (!map) continue;
      runs = map.runs;
      rest = rest.subarray(map.bytes);
    }
    for (let run = runs[0]; run && rest.length > 0; run = runs[0]) {
      const taken = rest.subarray(0, run.bytes);
      if (taken.length > 0) yield [run.at, taken];
      run.at += taken.length;
      run.bytes -= taken.length;
      rest = rest.subarray(taken.length);
      if (run.bytes === 0) runs.shift();
    }
  }
}

/** @returns undefined while it has not come whole */
function sparseMap(
  bytes: Buffer,
): { readonly runs: { at: number; bytes: number }[]; readonly bytes: number } | undefined {
  const numbers: number[] = [];
  let from = 0;
  for (let wanted = 1; numbers.length < wanted;) {
    const end = bytes.indexOf(10, from);
    if (end < 0) return undefined;
    const number = Number(bytes.toString('latin1', from, end));
    if (!Number.isSafeInteger(number) || number < 0) throw new Error('the map of a sparse file is wrong');
    numbers.push(number);
    wanted = 1 + 2 * (numbers[0] as number);
    from = end + 1;
  }
  const whole = Math.ceil(from / 512) * 512;
  if (bytes.length < whole) return undefined;
  const runs: { at: number; bytes: number }[] = [];
  for (let n = 1; n < numbers.length; n += 2) runs.push({ at: numbers[n] as number, bytes: numbers[n + 1] as number });
  return { runs, bytes: whole };
}

const pathOf = (name: string): string =>
  name
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
