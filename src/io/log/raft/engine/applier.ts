/**
 * Turns entries that the group agreed on into events: checks what each expects, and gives its events their places. Alike
 * on all members, because it depends on nothing but the entries before. It folds nothing: which streams are over, the
 * entries say.
 */
import type { Buffer } from 'node:buffer';
import type { Index, StreamId } from '#events/envelope.ts';
import { asIndex } from '#events/envelope.ts';
import { keyOf, openEntry, recordBytes, writeRecord } from '../../codec.ts';
import type { Recorded } from '../../recent.ts';
import { layOutCommands, packApplied } from './applied.ts';
import { unpackBatch } from './batch.ts';

export type Outcome = { readonly index: Index } | { readonly conflict: StreamId };

export interface AppliedEntry {
  /** For the history. */
  readonly bytes: Uint8Array;
  /** Of each command in it. */
  readonly outcomes: readonly Outcome[];
  /** Their records: parts of the bytes. */
  readonly recorded: readonly Recorded[];
}

/** What a command comes to, before it is written down. */
interface Decided {
  readonly packed: Uint8Array;
  readonly outcome: Outcome;
  /** Its first event, and of each the version; undefined where nothing comes of it. */
  readonly placed: { readonly first: number; readonly versions: readonly number[] } | undefined;
}

export class Applier {
  /** Of each stream that lives. */
  readonly #versions: Map<StreamId, number>;
  #head: number;

  /** @param versions of the streams that live after event `head`; changed from now on */
  constructor(head: number, versions: Map<StreamId, number>) {
    this.#head = head;
    this.#versions = versions;
  }

  /** Index of the last event. */
  get head(): number {
    return this.#head;
  }

  /** Entries came by another way: from a snapshot, with their versions. @param read brings versions up, and tells the head */
  async goOn(read: (versions: Map<StreamId, number>, head: number) => Promise<number>): Promise<void> {
    this.#head = await read(this.#versions, this.#head);
  }

  apply(type: 'data' | 'empty' | 'change', data: Uint8Array): AppliedEntry {
    const head = this.#head;
    if (type !== 'data') return { bytes: packApplied({ kind: type, head, body: data }), outcomes: [], recorded: [] };
    const commands = unpackBatch(data).map((packed) => this.#decide(packed));
    const { bytes, bodies } = layOutCommands(
      head,
      commands.map(({ packed, placed }) =>
        placed
          ? { kind: 'events', sizeBytes: recordBytes(placed.versions.length, packed) }
          : { kind: 'nothing', sizeBytes: packed.length },
      ),
    );
    const recorded: Recorded[] = [];
    for (const [at, { packed, placed }] of commands.entries()) {
      const body = bodies[at] as Buffer;
      if (!placed) {
        body.set(packed);
        continue;
      }
      const { first, versions } = placed;
      writeRecord(body, keyOf(first), versions, packed);
      recorded.push({ first, last: first + versions.length - 1, record: body });
    }
    return { bytes, outcomes: commands.map(({ outcome }) => outcome), recorded };
  }

  #decide(packed: Uint8Array): Decided {
    const { expect, streams, ends } = openEntry(packed);
    for (const [stream, version] of expect)
      if ((this.#versions.get(stream) ?? 0) !== version)
        return { packed, outcome: { conflict: stream }, placed: undefined };
    const versions = streams.map((stream) => {
      const version = (this.#versions.get(stream) ?? 0) + 1;
      this.#versions.set(stream, version);
      return version;
    });
    for (const stream of ends) this.#versions.delete(stream);
    const first = this.#head + 1;
    this.#head += streams.length;
    return { packed, outcome: { index: asIndex(this.#head) }, placed: { first, versions } };
  }
}
