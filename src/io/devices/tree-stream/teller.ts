/**
 * One walk through a tree, beside its base where it has one, that tells what differs and takes the digest of all.
 *
 *   names of a folder, sorted ─▶ 256 at a time: stat, attributes ─▶ each: same, removed, changed, new ─▶ records
 *                                                                        folder: enter, walk, leave
 *
 * In memory are the names of the folders that it is in, and inodes with several names (`link-sets.ts`). A folder in which
 * nothing has changed is not told. Another file system that is mounted in the tree is not part of it: an empty folder.
 */
import type { BigIntStats } from 'node:fs';
import { constants, readlinkSync } from 'node:fs';
import type { Place } from './content.ts';
import { tellContent } from './content.ts';
import type { KernelCalls } from './kernel-calls.ts';
import { LinkSets } from './link-sets.ts';
import type { Kind, Metadata } from './metadata.ts';
import { deviceOf, inSeconds, isSame, kindOf, metadataOf } from './metadata.ts';
import type { OpenFolder } from './open-folder.ts';
import { here } from './open-folder.ts';
import type { RecordWriter } from './record-writer.ts';
import type { Covered } from './records.ts';
import { readable } from './refusals.ts';
import type { Side } from './side.ts';
import { fileDigest, folderDigest, hardLinkDigest, linkDigest, Listing, specialDigest } from './tree-digest.ts';

export interface TellerOptions {
  readonly target: Side;
  readonly base: Side | undefined;
  /**
   * A file that has the same inode in both, with metadata that last changed at the same moment before this one
   * (nanoseconds since 1970), is the same, and is not read. Undefined: what is in both is always read.
   */
  readonly sameBefore: bigint | undefined;
  readonly covered: Covered;
  readonly writer: RecordWriter | undefined;
  /** Called between files and blocks; a promise is waited for. */
  readonly drain: () => Promise<void> | undefined;
  /** @param path from the top */
  readonly onListing?: (path: Buffer, listing: Buffer) => void;
}

interface Found {
  readonly name: Buffer;
  readonly stats: BigIntStats;
  attributes: Buffer;
}

interface Pair {
  readonly name: Buffer;
  readonly target: Found | undefined;
  readonly base: Found | undefined;
  /** The same inode, untouched. */
  readonly isSame: boolean;
}

const batchSize = 256;
const slash = Buffer.from('/');
const nothing = Buffer.alloc(0);

export class Teller {
  readonly #options: TellerOptions;
  readonly #device: bigint;
  readonly #baseDevice: bigint | undefined;
  readonly #links = new LinkSets();
  /** Folders that we are in and have not told yet. */
  #untold: Buffer[] = [];
  /** Whether names of the folder where we are came or went at the receiver, which changes the time of that folder. */
  #isTouched = false;
  #folder: OpenFolder;
  #baseFolder: OpenFolder | undefined;

  constructor(options: TellerOptions) {
    this.#options = options;
    this.#folder = options.target.top;
    this.#baseFolder = options.base?.top;
    this.#device = this.#folder.stats().dev;
    this.#baseDevice = this.#baseFolder?.stats().dev;
  }

  /** @returns the digest of the tree */
  async tell(): Promise<Buffer> {
    const target: Found = { name: here, stats: this.#folder.stats(), attributes: nothing };
    const base = this.#baseFolder && { name: here, stats: this.#baseFolder.stats(), attributes: nothing };
    await this.#lookCloser([{ name: here, target, base, isSame: false }]);
    const metadata = metadataOf(target.stats, target.attributes);
    const digest = await this.#inFolder(nothing, metadata);
    const isChanged = this.#isTouched || !base || !isSame(metadata, metadataOf(base.stats, base.attributes));
    this.#writer?.leave(isChanged ? metadata : undefined);
    return digest;
  }

  get #writer(): RecordWriter | undefined {
    return this.#options.writer;
  }

  /** What is in the folder where we are. @returns its digest */
  async #inFolder(path: Buffer, metadata: Metadata): Promise<Buffer> {
    const listing = new Listing(this.#covered(metadata));
    // Where something else is mounted, these are not the names of this tree.
    const names = this.#folder.stats().dev === this.#device ? this.#folder.names() : [];
    const isBase = this.#baseFolder?.stats().dev === this.#baseDevice;
    const baseNames = isBase ? (this.#baseFolder?.names() ?? []) : [];
    for (const batch of inBatches(merged(names, baseNames))) {
      const pairs = batch.map((found) => this.#look(found));
      await this.#lookCloser(pairs);
      for (const pair of pairs) {
        if (pair.target) await this.#entry(path, pair as Pair & { target: Found }, listing);
        else this.#replaced(pair);
        const full = this.#options.drain();
        if (full) await full;
      }
    }
    const bytes = listing.bytes();
    this.#options.onListing?.(path, bytes);
    return folderDigest(bytes);
  }

  #look({ name, inTarget, inBase }: Merged): Pair {
    const target = inTarget ? found(this.#folder, name) : undefined;
    const base = inBase && this.#baseFolder ? found(this.#baseFolder, name) : undefined;
    const { sameBefore } = this.#options;
    const isSame =
      sameBefore !== undefined &&
      target !== undefined &&
      target.stats.ino === base?.stats.ino &&
      target.stats.ctimeNs === base.stats.ctimeNs &&
      target.stats.ctimeNs < sameBefore &&
      target.stats.mode === base.stats.mode &&
      target.stats.size === base.stats.size;
    return { name, target, base, isSame };
  }

  /** Attributes: of what may have changed on both sides. */
  async #lookCloser(pairs: readonly Pair[]): Promise<void> {
    const { target, base } = this.#options;
    const unsure = base ? pairs.filter((pair) => pair.base && pair.target && !pair.isSame) : [];
    await Promise.all([
      fillAttributes(
        target.calls,
        pairs.flatMap((pair) => pair.target ?? []),
      ),
      base &&
        fillAttributes(
          base.calls,
          unsure.flatMap((pair) => pair.base ?? []),
        ),
    ]);
  }

  async #entry(path: Buffer, pair: Pair & { target: Found }, listing: Listing): Promise<void> {
    const { name, target } = pair;
    const kind = kindOf(Number(target.stats.mode));
    if (kind === undefined) throw new Error(`a file of no known kind: ${name.toString('latin1')}`);
    const pathOf = () => (path.length === 0 ? name : Buffer.concat([path, slash, name]));
    if (kind === 'folder') return listing.add(name, 'folder', await this.#subfolder(pathOf(), pair));

    const first = this.#links.see(target.stats, pathOf);
    if (first !== undefined) {
      const isThere = pair.base !== undefined && this.#links.isKept(pair.base.stats, target.stats);
      if (!isThere) this.#replaced(pair)?.hardLink(name, first);
      return listing.add(name, 'hardLink', hardLinkDigest(first));
    }
    const metadata = metadataOf(target.stats, target.attributes);
    const base = this.#stays(pair, kind);
    switch (kind) {
      case 'file':
        return listing.add(name, kind, await this.#file(pair, base, metadata));
      case 'link': {
        const to = linkTarget(this.#folder, name);
        if (base) this.#metadataOnly(pair, metadata);
        else this.#replaced(pair)?.link(name, to, metadata);
        return listing.add(name, kind, linkDigest(this.#covered(metadata), to));
      }
      case 'special': {
        const device = deviceOf(target.stats);
        if (base) this.#metadataOnly(pair, metadata);
        else this.#replaced(pair)?.special(name, device, metadata);
        return listing.add(name, kind, specialDigest(this.#covered(metadata), device));
      }
    }
  }

  async #subfolder(path: Buffer, pair: Pair & { target: Found }): Promise<Buffer> {
    const { name, target, base } = pair;
    const options = this.#options;
    const [folder, baseFolder] = [this.#folder, this.#baseFolder];
    const metadata = metadataOf(target.stats, target.attributes);
    const isInBase = base !== undefined && kindOf(Number(base.stats.mode)) === 'folder';
    if (isInBase) this.#untold.push(name);
    else this.#replaced(pair)?.make(name);
    const untold = this.#untold.length;

    const wasTouched = this.#isTouched;
    this.#isTouched = false;
    this.#folder = folder.enter(name);
    this.#baseFolder = undefined;
    try {
      options.target.calls.enter(name);
      if (isInBase) {
        this.#baseFolder = baseFolder?.enter(name);
        options.base?.calls.enter(name);
      }
      const digest = await this.#inFolder(path, metadata);
      const isOther = !isInBase || !(pair.isSame || isSame(metadata, metadataOf(base.stats, base.attributes)));
      const isChanged = isOther || this.#isTouched;
      if (isChanged) this.#told();
      if (isInBase && this.#untold.length === untold) this.#untold.pop();
      else this.#writer?.leave(isChanged ? metadata : undefined);
      options.target.calls.leave();
      if (isInBase) options.base?.calls.leave();
      return digest;
    } finally {
      this.#folder.close();
      this.#baseFolder?.close();
      this.#isTouched = wasTouched;
      this.#folder = folder;
      this.#baseFolder = baseFolder;
    }
  }

  async #file(pair: Pair & { target: Found }, base: Found | undefined, metadata: Metadata): Promise<Buffer> {
    const { name, target } = pair;
    const { covered, drain, target: side, base: baseSide } = this.#options;
    const isUntouched = base !== undefined && pair.isSame;
    const digest = covered.depth === 'content';
    if (isUntouched && !digest) return fileDigest(this.#covered(metadata), target.stats.size, undefined);

    const place: Place = { folder: this.#folder, calls: side.calls, name, stats: target.stats };
    if (isUntouched) {
      const { digest: known } = await tellContent(place, undefined, { writer: () => undefined, drain, digest });
      return fileDigest(this.#covered(metadata), target.stats.size, known);
    }
    if (!base) this.#replaced(pair);
    const basePlace =
      base && baseSide && this.#baseFolder
        ? { folder: this.#baseFolder, calls: baseSide.calls, name, stats: base.stats }
        : undefined;
    const told = await tellContent(place, basePlace, { writer: () => this.#told(), drain, digest });
    if (told.isChanged) this.#writer?.end(metadata);
    else this.#metadataOnly(pair, metadata);
    return fileDigest(this.#covered(metadata), target.stats.size, told.digest);
  }

  /** @returns what the base has under this name, if the receiver's can become what the target has */
  #stays({ name, target, base }: Pair & { target: Found }, kind: Exclude<Kind, 'folder'>): Found | undefined {
    if (!base || !this.#baseFolder || kindOf(Number(base.stats.mode)) !== kind) return undefined;
    if (kind === 'link' && !linkTarget(this.#folder, name).equals(linkTarget(this.#baseFolder, name))) return undefined;
    const isOther = (base.stats.mode ^ target.stats.mode) & formatBits;
    if (kind === 'special' && (isOther || base.stats.rdev !== target.stats.rdev)) return undefined;
    return this.#links.keep(base.stats, target.stats) ? base : undefined;
  }

  #metadataOnly({ name, base, isSame: isUntouched }: Pair, metadata: Metadata): void {
    if (!base || isUntouched || isSame(metadata, metadataOf(base.stats, base.attributes))) return;
    this.#told()?.metadata(name, metadata);
  }

  /** Removes what the base has of this name; the target may have something else. */
  #replaced({ name, base }: Pair): RecordWriter | undefined {
    const writer = this.#told();
    this.#isTouched = true;
    if (base) writer?.remove(name);
    return writer;
  }

  #covered(metadata: Metadata): Metadata {
    return this.#options.covered.wholeSeconds ? inSeconds(metadata) : metadata;
  }

  /** The receiver is where we are. */
  #told(): RecordWriter | undefined {
    for (const name of this.#untold.splice(0)) this.#writer?.enter(name);
    return this.#writer;
  }
}

const formatBits = BigInt(constants.S_IFMT);

const linkTarget = (folder: OpenFolder, name: Buffer): Buffer => readlinkSync(folder.at(name), { encoding: 'buffer' });

function found(folder: OpenFolder, name: Buffer): Found {
  const stats = folder.look(name);
  if (!stats) throw new Error(`${readable(name)} vanished while the tree was read`);
  return { name, stats, attributes: nothing };
}

async function fillAttributes(calls: KernelCalls, files: readonly Found[]): Promise<void> {
  const attributes = await calls.attributes(files.map(({ name }) => name));
  files.forEach((file, n) => (file.attributes = attributes[n] ?? nothing));
}

interface Merged {
  readonly name: Buffer;
  readonly inTarget: boolean;
  readonly inBase: boolean;
}

/** Two sorted lists as one. */
function* merged(target: readonly Buffer[], base: readonly Buffer[]): Generator<Merged, void, undefined> {
  for (let t = 0, b = 0; t < target.length || b < base.length;) {
    const [inT, inB] = [target[t], base[b]];
    const order = inT && inB ? Buffer.compare(inT, inB) : inT ? -1 : 1;
    const name = order <= 0 ? inT : inB;
    if (!name) return;
    if (order <= 0) t++;
    if (order >= 0) b++;
    yield { name, inTarget: order <= 0, inBase: order >= 0 };
  }
}

function* inBatches<T>(items: Iterable<T>): Generator<readonly T[], void, undefined> {
  let batch: T[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
