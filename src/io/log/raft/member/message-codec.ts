/**
 * Messages of consensus as bytes. Who sent one, and to whom, is not in them: the link says that, and it has been proven.
 *
 *   frame    msgpack: [format, message, message, …]
 *   message  [number of its type, term, field, field, …]
 *
 * Everything is checked when it arrives: what is no message is refused as a whole, and the core never sees it. Entries
 * are packed as everywhere, with a CRC each; an append that goes to several members is packed once.
 */
import { Buffer } from 'node:buffer';
import { Packr } from 'msgpackr';
import { asPeer, type Entry, type PeerId, type SnapshotMeta } from '#events/raft/entry.ts';
import type { Message, MessageOf, MessageType, ReadRefused } from '#events/raft/message.ts';
import { sizeOf, unpackEntries, writeEntries } from '../entry-codec.ts';
import { packWithRoom } from '../pack-with-bytes.ts';
import type { SnapshotPointer } from '../storage.ts';
import type { Parcel } from './transport.ts';

const format = 1;
const packr = new Packr({ useRecords: false, int64AsType: 'number' });

/** Their places are their numbers. */
const types: readonly MessageType[] = [
  'pre-vote',
  'pre-vote-response',
  'vote',
  'vote-response',
  'append',
  'append-response',
  'heartbeat',
  'heartbeat-response',
  'snapshot',
  'timeout-now',
  'read',
  'read-response',
  'read-refusal',
];

const refusals: readonly ReadRefused[] = ['no-leader', 'too-many', 'leader-changed', 'unanswered'];

/** Knows the append that it packed last: the same goes to one follower after the other. */
export class MessagePacker {
  #last:
    | { readonly fields: readonly number[]; readonly entries: readonly Entry[]; readonly packed: Uint8Array }
    | undefined;

  /** Ready to be put into a frame: the same bytes for the same append, whoever gets it. */
  pack({ message, pointer }: Parcel): Uint8Array {
    if (message.type === 'append') return this.#packAppend(message);
    return packr.pack([types.indexOf(message.type), message.term, ...fieldsOf(message, pointer)]).slice();
  }

  /** The same is not sent again soon: entries need not stay in memory for that. */
  forget(): void {
    this.#last = undefined;
  }

  #packAppend({ type, term, prevIndex, prevTerm, commit, entries }: MessageOf<'append'>): Uint8Array {
    const fields = [types.indexOf(type), term, prevIndex, prevTerm, commit];
    const { fields: lastFields = [], entries: lastEntries = [], packed: last } = this.#last ?? {};
    if (last && isSame(fields, lastFields) && isSame(entries, lastEntries)) return last;
    const { packed, rest } = packWithRoom(fields, sizeOf(entries));
    writeEntries(entries, rest);
    this.#last = { fields, entries, packed };
    return packed;
  }
}

const isSame = (some: readonly unknown[], others: readonly unknown[]): boolean =>
  some.length === others.length && some.every((one, at) => one === others[at]);

function fieldsOf(
  message: Exclude<Message, MessageOf<'append'>>,
  pointer: SnapshotPointer | undefined,
): readonly unknown[] {
  switch (message.type) {
    case 'pre-vote':
    case 'vote': {
      const { lastIndex, lastTerm, committed, transfer } = message;
      return [lastIndex, lastTerm, committed.index, committed.term, transfer];
    }
    case 'pre-vote-response':
    case 'vote-response': {
      const { granted, committed, suspect } = message;
      return [granted, committed.index, committed.term, suspect];
    }
    case 'append-response': {
      const { index, hint, suspect } = message;
      return [index, hint?.index ?? null, hint?.term ?? null, suspect];
    }
    case 'heartbeat':
      return [message.commit, message.commitTerm ?? null, message.token];
    case 'heartbeat-response':
      return [message.token, message.lastIndex, message.lastTerm];
    case 'snapshot': {
      const { index, term, configuration } = message.snapshot;
      const { voters, outgoing, learners, learnersNext, autoLeave } = configuration;
      const file = pointer ? [pointer.file, pointer.sizeBytes, pointer.sha256] : null;
      return [index, term, voters, outgoing, learners, learnersNext, autoLeave, file];
    }
    case 'timeout-now':
      return [];
    case 'read':
      return [message.request];
    case 'read-response':
      return [message.request, message.index];
    case 'read-refusal':
      return [message.request, refusals.indexOf(message.why)];
  }
}

const arrayHead = 5;

/** One frame of packed messages. */
export function frameOf(packed: readonly Uint8Array[]): Uint8Array {
  let sizeBytes = arrayHead + 1;
  for (const { length } of packed) sizeBytes += length;
  const frame = Buffer.allocUnsafe(sizeBytes);
  // An array of so many: the format's number, then the messages.
  frame[0] = 0xdd;
  frame.writeUInt32BE(packed.length + 1, 1);
  frame[arrayHead] = format;
  let at = arrayHead + 1;
  for (const bytes of packed) {
    frame.set(bytes, at);
    at += bytes.length;
  }
  return frame;
}

/** What is no frame of messages, as half a sentence. */
export class BadFrame extends Error {
  constructor(explain: string) {
    super(explain);
    this.name = 'BadFrame';
  }
}

/** @throws BadFrame for anything that is not as `frameOf` makes it */
export function parcelsOf(frame: Uint8Array, from: PeerId, to: PeerId): Parcel[] {
  const list = unpacked(frame);
  if (!Array.isArray(list) || list[0] !== format) throw new BadFrame('it is no frame of messages that is known here');
  return list.slice(1).map((packed: unknown) => new Fields(packed).parcel(from, to));
}

function unpacked(frame: Uint8Array): unknown {
  try {
    return packr.unpack(frame);
  } catch {
    throw new BadFrame('it cannot be unpacked');
  }
}

/** Reads a message's fields one after another. */
class Fields {
  readonly #fields: readonly unknown[];
  #at = 0;

  constructor(packed: unknown) {
    if (!Array.isArray(packed)) throw new BadFrame('a message is no list');
    this.#fields = packed;
  }

  parcel(from: PeerId, to: PeerId): Parcel {
    const type = types[this.#int()];
    if (type === undefined) throw new BadFrame('a message is of no known type');
    const envelope = { from, to, term: this.#int() };
    const parcel = this.#parcel(type, envelope);
    if (this.#at !== this.#fields.length) throw new BadFrame(`a message ${type} has ${this.#fields.length} fields`);
    return parcel;
  }

  #parcel(type: MessageType, envelope: { readonly from: PeerId; readonly to: PeerId; readonly term: number }): Parcel {
    switch (type) {
      case 'pre-vote':
      case 'vote': {
        const [lastIndex, lastTerm, committed] = [this.#int(), this.#int(), this.#position()];
        return { message: { type, ...envelope, lastIndex, lastTerm, committed, transfer: this.#boolean() } };
      }
      case 'pre-vote-response':
      case 'vote-response': {
        const [granted, committed] = [this.#boolean(), this.#position()];
        return { message: { type, ...envelope, granted, committed, suspect: this.#boolean() } };
      }
      case 'append': {
        const [prevIndex, prevTerm, commit] = [this.#int(), this.#int(), this.#int()];
        return { message: { type, ...envelope, prevIndex, prevTerm, commit, entries: this.#entries(prevIndex) } };
      }
      case 'append-response': {
        const [index, hintIndex, hintTerm] = [this.#int(), this.#optionalInt(), this.#optionalInt()];
        const hint =
          hintIndex === undefined || hintTerm === undefined ? undefined : { index: hintIndex, term: hintTerm };
        return { message: { type, ...envelope, index, hint, suspect: this.#boolean() } };
      }
      case 'heartbeat': {
        const [commit, commitTerm] = [this.#int(), this.#optionalInt()];
        return { message: { type, ...envelope, commit, commitTerm, token: this.#int() } };
      }
      case 'heartbeat-response': {
        const [token, lastIndex] = [this.#int(), this.#int()];
        return { message: { type, ...envelope, token, lastIndex, lastTerm: this.#int() } };
      }
      case 'snapshot':
        return this.#snapshot(envelope);
      case 'timeout-now':
        return { message: { type, ...envelope } };
      case 'read':
        return { message: { type, ...envelope, request: this.#text() } };
      case 'read-response': {
        const request = this.#text();
        return { message: { type, ...envelope, request, index: this.#int() } };
      }
      case 'read-refusal': {
        const [request, why] = [this.#text(), refusals[this.#int()]];
        if (why === undefined) throw new BadFrame('a read is refused for no known reason');
        return { message: { type, ...envelope, request, why } };
      }
    }
  }

  #snapshot(envelope: Pick<MessageOf<'snapshot'>, 'from' | 'to' | 'term'>): Parcel {
    const meta: SnapshotMeta = {
      index: this.#int(),
      term: this.#int(),
      configuration: {
        voters: this.#peers(),
        outgoing: this.#peers(),
        learners: this.#peers(),
        learnersNext: this.#peers(),
        autoLeave: this.#boolean(),
      },
    };
    const message: Message = { type: 'snapshot', ...envelope, snapshot: meta };
    const pointer = this.#pointer(meta);
    return pointer ? { message, pointer } : { message };
  }

  #pointer(meta: SnapshotMeta): SnapshotPointer | undefined {
    const file = this.#next();
    if (file === null) return undefined;
    const fields = new Fields(file);
    return { meta, file: fields.#text(), sizeBytes: fields.#int(), sha256: fields.#text() };
  }

  /** That they follow one another is what the core takes for granted. */
  #entries(prevIndex: number): readonly Entry[] {
    const bytes = this.#next();
    if (!(bytes instanceof Uint8Array)) throw new BadFrame('entries are no bytes');
    let entries: readonly Entry[];
    try {
      // They stay when the frame is gone: in memory of their own, unless that of the frame holds little else.
      const isMostOfIt = bytes.length >= 0.75 * bytes.buffer.byteLength;
      entries = unpackEntries(isMostOfIt ? bytes : new Uint8Array(bytes));
    } catch (error) {
      throw new BadFrame(error instanceof Error ? error.message : String(error));
    }
    for (const [at, { index }] of entries.entries())
      if (index !== prevIndex + 1 + at) throw new BadFrame(`entry ${index} stands where ${prevIndex + 1 + at} belongs`);
    return entries;
  }

  #next(): unknown {
    return this.#fields[this.#at++];
  }

  #int(): number {
    const value = this.#next();
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
    throw new BadFrame(`field ${this.#at} of a message is no number`);
  }

  #optionalInt(): number | undefined {
    if (this.#fields[this.#at] !== null) return this.#int();
    this.#at++;
    return undefined;
  }

  #position(): { readonly index: number; readonly term: number } {
    const index = this.#int();
    return { index, term: this.#int() };
  }

  #boolean(): boolean {
    const value = this.#next();
    if (typeof value === 'boolean') return value;
    throw new BadFrame(`field ${this.#at} of a message is neither yes nor no`);
  }

  #text(): string {
    const value = this.#next();
    if (typeof value === 'string' && value.length <= 256) return value;
    throw new BadFrame(`field ${this.#at} of a message is no text`);
  }

  #peers(): readonly PeerId[] {
    const value = this.#next();
    if (!Array.isArray(value)) throw new BadFrame(`field ${this.#at} of a message is no list`);
    return value.map((peer: unknown) => {
      if (typeof peer === 'string' && peer.length <= 256) return asPeer(peer);
      throw new BadFrame(`field ${this.#at} of a message has what is no member`);
    });
  }
}
