/** What the lab knows of a volume; `machine.ts` has its life. */
import type { Index, StreamId } from '#events/envelope.ts';
import type { Metadata, Problem } from '#events/values/metadata.ts';
import type { Fill, VolumeSpec } from '#events/volume.ts';
import type { Lineage } from './lineage.ts';

export interface Volume {
  readonly metadata: Metadata;
  readonly spec: VolumeSpec;
  /** The app that it belongs to; null when it was kept after its app. */
  readonly app: StreamId<'app'> | null;
  /** Of a volume that was kept: the app that may have it again, and what its file calls it. */
  readonly formerly: { readonly app: string; readonly volume: string } | null;
  readonly node: StreamId<'node'> | null;
  readonly pool: string | null;
  /** Index of the placement: whoever holds an older one is refused. */
  readonly epoch: Index | null;
  readonly dataset: string | null;
  readonly path: string | null;
  readonly problem: Problem | null;
  /** Why it has no place yet, or does not come to its end; since when, and whether that lasts. */
  readonly delay: Problem | null;
  readonly delayedAt: number | null;
  readonly delayLasts: boolean;
  /** What it held when it began to be too full; null when it is not. */
  readonly full: Fill | null;
  readonly failedIn:
    | 'creating'
    | 'cloning'
    | 'adopting'
    | 'changing'
    | 'rolling-back'
    | 'taking-back'
    | 'releasing'
    | 'deleting'
    /** Not in any work: its pool was declared gone for good, and nothing can be tried again. */
    | 'lost'
    | null;
  /** What it began with, of a clone. */
  readonly origin: { readonly volume: StreamId<'volume'>; readonly snapshot: StreamId<'snapshot'> } | null;
  /** What its file system calls it, of one that was adopted. */
  readonly adopted: string | null;
  /** Into what it moves. */
  readonly move: Move | null;
  /** To which replica it is being handed over. */
  readonly handover: Handover | null;
  /** What its node has found wrong with it, of one whose data is there. */
  readonly drift: Problem | null;
  /** The lines of its history, each but the first opened by a roll-back; the last one is the present. */
  readonly lineages: readonly Lineage[];
  /**
   * The snapshot to go back to, and the name under which what is there now is kept. Of one that was canceled after it had
   * failed only what was begun is brought to its end.
   */
  readonly rollback: {
    readonly to: StreamId<'snapshot'>;
    readonly stash: string;
    readonly isCanceled: boolean;
  } | null;
  /** Its name before, and when it goes for good. */
  readonly discarded: { readonly name: string; readonly purgeAt: number } | null;
  /** Nothing of it may be left to be read from the disks. */
  readonly scrub: boolean;
}

export interface Move {
  readonly pool: string;
  readonly dataset: string;
  readonly spec: VolumeSpec;
  readonly purgeAt: number;
}

export interface Handover {
  readonly replica: StreamId<'replica'>;
  readonly node: StreamId<'node'>;
  readonly pool: string;
  /** What it is now becomes the replica there. */
  readonly keepsReplica: boolean;
  readonly requestedAt: number;
  /** Name of the snapshot of what is written until nobody can write it any more. */
  readonly final: string | null;
  readonly snapshot: StreamId<'snapshot'> | null;
  /** Of the present step: whoever comes to either dataset with an older one is refused. */
  readonly epoch: Index | null;
}

/** States of a volume that nobody may write: it is on its way from one node to the other. */
export const handoverStates: readonly string[] = [
  'demoting',
  'sending',
  'sealing',
  'sealed',
  'promoting',
  'taking-back',
];

/** The node of the replica that takes its place has the work. */
export const isWithReplica = (state: string | undefined): boolean =>
  state === 'sealing' || state === 'sealed' || state === 'promoting';

/** It failed, and has data that somebody could want back. */
export const failedWithData = ({ failedIn }: Pick<Volume, 'failedIn'>): boolean =>
  failedIn === 'changing' || failedIn === 'rolling-back' || failedIn === 'taking-back';

/** Its pool was declared gone for good. */
export const isLost = ({ failedIn }: Pick<Volume, 'failedIn'>): boolean => failedIn === 'lost';
