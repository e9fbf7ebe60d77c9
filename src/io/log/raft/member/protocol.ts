/**
 * What the log and its member of the group say to one another. They may live on two threads: everything here can be
 * cloned, and large things travel as one buffer each.
 *
 *   log ─ propose, read, change, transfer, taken, kept, snapshots ─▶ member
 *   log ◀─ proposed, committed, leadership, reads, snapshots ─────── member
 *
 * The member knows consensus and not what is in an entry; the log knows entries and not how they were agreed on.
 */
import type { Change, Configuration } from '#events/raft/configuration.ts';
import type { Entry, PeerId, SnapshotMeta } from '#events/raft/entry.ts';
import type { ReadRefused } from '#events/raft/message.ts';
import type { PeerProgress, Refused } from '#events/raft/raft.ts';
import type { Leadership } from '#events/raft/ready.ts';
import type { SnapshotPointer } from '../storage.ts';

export type ToMember =
  /** Entries to be agreed on, in this order and that of the calls; in this term or not at all. Answered once, for all of them. */
  | { readonly t: 'propose'; readonly id: number; readonly term: number | undefined; readonly entries: Packed }
  /** Members come or go, in this term or not at all; the note goes along with it. */
  | {
      readonly t: 'change';
      readonly id: number;
      readonly term: number;
      readonly change: Change;
      readonly note: Uint8Array;
    }
  | { readonly t: 'read'; readonly request: string }
  | { readonly t: 'transfer'; readonly to: PeerId }
  /** The disk may hang: if this member leads it writes something, which shows. */
  | { readonly t: 'touch' }
  /** What was committed up to here is in the history: more may come. Said in steps of `takenStepBytes`. */
  | { readonly t: 'taken'; readonly index: number }
  /** The history has it durably up to here: the consensus log may forget that, once a snapshot holds it too. */
  | { readonly t: 'kept'; readonly index: number }
  /** The file of a snapshot that was wanted is durable. */
  | { readonly t: 'snapshot-made'; readonly pointer: SnapshotPointer }
  /** A snapshot that was offered is here, or will not come from there. */
  | { readonly t: 'snapshot-arrived'; readonly pointer: SnapshotPointer }
  | { readonly t: 'snapshot-failed'; readonly pointer: SnapshotPointer };

export type FromMember =
  | { readonly t: 'proposed'; readonly id: number; readonly term: number; readonly firstIndex: number }
  | ({ readonly t: 'refused'; readonly id: number } & Refused)
  | { readonly t: 'committed'; readonly slice: Slice }
  | ({ readonly t: 'leadership' } & Leadership)
  | { readonly t: 'read'; readonly request: string; readonly index: number }
  | { readonly t: 'read-refused'; readonly request: string; readonly why: ReadRefused }
  /** Make a snapshot as of this entry, which was committed before. */
  | { readonly t: 'snapshot-wanted'; readonly meta: SnapshotMeta }
  /** The leader has forgotten what comes next: fetch this file from it. */
  | { readonly t: 'snapshot-offered'; readonly from: PeerId; readonly pointer: SnapshotPointer }
  /** The log goes on from this snapshot, which arrived before. What is committed next comes after it. */
  | { readonly t: 'installed'; readonly pointer: SnapshotPointer }
  | { readonly t: 'status'; readonly status: MemberStatus };

/** What was taken is told once it is so much: each message wakes a thread. */
export const takenStepBytes = 256 * 1024;

/** For people and policies. Told when something of it changes, and at most once in a while. */
export interface MemberStatus {
  readonly peer: PeerId;
  readonly term: number;
  readonly role: Leadership['role'];
  readonly leader: PeerId | undefined;
  readonly configuration: Configuration;
  readonly lastIndex: number;
  readonly committed: number;
  readonly isSuspect: boolean;
  /** Of a leader: of everybody else. */
  readonly peers: readonly PeerProgress[];
}

/** Byte strings as one buffer. */
export interface Packed {
  readonly bytes: Uint8Array;
  readonly sizes: Uint32Array;
}

export function pack(parts: readonly Uint8Array[]): Packed {
  const sizes = Uint32Array.from(parts, ({ length }) => length);
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, sizes };
}

export function unpack({ bytes, sizes }: Packed): Uint8Array[] {
  let at = 0;
  return Array.from(sizes, (size) => bytes.subarray(at, (at += size)));
}

/** Committed entries without gap. What a change changes, the member keeps to itself: here it is its note alone. */
export interface Slice {
  readonly firstIndex: number;
  readonly terms: Float64Array;
  /** Places in `entryTypes`. */
  readonly types: Uint8Array;
  readonly data: Packed;
}

export const entryTypes: readonly Entry['type'][] = ['data', 'empty', 'change'];
