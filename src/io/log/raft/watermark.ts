/**
 * A small note outside the database: "this log, at least up to here; this term, this vote".
 *
 * A database that lost its newest writes opens without complaint, only shorter and with an older vote. The watermark
 * reveals that. It is never ahead of what is durable in the database: a log may be longer than its watermark, and never
 * shorter.
 *
 *   block 0, 1   synced, taking turns: a write that a power cut tears leaves the other one
 *   block 2      noted after each batch and not synced: exact when only the process dies, and perhaps lost with the power
 *   block        length u16 │ sealed record: sequence u48 │ mark in msgpack        (each block 4 KiB, little-endian)
 *
 * The block with the highest sequence counts.
 */
import { Buffer } from 'node:buffer';
import { Packr } from 'msgpackr';
import { asPeer, type PeerId } from '#events/raft/entry.ts';
import type { Watermark } from '#events/raft/state.ts';
import { readIfIntact, type Directory } from '../../stores/directory.ts';
import { seal, unseal } from './record.ts';
import { packSuspicion, unpackSuspicion, type PackedSuspicion } from './suspicion.ts';

/** As of when it was made. Its term is the member's; `lastTerm` that of the last entry. */
export interface Mark extends Watermark {
  readonly incarnation: string;
  readonly vote: PeerId | undefined;
  /** How far the log is known to have gone before it lost a part, until the group has brought it back. */
  readonly suspicion: Watermark | undefined;
}

/**
 * Nothing was stored since the log was made, and nothing can be lost. A log begins at index 0 or 1, in the term of the
 * same number (`firstSnapshot`), and whatever is stored first is of a later term.
 */
export const isInitial = ({ term, lastIndex, lastTerm, vote, suspicion }: Mark): boolean =>
  term <= 1 && lastIndex === term && lastTerm === term && vote === undefined && suspicion === undefined;

const fileName = 'watermark';
const blockBytes = 4096;
const noteBlock = 2;
const blocks = 3;
const format = 1;
const lengthBytes = 2;
const sequenceBytes = 6;

const place = new TextEncoder().encode(fileName);
const packr = new Packr({ useRecords: false });

type Packed = readonly [
  incarnation: string,
  term: number,
  vote: string | null,
  lastIndex: number,
  lastTerm: number,
  suspicion: PackedSuspicion | null,
];

interface Block {
  readonly at: number;
  readonly sequence: number;
  readonly mark: Mark;
}

export class WatermarkFile {
  readonly #directory: Directory;
  #sequence: number;
  /** The synced block that holds what matters: not to be written next. */
  #newest: number;

  private constructor(directory: Directory, sequence: number, newest: number) {
    this.#directory = directory;
    this.#sequence = sequence;
    this.#newest = newest;
  }

  /**
   * @returns `unreadable` when there is a file and no block of it is intact, or not all of it can be read any more
   * @throws StoreError FAILED, LogError TOO_NEW
   */
  static async open(
    directory: Directory,
  ): Promise<{ readonly file: WatermarkFile; readonly mark: Mark | 'missing' | 'unreadable' }> {
    const bytes = await readIfIntact(directory, fileName);
    const found = bytes && bytes !== 'damaged' ? blocksOf(bytes) : [];
    const newest = newestOf(found);
    const newestSynced = newestOf(found.filter(({ at }) => at !== noteBlock));
    const mark = newest?.mark ?? (bytes ? 'unreadable' : 'missing');
    return { file: new WatermarkFile(directory, newest?.sequence ?? 0, newestSynced?.at ?? 0), mark };
  }

  /** A file that begins with this mark. Durable once resolved, as all or nothing. */
  async create(mark: Mark): Promise<void> {
    const bytes = new Uint8Array(blocks * blockBytes);
    bytes.set(packBlock(mark, ++this.#sequence));
    await this.#directory.replace(fileName, bytes);
    this.#newest = 0;
  }

  /** Durable once resolved. */
  async write(mark: Mark): Promise<void> {
    const target = 1 - this.#newest;
    await this.#directory.writeAt(fileName, target * blockBytes, packBlock(mark, ++this.#sequence));
    await this.#directory.sync(fileName);
    this.#newest = target;
  }

  /** Survives the process, and not a power cut. */
  async note(mark: Mark): Promise<void> {
    await this.#directory.writeAt(fileName, noteBlock * blockBytes, packBlock(mark, ++this.#sequence));
  }
}

const newestOf = (found: readonly Block[]): Block | undefined =>
  found.reduce<Block | undefined>((best, block) => (best && best.sequence > block.sequence ? best : block), undefined);

function blocksOf(bytes: Uint8Array): Block[] {
  return Array.from({ length: blocks }, (_, at) => {
    const block = Buffer.from(bytes.subarray(at * blockBytes, (at + 1) * blockBytes));
    if (block.length < lengthBytes) return [];
    const record = block.subarray(lengthBytes, lengthBytes + block.readUInt16LE(0));
    const body = unseal(place, format, record, 'the watermark of the consensus log');
    if (!body) return [];
    return [{ at, sequence: Buffer.from(body).readUIntLE(0, sequenceBytes), mark: unpackMark(body) }];
  }).flat();
}

function packBlock(mark: Mark, sequence: number): Uint8Array {
  const { incarnation, term, vote, lastIndex, lastTerm, suspicion } = mark;
  const packed: Packed = [incarnation, term, vote ?? null, lastIndex, lastTerm, packSuspicion(suspicion)];
  const head = Buffer.allocUnsafe(sequenceBytes);
  head.writeUIntLE(sequence, 0, sequenceBytes);
  const record = seal(place, format, Buffer.concat([head, packr.pack(packed)]));
  if (record.length > blockBytes - lengthBytes)
    throw new Error('the names of node and vote are too long for a watermark');
  const block = Buffer.allocUnsafe(lengthBytes + record.length);
  block.writeUInt16LE(record.length, 0);
  block.set(record, lengthBytes);
  return block;
}

function unpackMark(body: Uint8Array): Mark {
  const [incarnation, term, vote, lastIndex, lastTerm, suspicion] = packr.unpack(
    body.subarray(sequenceBytes),
  ) as Packed;
  return {
    incarnation,
    term,
    vote: vote === null ? undefined : asPeer(vote),
    lastIndex,
    lastTerm,
    suspicion: unpackSuspicion(suspicion),
  };
}
