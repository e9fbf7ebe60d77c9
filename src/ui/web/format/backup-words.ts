/** Backups in words and looks: what state one is in, which belong together, and how well something is kept outside. Pure. */
import type { BackupRow } from '#projections/views/backups.ts';
import type { BackupTargetRow } from '#projections/views/backup-targets.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import type { Tone } from './state.ts';
import { stateWords } from './state.ts';
import { count } from './who.ts';

type Facts = Pick<BackupRow, 'state' | 'isGood' | 'retryAt'>;

export function backupTone({ state, isGood, retryAt }: Facts): Tone {
  switch (state) {
    case 'verified':
      return 'running';
    case 'unverified':
      return 'attention';
    case 'damaged':
      return 'failed';
    case 'failed':
      return retryAt === null ? 'failed' : 'attention';
    case 'verifying':
    case 'testing':
      // It is looked at once more, and counts meanwhile.
      return isGood ? 'running' : 'changing';
    default:
      return 'changing';
  }
}

export function backupStateWords({ state, isGood, retryAt }: Facts): string {
  switch (state) {
    case 'verified':
      return 'good';
    case 'waiting':
      return 'waiting for its snapshot';
    case 'writing':
      return 'being written';
    case 'verifying':
      return isGood ? 'good, read back again' : 'being read back';
    case 'testing':
      return isGood ? 'good, restored as a test' : 'restored as a test';
    case 'unverified':
      return 'not read back';
    case 'failed':
      return retryAt === null ? 'failed' : 'tries again';
    case 'removing':
      return 'being removed';
    default:
      return stateWords(state);
  }
}

export const targetTone = ({ state, problem }: Pick<BackupTargetRow, 'state' | 'problem'>): Tone => {
  if (state === 'unreachable') return 'failed';
  if (state === 'ready') return problem ? 'attention' : 'running';
  return 'changing';
};

export function targetStateWords({ state, problem }: Pick<BackupTargetRow, 'state' | 'problem'>): string {
  if (state === 'ready') return problem ? 'not pruned' : 'ready';
  if (state === 'checking') return 'being looked at';
  if (state === 'unchecked') return 'not seen yet';
  return state === 'pruning' ? 'being pruned' : stateWords(state);
}

/** When its content was so; while it is on its way, when it was asked for. */
export const momentOfBackup = (row: Pick<BackupRow, 'takenAt' | 'requestedAt'>): number =>
  row.takenAt ?? row.requestedAt;

export const newestFirst = (
  a: Pick<BackupRow, 'takenAt' | 'requestedAt' | 'name'>,
  b: Pick<BackupRow, 'takenAt' | 'requestedAt' | 'name'>,
): number => momentOfBackup(b) - momentOfBackup(a) || a.name.localeCompare(b.name, 'en');

/** The one that a restore would take; undefined: nothing can be brought back. */
export const newestGood = (rows: readonly BackupRow[]): BackupRow | undefined =>
  rows.filter(({ isGood }) => isGood).toSorted(newestFirst)[0];

/** It can be brought back, as far as anybody knows; one of another lab is read back when it is wanted. */
export const isRestorable = ({ state }: Pick<BackupRow, 'state'>): boolean =>
  ['verified', 'verifying', 'unverified', 'testing'].includes(state);

/** Backups of one app that were asked for together. */
export interface BackedUpSet {
  readonly id: string;
  readonly app: string;
  readonly namespace: string;
  /** The lab that made it; null: this one. */
  readonly lab: string | null;
  readonly target: BackupRow['target'];
  /** Of its oldest part. */
  readonly takenAt: number;
  /** So many belong to it. */
  readonly size: number;
  /** Those that are there, by the name of their volume. */
  readonly backups: readonly BackupRow[];
  /** All of them are there and were read back: the app can be brought back from it. */
  readonly isGood: boolean;
  readonly tone: Tone;
  readonly words: string;
}

/** Those of apps alone, the newest first. An app of one volume has sets of one. */
export function setsOf(rows: readonly BackupRow[]): readonly BackedUpSet[] {
  const byId = new Map<string, BackupRow[]>();
  for (const row of rows) {
    if (!row.app) continue;
    const id = `${row.lab ?? ''}/${row.target.id}/${row.set?.id ?? row.id}`;
    byId.set(id, [...(byId.get(id) ?? []), row]);
  }
  return [...byId]
    .map(([id, members]) => setOf(id, members))
    .toSorted((a, b) => b.takenAt - a.takenAt || (a.id < b.id ? -1 : 1));
}

function setOf(id: string, members: readonly BackupRow[]): BackedUpSet {
  const backups = members.toSorted((a, b) => a.volumeName.localeCompare(b.volumeName, 'en'));
  const [first] = backups;
  if (!first?.app) throw new Error('a set of nothing');
  const size = first.set?.size ?? 1;
  const isWhole = backups.length === size;
  const isGood = isWhole && backups.every((row) => row.isGood);
  const worst = tonesWorstFirst.flatMap((tone) => backups.find((row) => backupTone(row) === tone) ?? [])[0] ?? first;
  return {
    id,
    app: first.app.name,
    namespace: first.namespace,
    lab: first.lab,
    target: first.target,
    takenAt: Math.min(...backups.map(momentOfBackup)),
    ...{ size, backups, isGood },
    tone: isWhole || backupTone(worst) === 'failed' ? backupTone(worst) : 'attention',
    words: isWhole ? backupStateWords(worst) : `${backups.length} of ${count(size, 'volume')}`,
  };
}

const tonesWorstFirst: readonly Tone[] = ['failed', 'attention', 'changing', 'running', 'off'];

/** By the id of their target. */
export function byTarget(rows: readonly BackupRow[]): ReadonlyMap<string, readonly BackupRow[]> {
  const grouped = new Map<string, BackupRow[]>();
  for (const row of rows) grouped.set(row.target.id, [...(grouped.get(row.target.id) ?? []), row]);
  return grouped;
}

/** Bytes of what is in some backups, and what they took beside what was there already. */
export function roomOf(rows: readonly Pick<BackupRow, 'sizeBytes' | 'addedBytes'>[]): {
  readonly contentBytes: number;
  readonly storedBytes: number;
} {
  const sum = (values: readonly (number | null)[]): number => values.reduce<number>((all, one) => all + (one ?? 0), 0);
  return {
    contentBytes: sum(rows.map(({ sizeBytes }) => sizeBytes)),
    storedBytes: sum(rows.map(({ addedBytes }) => addedBytes)),
  };
}

/** Those that the lab has, by id. */
export type PresentVolumes = ReadonlyMap<string, Pick<VolumeRow, 'discarded'>>;

/**
 * How much of the present of what is backed up to one place is nowhere else: since when the volume that is worst off has its
 * newest good backup there. Undefined: nothing of this lab is there; `null`: of one of them nothing was ever read back.
 */
export function behindSince(rows: readonly BackupRow[], volumes: PresentVolumes): number | null | undefined {
  const newest = new Map<string, number | null>();
  for (const row of rows) {
    // What was deleted has no present.
    if (row.volume === null || volumes.get(row.volume.id)?.discarded !== null) continue;
    const known = newest.get(row.volume.id) ?? null;
    const at = row.isGood ? momentOfBackup(row) : null;
    newest.set(row.volume.id, known === null || (at !== null && at > known) ? at : known);
  }
  const moments = [...newest.values()];
  if (moments.length === 0) return undefined;
  return moments.some((at) => at === null) ? null : Math.min(...moments.map((at) => at ?? 0));
}

const longestName = 63;

/** `photos-db` when nothing is called so, else `photos-db-restored`, `photos-db-restored-2`. */
export function freeNameFor(volume: string, taken: readonly string[]): string {
  if (!taken.includes(volume)) return volume;
  for (let n = 1; ; n++) {
    const end = n === 1 ? '-restored' : `-restored-${n}`;
    const name = `${volume.slice(0, longestName - end.length)}${end}`;
    if (!taken.includes(name)) return name;
  }
}

/** The newest one of each volume of each lab. */
export function newestOfEach(rows: readonly BackupRow[]): readonly BackupRow[] {
  const newest = new Map<string, BackupRow>();
  for (const row of rows.toSorted(newestFirst)) {
    const of = `${row.lab ?? ''}/${row.namespace}/${row.volumeName}`;
    if (!newest.has(of)) newest.set(of, row);
  }
  return [...newest.values()].toSorted((a, b) => a.volumeName.localeCompare(b.volumeName, 'en'));
}

/** `home/3f2a…`: the name is for people, the rest tells labs of one name apart. */
export const labName = (lab: string): string => lab.split('/')[0] ?? lab;
