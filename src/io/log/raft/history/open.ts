/**
 * Opens the history of a member: completes what a crash interrupted, and finds out what is missing.
 *
 * Whatever the moment of the crash, what comes out is a prefix of what was appended, with everything that was durable.
 * A sealed segment is looked at from its end alone; `History.verify` reads it all. A damaged one is left where it is
 * until another member has sent it. The open segment is read, cut behind its last intact entry, and written anew: what a
 * dying process could not sync may be seen now and be gone after the next power cut.
 */
import type { Directory } from '../../../stores/directory.ts';
import { StoreError } from '../../../stores/port.ts';
import { cannotRead } from '../snapshots/broken.ts';
import { FrameReader } from '../snapshots/frame-reader.ts';
import { hasItsEnd, isBroken, readSealed } from './check.ts';
import { checkHead, type HistoryHead } from './head.ts';
import { History } from './history.ts';
import { manifestName, placed, readManifest, startAfter, writeManifest, type Manifest } from './manifest.ts';
import { OpenSegment } from './open-segment.ts';
import { standardSealing, type Sealing } from './sealing.ts';
import { expecting, openName, sealedName, segmentNamed, type SegmentInfo, type SegmentStart } from './segment.ts';

export interface HistoryOptions {
  /** Up to here the history is known to have been durable: the consensus log has forgotten so much. */
  readonly acknowledged?: number;
  readonly sealing?: Sealing;
}

/** Something that opening found, for the person who looks after the node. */
export interface HistoryFinding {
  readonly kind:
    /** The last entries were not written to their end; nobody was told that they are durable. */
    | 'torn-tail'
    /** Sealed segments are not here (not yet, on a new member), or not whole: they have to be fetched. */
    | 'missing-segment'
    | 'damaged-segment'
    /** The open segment was lost, or cut where it was durable. */
    | 'lost-tail'
    /** A file that belongs to nothing; left alone. */
    | 'stray-file';
  readonly file: string;
  /** What and where, as a sentence. */
  readonly explain: string;
}

export interface OpenedHistory {
  readonly history: History;
  readonly findings: readonly HistoryFinding[];
}

/**
 * @throws StoreError MISSING where there is no history, DAMAGED where its manifest is lost: then begin it anew, from
 * this member's newest snapshot. LogError TOO_NEW, StoreError FAILED
 */
export async function openHistory(directory: Directory, options: HistoryOptions = {}): Promise<OpenedHistory> {
  const manifest = await readManifest(directory);
  const files = new Map((await directory.list()).map(({ name, sizeBytes }) => [name, sizeBytes]));
  if (typeof manifest === 'string') throw withoutManifest(manifest, files);
  const opening = new Opening(directory, manifest, files, options.sealing ?? standardSealing);
  return opening.open(options.acknowledged ?? 0);
}

/**
 * Begins the history from what a snapshot holds (`firstHead` for a new lab), whatever was here before. Sealed segments
 * that are here and right are kept. A crash in between leaves what was before, or nothing: begin once more.
 * @throws LogError DAMAGED for a head that cannot be, TOO_NEW; StoreError FAILED
 */
export async function beginHistory(
  directory: Directory,
  head: HistoryHead,
  options: HistoryOptions = {},
): Promise<OpenedHistory> {
  checkHead(head);
  await directory.replace(openName(startAfter(head.manifest).first), head.tail);
  await writeManifest(directory, head.manifest);
  return openHistory(directory, options);
}

class Opening {
  readonly #directory: Directory;
  readonly #files: Map<string, number>;
  readonly #sealing: Sealing;
  readonly #findings: HistoryFinding[] = [];
  readonly #missing = new Set<number>();
  #manifest: Manifest;

  constructor(directory: Directory, manifest: Manifest, files: Map<string, number>, sealing: Sealing) {
    this.#directory = directory;
    this.#manifest = manifest;
    this.#files = files;
    this.#sealing = sealing;
  }

  async open(acknowledged: number): Promise<OpenedHistory> {
    await this.#checkSealed();
    const listed = this.#manifest;
    const open = await this.#findOpen();
    if (this.#manifest !== listed) await writeManifest(this.#directory, this.#manifest);
    if (open.last < acknowledged) {
      const explain = `The history ends at entry ${open.last}, but went on to entry ${acknowledged} at least.`;
      this.#find('lost-tail', open.name, explain);
    }
    await this.#clear(open.name);
    const history = new History({
      directory: this.#directory,
      sealing: this.#sealing,
      manifest: this.#manifest,
      open,
      missing: this.#missing,
    });
    return { history, findings: this.#findings };
  }

  async #checkSealed(): Promise<void> {
    const absent: SegmentInfo[] = [];
    for (const [segment, { previous }] of placed(this.#manifest)) {
      const { first, last } = segment;
      const name = sealedName(first);
      const sizeBytes = this.#files.get(name);
      if (sizeBytes !== undefined && (await hasItsEnd(this.#directory, segment, previous, sizeBytes))) continue;
      this.#missing.add(first);
      if (sizeBytes === undefined) absent.push(segment);
      else {
        const explain = `The segment with entries ${first} to ${last} is damaged: another member has to send it.`;
        this.#find('damaged-segment', name, explain);
      }
    }
    const [oldest] = absent;
    if (!oldest) return;
    const which = `with entries from ${oldest.first} to ${absent.at(-1)?.last}`;
    const explain = `Segments of the history are not here: ${absent.length}, ${which}. Other members have to send them.`;
    this.#find('missing-segment', sealedName(oldest.first), explain);
  }

  /** Seals what was about to be sealed, and finds what is open after that. */
  async #findOpen(): Promise<OpenSegment> {
    for (let isNew = false; ; isNew = true) {
      const start = startAfter(this.#manifest);
      const sealed = (await this.#sealedAt(start)) ?? (await this.#openAt(start, isNew));
      if (sealed instanceof OpenSegment) return sealed;
      this.#manifest = { ...this.#manifest, segments: [...this.#manifest.segments, sealed] };
    }
  }

  /** It has its name already, but is not in the manifest yet. */
  async #sealedAt(start: SegmentStart): Promise<SegmentInfo | undefined> {
    const name = sealedName(start.first);
    if (!this.#files.has(name)) return undefined;
    const found = await readSealed(this.#directory, start);
    if (!isBroken(found)) return found;
    this.#find('damaged-segment', name, `${name} is damaged at byte ${found.offset}: ${found.explain}.`);
    return undefined;
  }

  /** @param isNew the segment before was sealed a moment ago; this one may not have been made yet */
  async #openAt(start: SegmentStart, isNew: boolean): Promise<OpenSegment | SegmentInfo> {
    const name = openName(start.first);
    const { bytes, isWhole } = await readableOf(this.#directory, name);
    const reader = new FrameReader(expecting(name, start));
    if (bytes) reader.check(bytes);
    if (!bytes || !reader.hasHead) {
      if (bytes || !isNew) {
        const problem = reader.broken?.explain ?? (isWhole ? 'it is cut off' : cannotRead);
        const what = bytes ? `is damaged: ${problem}` : 'is not here';
        this.#find('lost-tail', name, `The open segment of the history, ${name}, ${what}.`);
      }
      return this.#makeOpen(start);
    }
    const { end, offset, number } = reader;
    if (!isWhole) {
      // What follows may be readable again one day, or by others: it is put aside, not overwritten.
      const aside = `${name}.unreadable`;
      await this.#directory.rename(name, aside);
      const explain = `The open segment of the history, ${name}, cannot be read any more from byte ${bytes.length} on; it is kept as ${aside}.`;
      this.#find('lost-tail', name, explain);
    } else if (bytes.length > offset) {
      const explain = `${name} was not written to its end: what follows after byte ${offset} was cut off.`;
      this.#find('torn-tail', name, explain);
    }
    const intact = bytes.subarray(0, offset);
    const open = new OpenSegment(start, end ? intact.subarray(0, end.frame.offset) : intact, number - (end ? 2 : 1));
    if (!end && !open.isFull(this.#sealing)) {
      await this.#directory.replace(name, intact);
      return open;
    }
    const sealed = open.seal();
    await this.#directory.replace(name, Buffer.concat([bytes.subarray(0, open.sizeBytes), sealed.end]));
    await this.#directory.rename(name, sealedName(start.first));
    return sealed.info;
  }

  async #makeOpen(start: SegmentStart): Promise<OpenSegment> {
    const { segment, bytes } = OpenSegment.begin(start);
    await this.#directory.replace(segment.name, bytes);
    return segment;
  }

  /** What a crash or the dropping of old history left over goes; what nobody knows stays. */
  async #clear(open: string): Promise<void> {
    const known = new Set(this.#manifest.segments.map(({ first }) => first));
    for (const { name } of await this.#directory.list()) {
      const found = segmentNamed(name);
      if (name === manifestName || name === open) continue;
      if (found?.state === 'segment' && known.has(found.first)) continue;
      if (found?.state === 'part' && this.#missing.has(found.first)) continue;
      const isLeft = found && (found.state !== 'segment' || found.first <= this.#manifest.floor.index);
      if (isLeft) await this.#directory.delete(name);
      else this.#find('stray-file', name, `${name} belongs to nothing in the history; it was left alone.`);
    }
  }

  #find(kind: HistoryFinding['kind'], file: string, explain: string): void {
    this.#findings.push({ kind, file, explain });
  }
}

/** What can be read of a file, from its beginning on. */
async function readableOf(
  directory: Directory,
  name: string,
): Promise<{ readonly bytes: Uint8Array | undefined; readonly isWhole: boolean }> {
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of directory.stream(name)) pieces.push(piece);
    return { bytes: Buffer.concat(pieces), isWhole: true };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (error.code === 'MISSING') return { bytes: undefined, isWhole: true };
    if (error.code === 'DAMAGED') return { bytes: Buffer.concat(pieces), isWhole: false };
    throw error;
  }
}

function withoutManifest(what: 'missing' | 'damaged', files: ReadonlyMap<string, number>): StoreError {
  const isNothing = what === 'missing' && ![...files.keys()].some((name) => segmentNamed(name)?.state === 'segment');
  const hint = 'Begin it anew, from the newest snapshot of this member: what is here and right is kept.';
  return isNothing
    ? new StoreError('MISSING', 'there is no history here', hint)
    : new StoreError('DAMAGED', `the manifest of the history is ${what}`, hint);
}
