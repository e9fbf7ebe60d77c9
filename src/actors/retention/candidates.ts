/** The snapshots of a volume as retention looks at them: what a policy may drop, and what stays whatever it says. */
import type { SnapshotReason } from '#events/snapshot.ts';
import type { RetainedSnapshot } from './decide.ts';

/** Taken by the lab itself, again and again. What a person asked for, and what a roll-back replaced, is nobody's to drop. */
const routine: readonly SnapshotReason[] = ['schedule', 'change', 'clone', 'export', 'replica', 'backup'];

export interface SnapshotFacts {
  readonly id: string;
  readonly state: string;
  readonly reason: SnapshotReason;
  readonly requestedAt: number;
  /** By the file system; null until it is taken. */
  readonly takenAt: number | null;
  /** Something goes on with it: a roll-back, a clone. */
  readonly inUse?: string | undefined;
}

/** Only what is there can be kept or dropped. */
export const candidatesOf = (snapshots: readonly SnapshotFacts[]): readonly RetainedSnapshot[] =>
  snapshots
    .filter(({ state }) => state === 'available')
    .map(({ id, reason, requestedAt, takenAt, inUse }) => {
      const stays = routine.includes(reason) ? inUse : (inUse ?? words[reason]);
      return { id, takenAt: takenAt ?? requestedAt, ...(stays === undefined ? {} : { protected: stays }) };
    });

const words: Readonly<Record<SnapshotReason, string>> = {
  manual: 'taken by hand',
  stash: 'kept by a roll-back',
  schedule: 'schedule',
  change: 'change',
  clone: 'clone',
  export: 'export',
  import: 'kept by an import',
  replica: 'replica',
  backup: 'backup',
};
