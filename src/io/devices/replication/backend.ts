/**
 * What a file system must do for replication: single, unconditional steps. When a step may be taken is decided in one
 * place for all of them (`over.ts`), under one lock for each dataset.
 *
 * Every method finds the dataset settled: `find` is called first, and finishes what an interrupted call has left. Only
 * while a stream is on its way `marker` is enough.
 */
import type { Dataset, DatasetSpec, SnapInfo } from '../volumes/port.ts';
import type { Deadline } from '../volumes/deadline.ts';
import type { Marker } from './marker.ts';
import type { Base, Resumable, SendOptions, StreamAbilities, StreamFormat, Wanted } from './port.ts';

/** What a step is taken with: for whom, until when, and who is told after it (tests crash there). */
export interface Hands {
  readonly op: string;
  /** `pool/dataset`, for messages. */
  readonly target: string;
  readonly within: Deadline;
  readonly step: (step: string) => void | Promise<void>;
}

export interface Found {
  readonly role: 'none' | 'volume' | 'replica';
  /** How it is kept; of nothing, how it would be. */
  readonly format: StreamFormat;
  readonly marker: Marker;
  /** The oldest first; of a bookmark and a snapshot with the same guid only the snapshot. */
  readonly bases: readonly Base[];
  readonly resume: Resumable | undefined;
}

export type Sent = SendOptions & { readonly format: StreamFormat };

/** A stream on its way to somebody. */
export interface Source {
  readonly estimatedBytes?: number;
  /** Begins to work when it is read. @param silenceMs how long it may say nothing while it is waited for */
  read(signal: AbortSignal, silenceMs: number): AsyncIterable<Uint8Array>;
}

export interface Arriving {
  readonly signal: AbortSignal;
  /** Longest silence, of the sender and of the file system. */
  readonly silenceMs: number;
  /** Told after each piece, how many bytes have come. */
  readonly came: (bytes: number) => void;
}

export interface Backend {
  /** That it can receive. */
  readonly formats: readonly StreamFormat[];
  /** @throws IoError POOL_MISSING, UNSUPPORTED */
  abilities(pool: string, hands: Hands, format?: 'tree'): Promise<StreamAbilities>;
  replicas(pool: string, hands: Hands): Promise<readonly string[]>;
  /** @param isReceiving a stream for it is on its way: what has arrived is left to whoever receives it */
  find(of: Dataset, hands: Hands, isReceiving: boolean): Promise<Found>;
  /** What `find` would finish, without a look at what is there; where that costs less. */
  settle?(of: Dataset, hands: Hands, isReceiving: boolean): Promise<void>;
  /** What `find` would say of it, and nothing else: between the two halves of a stream nothing else counts. */
  marker(of: Dataset, hands: Hands): Promise<Marker>;
  /** Durable once resolved. */
  mark(of: Dataset, marker: Marker, hands: Hands): Promise<void>;

  /** Of those that are protected for this peer: done. */
  hold(of: Dataset, bases: readonly Base[], peer: string, hands: Hands): Promise<void>;
  release(of: Dataset, peer: string, except: ReadonlySet<string>, hands: Hands): Promise<void>;

  /** Both are there, and in this order. The format is one that it can be sent in. */
  source(of: Dataset, from: Base | undefined, to: Base, options: Sent, hands: Hands): Promise<Source>;
  resumed(of: Dataset, token: string, hands: Hands): Promise<Source>;

  /**
   * Feeds a stream to the file system, under a private name, once its head says that it is the one that was announced.
   * `marker.incoming` says so, too, on disk. @throws IoError; then nothing is left but what can be resumed
   */
  arrive(of: Dataset, what: Wanted, bytes: AsyncIterable<Uint8Array>, how: Arriving, hands: Hands): Promise<void>;
  /** What has arrived whole becomes the newest snapshot. On disk once resolved. @throws IoError TRUNCATED when it is not */
  accept(of: Dataset, what: Wanted, hands: Hands): Promise<SnapInfo>;
  /** Throws away what has arrived, whole or in part. */
  drop(of: Dataset, hands: Hands): Promise<void>;
  /** As `drop`, but what somebody else has written to a replica, where that can be, is kept as its newest snapshot. */
  keepWritten?(of: Dataset, hands: Hands): Promise<void>;

  /** Of a replica; `find` would finish the last three of these when they are interrupted. */
  promote(of: Dataset, spec: DatasetSpec, found: Found, hands: Hands): Promise<void>;
  /** @param found with the format that the replica is to be kept in */
  demote(of: Dataset, final: string, found: Found, hands: Hands): Promise<void>;
  setAside(of: Dataset, common: Base, as: string, found: Found, hands: Hands): Promise<void>;
  removeSnapshots(of: Dataset, names: readonly string[], hands: Hands): Promise<void>;
  discard(of: Dataset, hands: Hands): Promise<void>;
}
