/**
 * The shape of what happened.
 *
 * A command appends one atomic `Entry`; apply turns each of its drafts into a `LabEvent` by adding what only
 * the order of the log can tell: `index` (the position among all events) and `version` (the position in its
 * stream). Both are therefore never stored inside the bytes.
 */
import type { EventType, Registry } from './registry.ts';

declare const brand: unique symbol;
/** Position of an event in the log of the lab, from 1. The index of an assignment is its epoch. */
export type Index = number & { readonly [brand]: 'Index' };
export const asIndex = (value: number): Index => value as Index;

export const kinds = [
  'app',
  'backup',
  'backup-target',
  'cluster',
  'instance',
  'namespace',
  'node',
  'operation',
  'pool',
  'replica',
  'schedule',
  'snapshot',
  'transfer',
  'volume',
] as const;
export type Kind = (typeof kinds)[number];

export type StreamId<K extends Kind = Kind> = `${K}:${string}`;

export const streamOf = <K extends Kind>(kind: K, id: string): StreamId<K> => `${kind}:${id}`;
export const kindOf = (stream: StreamId): Kind => stream.slice(0, stream.indexOf(':')) as Kind;
export const idOf = (stream: StreamId): string => stream.slice(stream.indexOf(':') + 1);

/** Who caused an entry: `user:admin`, `node:<id>`, `policy:placement`, `system:start`. */
export type Principal = `${'user' | 'node' | 'policy' | 'system'}:${string}`;

export interface Draft<T extends EventType = EventType> {
  readonly stream: StreamId;
  readonly type: T;
  readonly data: Registry[T];
}
/** A draft whose data is known to belong to its type. */
export type AnyDraft = { [T in EventType]: Draft<T> }[EventType];

/** What a policy had observed when it decided: small, readable, kept for "why". */
export type Evidence = Readonly<Record<string, unknown>>;

/** Atomic; packed once; the same bytes go to disk, peers and hash. */
export interface Entry {
  /** Id of the command: a retry carries the same one and takes effect once. */
  readonly command: string;
  readonly by: Principal;
  /** The command or event that led here. */
  readonly cause: string;
  /** The operation that a person asked for. */
  readonly correlation: string;
  /** Milliseconds since 1970, the leader's; never goes back. */
  readonly at: number;
  /** Versions of the streams that were read or are written; 0 = does not exist. */
  readonly expect: readonly (readonly [StreamId, number])[];
  readonly because?: Evidence;
  /**
   * Streams that are over with this entry, as the fold of whoever decided it found: whatever expects a version of them
   * afterwards meets a stream that does not exist. The log itself folds nothing.
   */
  readonly ends?: readonly StreamId[];
  readonly drafts: readonly (AnyDraft & { readonly schema: number })[];
}

export interface Stamp {
  readonly id: string;
  readonly schema: number;
  readonly version: number;
  readonly index: Index;
  readonly by: Principal;
  readonly cause: string;
  readonly correlation: string;
  readonly command: string;
  readonly at: number;
  readonly because?: Evidence;
}

export type LabEvent = { [T in EventType]: Readonly<Draft<T> & Stamp> }[EventType];
export type EventOf<T extends EventType> = Extract<LabEvent, { type: T }>;
