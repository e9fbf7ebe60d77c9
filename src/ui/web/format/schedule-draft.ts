/** The form of a schedule, as text: when it runs, and of backups where they go and what is kept of them there. */
import type { CommandInputs } from '#actors/commands.ts';
import { verifyInterval } from '#events/values/backing-up.ts';
import { parseDuration } from '#events/values/duration.ts';
import type { ScheduleRow } from '#projections/views/schedules.ts';
import { keepTrouble, plainSpan } from './volume-draft.ts';

export interface ScheduleDraft {
  readonly cron: string;
  /** Empty: the lab's. */
  readonly timeZone: string;
  /** Of backups: the name of their target; */
  readonly backupTo: string;
  /** and what is said of them there; empty: as the target says. */
  readonly keep: string;
  readonly testRestoreEvery: string;
}
export type ScheduleTroubles = { readonly [P in keyof ScheduleDraft]?: string };

export const emptyDraft: ScheduleDraft = { cron: '', timeZone: '', backupTo: '', keep: '', testRestoreEvery: '' };

export const hasFields = (cron: string): boolean => cron.trim().split(/\s+/).length === 5;

export function troublesOf({ cron, keep, testRestoreEvery }: ScheduleDraft): ScheduleTroubles {
  const wrongKeep = keepTrouble(keep);
  return {
    ...(hasFields(cron) ? {} : { cron: 'Write five fields: 30 2 * * *' }),
    ...(wrongKeep === undefined ? {} : { keep: wrongKeep }),
    ...(testRestoreEvery.trim() === '' || verifyInterval.safeParse(parseDuration(testRestoreEvery.trim())).success
      ? {}
      : { testRestoreEvery: 'Write a number with its unit, from one hour on: 30d, 12h.' }),
  };
}

/** Of a new schedule. */
export function inputOf(draft: ScheduleDraft, isBackup: boolean) {
  const { cron, timeZone, backupTo, keep, testRestoreEvery } = draft;
  const everyMs = parseDuration(testRestoreEvery.trim());
  return {
    cron: cron.trim(),
    ...(timeZone === '' ? {} : { timeZone }),
    ...(isBackup ? { backupTo } : {}),
    ...(isBackup && keep.trim() !== '' ? { keep: keep.trim() } : {}),
    ...(isBackup && everyMs !== undefined ? { testRestoreEveryMs: everyMs } : {}),
  };
}

export const draftOf = ({ cron, timeZone, target, keep, testRestoreEveryMs }: ScheduleRow): ScheduleDraft => ({
  cron,
  timeZone: timeZone ?? '',
  backupTo: target?.name ?? '',
  keep: keep ?? '',
  testRestoreEvery: testRestoreEveryMs === null ? '' : plainSpan(testRestoreEveryMs),
});

type Changes = Omit<CommandInputs['change-schedule'], 'namespace' | 'name'>;

/** Of one that is there: only what was written anew, so that a time that is shown rounded stays what it is. */
export function changesOf(row: ScheduleRow, draft: ScheduleDraft): Changes {
  const before = draftOf(row);
  const isNew = (part: keyof ScheduleDraft): boolean => draft[part].trim() !== before[part];
  const everyMs = parseDuration(draft.testRestoreEvery.trim());
  return {
    ...(isNew('cron') ? { cron: draft.cron.trim() } : {}),
    ...(isNew('timeZone') ? { timeZone: draft.timeZone === '' ? null : draft.timeZone } : {}),
    ...(isNew('backupTo') ? { backupTo: draft.backupTo } : {}),
    ...(isNew('keep') ? { keep: draft.keep.trim() } : {}),
    ...(isNew('testRestoreEvery') ? { testRestoreEveryMs: everyMs ?? (0 as const) } : {}),
  };
}
