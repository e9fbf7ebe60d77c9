/**
 * What an actor is to the rest of the house: its machine (the law of the noun), and how others read it.
 * Each kind has one `ActorDef` in its folder's `actor.ts`; `registry.ts` lists them all.
 */
import type { Index, Kind, LabEvent, Principal, StreamId, AnyDraft } from '#events/envelope.ts';
import type { AnyMachineSnapshot } from 'xstate';
import type * as z from 'zod';
import type { Scope } from './access/scope.ts';
import type { App } from './app/machine.ts';
import type { Backup } from './backup/machine.ts';
import type { BackupTarget } from './backup-target/machine.ts';
import type { Cluster } from './cluster/machine.ts';
import type { Instance } from './instance/machine.ts';
import type { Namespace } from './namespace/machine.ts';
import type { Node } from './node/machine.ts';
import type { Operation } from './operation/machine.ts';
import type { Pool } from './pool/machine.ts';
import type { Rejection } from './rejection.ts';
import type { Replica } from './replica/machine.ts';
import type { Schedule } from './schedule/machine.ts';
import type { Snapshot } from './snapshot/machine.ts';
import type { Transfer } from './transfer/machine.ts';
import type { Volume } from './volume/volume.ts';
import type { WorkInput, WorkName } from './work.ts';

export interface Contexts {
  app: App;
  backup: Backup;
  'backup-target': BackupTarget;
  cluster: Cluster;
  instance: Instance;
  namespace: Namespace;
  node: Node;
  operation: Operation;
  pool: Pool;
  replica: Replica;
  schedule: Schedule;
  snapshot: Snapshot;
  transfer: Transfer;
  volume: Volume;
}

/** One actor as the fold left it. Immutable; a new event makes a new one. */
export interface ActorState<K extends Kind = Kind> {
  readonly stream: StreamId<K>;
  readonly kind: K;
  /** The state of its machine; all machines are flat. */
  readonly state: string;
  readonly context: Contexts[K];
  /** Events folded so far. */
  readonly version: number;
  /** The version that entered the present state: an outcome of work counts for one visit only. */
  readonly visit: number;
  /** When the present state was entered. */
  readonly since: number;
  /** The event that entered the present state, and the operation behind it. */
  readonly cause: string;
  readonly correlation: string;
  readonly createdAt: number;
  readonly final: boolean;
  /** Why this actor takes no more events: an event broke its machine. Mended by a later version, which refolds. */
  readonly quarantined: string | null;
  /** XState's own, to go on from. */
  readonly snapshot: AnyMachineSnapshot;
}

/** The lab as decisions read it: committed facts, or those plus what is on its way (`overlay.ts`). */
export interface LabView {
  readonly index: Index;
  /** Time of the last event. */
  readonly at: number;
  get<K extends Kind>(stream: StreamId<K>): ActorState<K> | undefined;
  /** Sorted by id. */
  list<K extends Kind>(kind: K): readonly ActorState<K>[];
  byName<K extends Kind>(kind: K, namespace: string, name: string): ActorState<K> | undefined;
  /** Actors of a kind that refer to this one (an app's instances, a volume's snapshots), sorted by id. */
  referrers<K extends Kind>(to: StreamId, kind: K): readonly ActorState<K>[];
}

/** What the fold makes of an event; projections, policies and agents consume steps and compute nothing twice. */
export interface Step {
  readonly event: LabEvent;
  readonly before: ActorState | undefined;
  /** Undefined only for an event of a stream that was never born. */
  readonly after: ActorState | undefined;
}

export type Decision =
  | {
      readonly drafts: readonly AnyDraft[];
      /** What is different from before, where the events do not say it: sentences for whoever looks at the plan. */
      readonly changes?: readonly string[];
    }
  | { readonly rejected: Rejection };

export interface Ask<C> {
  readonly input: C;
  readonly by: Principal;
  readonly now: number;
  /** Id of the n-th object that this command makes; the same for a repetition. */
  id(n: number): string;
  /** Keeps bytes in the blob store before anything is appended, and gives their address. */
  blob(bytes: Uint8Array): string;
  /** Bytes that the command `reads`; undefined when they are not to be had. What an address means never changes. */
  content(address: string): Uint8Array | undefined;
}

export interface CommandDef<C> {
  /** REST, command line flags, forms and OpenAPI derive from it. */
  readonly schema: z.ZodType<C>;
  scope(input: C, lab: LabView): Scope;
  /** Addresses of blobs that the decision looks into: they are at hand before it is taken. */
  reads?(input: C, lab: LabView): readonly string[];
  decide(ask: Ask<C>, lab: LabView): Decision;
}

export type Settled =
  | { readonly done: true }
  | { readonly failed: { code: string; message: string; hint?: string } }
  | undefined;

export interface ActorDef<K extends Kind> {
  /** Whom it belongs to or speaks of; the lab keeps the way back (`LabView.referrers`). */
  refersTo(context: Contexts[K]): readonly StreamId[];
  /** Whether it rests: what a person who waits for it waits for. */
  settled(actor: ActorState<K>): Settled;
  /** For kinds whose states ask for work (`meta.work`): where it is done, under which assignment. */
  assignment?(
    actor: ActorState<K>,
    lab: LabView,
  ): { readonly node: StreamId<'node'>; readonly epoch: Index } | undefined;
  /** What the work needs to know, for each work that a state of this kind names. No choice is left to the agent. */
  readonly inputs?: { readonly [W in WorkName]?: (actor: ActorState<K>, lab: LabView) => WorkInput[W] | undefined };
}
