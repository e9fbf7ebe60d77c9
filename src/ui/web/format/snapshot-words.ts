import type { SnapshotRow } from '#projections/views/snapshots.ts';

/** When the data was as the snapshot holds it; while it is being taken, when it was asked for. */
export const momentOf = (row: Pick<SnapshotRow, 'takenAt' | 'requestedAt'>): number => row.takenAt ?? row.requestedAt;

const reasons = {
  manual: 'by hand',
  schedule: 'schedule',
  change: 'it changed',
  stash: 'kept by a roll-back',
  clone: 'for a clone',
  export: 'for an export',
  import: 'before an import',
  replica: 'for its replicas',
  backup: 'for a backup',
} as const;
export const reasonWords = (row: Pick<SnapshotRow, 'reason'>): string => reasons[row.reason];
