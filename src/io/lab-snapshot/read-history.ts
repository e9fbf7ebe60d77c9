/**
 * Reads the history in a lab's snapshot as it comes by: every segment is checked against the manifest, its chain of
 * hashes and its checksums, and every event is folded. So whoever read it to the end knows the lab as it was.
 */
import { Lab } from '#actors/lab.ts';
import { checkRecorded, countOf, eventsOf, isIntact, keyOf } from '../log/codec.ts';
import { commandsOf, unpackApplied, type Applied } from '../log/raft/engine/applied.ts';
import { problemWith, sealedIn } from '../log/raft/history/check.ts';
import { parseManifest, placeAfter, problemOf, startAfter, type Manifest } from '../log/raft/history/manifest.ts';
import { entryOf, expecting, type SegmentInfo, type SegmentStart } from '../log/raft/history/segment.ts';
import type { Frame } from '../log/raft/snapshots/frame.ts';
import { FrameReader } from '../log/raft/snapshots/frame-reader.ts';

/** Takes one segment, piece by piece. */
export interface SegmentTaker {
  take(piece: Uint8Array): void;
  /** @returns what is wrong with it, as a sentence */
  end(): string | undefined;
}

export class ReadHistory {
  readonly #lab = new Lab();
  #manifest: Manifest | undefined;
  /** The last entry that was read, without a gap. */
  #last = 0;
  #hash: string | undefined;
  #isBroken = false;
  /** What an entry says that cannot be, though its checksum is right. */
  #wrong: string | undefined;

  /** As of its last entry; undefined while something is missing or damaged. */
  get lab(): Lab | undefined {
    return this.#hash === undefined || this.#isBroken ? undefined : this.#lab;
  }

  get last(): number {
    return this.#last;
  }

  /** Of all entries up to the last one, hex. */
  get hash(): string | undefined {
    return this.#hash;
  }

  /** @returns what is wrong with it, as a sentence. @throws LogError TOO_NEW */
  manifest(record: Uint8Array): string | undefined {
    const manifest = parseManifest(record);
    const problem = manifest ? problemOf(manifest) : 'its checksum does not match';
    if (!manifest || problem !== undefined) return `The list of segments is damaged: ${problem}.`;
    if (manifest.floor.index > 0) return 'The history does not go back to the beginning of the lab.';
    this.#manifest = manifest;
    this.#last = manifest.floor.index;
    return undefined;
  }

  /** @returns undefined for one that does not belong here: nothing can be said of it */
  sealed(first: number): SegmentTaker | undefined {
    const place = this.#manifest && placeAfter(this.#manifest, first - 1);
    if (!place || place[0].first !== first) return undefined;
    const [segment, start] = place;
    return this.#taker(start, first, segment);
  }

  /** The beginning of the segment after those. */
  open(first: number): SegmentTaker | undefined {
    const start = this.#manifest && startAfter(this.#manifest);
    return start?.first === first ? this.#taker(start, first) : undefined;
  }

  #taker(start: SegmentStart, first: number, meant?: SegmentInfo): SegmentTaker {
    const reader = new FrameReader(expecting(`the segment from entry ${first} on`, start, meant?.sizeBytes));
    return {
      take: (piece) => {
        for (const frame of reader.take(piece)) this.#fold(frame);
      },
      end: () => {
        const problem = (meant ? sealedProblem(reader, start, meant) : openProblem(reader)) ?? this.#wrong;
        this.#wrong = undefined;
        if (problem !== undefined) this.#isBroken = true;
        else if (!meant) this.#hash = reader.sha256;
        return problem;
      },
    };
  }

  #fold(frame: Frame): void {
    const { index, bytes } = entryOf(frame);
    if (this.#isBroken || index !== this.#last + 1) {
      this.#isBroken = true;
      return;
    }
    const applied = unpackApplied(index, bytes);
    const { head } = applied;
    if (head !== this.#lab.index) this.#wrong = `Entry ${index} says that ${head} events are before it.`;
    else this.#foldEvents(index, applied);
    this.#isBroken ||= this.#wrong !== undefined;
    if (!this.#isBroken) this.#last = index;
  }

  #foldEvents(index: number, applied: Applied): void {
    let first = applied.head + 1;
    for (const { kind, body } of commandsOf(index, applied)) {
      if (kind !== 'events') continue;
      if (!isIntact(keyOf(first), body)) {
        this.#wrong = `Event ${first} is damaged.`;
        return;
      }
      checkRecorded(first, body);
      for (const event of eventsOf(first, body)) this.#lab.fold(event);
      first += countOf(body);
    }
  }
}

function sealedProblem(reader: FrameReader, start: SegmentStart, meant: SegmentInfo): string | undefined {
  const problem = problemWith(sealedIn(reader, 'it', start), meant, 'it');
  return problem && `At byte ${problem.offset}, where entry ${problem.index} should stand: ${problem.explain}.`;
}

function openProblem(reader: FrameReader): string | undefined {
  const { broken, end, hasHead, keptBytes, offset } = reader;
  if (broken) return `At byte ${broken.offset}: ${broken.explain}.`;
  if (end || !hasHead || keptBytes > 0) return `At byte ${offset}: it is cut in the wrong place.`;
  return undefined;
}
