/** Fields that a new schedule and one that is changed share. */
import { NativeSelect, TextInput } from '@mantine/core';
import type { BackupTargetRow } from '#projections/views/backup-targets.ts';
import { cronInWords } from '../../format/cron-words.ts';
import { hasFields, troublesOf, type ScheduleDraft } from '../../format/schedule-draft.ts';
import { timeZones } from '../../format/time-zones.ts';

interface FieldsProps {
  readonly draft: ScheduleDraft;
  readonly onChange: (changes: Partial<ScheduleDraft>) => void;
}

/** @param isFirst what is written goes here */
export function TimeFields({ draft, onChange, isFirst }: FieldsProps & { readonly isFirst: boolean }) {
  const { cron, timeZone } = draft;
  const words = hasFields(cron) ? cronInWords(cron) : undefined;
  const inZone = timeZone === '' ? 'in the lab’s time zone' : `in ${timeZone}`;
  return (
    <>
      <TextInput
        label="When"
        description={
          words === undefined
            ? `Minute, hour, day of month, month, day of week, ${inZone}.`
            : `That is ${words}, ${inZone}.`
        }
        data-autofocus={isFirst || undefined}
        value={cron}
        error={troublesOf(draft).cron}
        onChange={(event) => onChange({ cron: event.currentTarget.value })}
      />
      <NativeSelect
        label="Time zone"
        data={[
          { value: '', label: 'the lab’s' },
          ...(timeZone === '' || timeZones.includes(timeZone) ? [] : [timeZone]),
          ...timeZones,
        ]}
        value={timeZone}
        onChange={(event) => onChange({ timeZone: event.currentTarget.value })}
      />
    </>
  );
}

/** Of backups. */
export function BackupFields({
  draft,
  onChange,
  targets,
}: FieldsProps & { readonly targets: readonly BackupTargetRow[] }) {
  const to = targets.find(({ name }) => name === draft.backupTo);
  const troubles = troublesOf(draft);
  return (
    <>
      <NativeSelect
        label="To"
        description={to && `It keeps ${to.keep ?? 'all backups'} there, of each volume.`}
        data={targets.map((one) => one.name)}
        value={draft.backupTo}
        error={to === undefined ? 'There is nowhere to back up to yet: add a target under Backups.' : undefined}
        onChange={(event) => onChange({ backupTo: event.currentTarget.value })}
      />
      <TextInput
        label="Backups to keep there"
        description="One a day for two weeks and one a week for two months: 14d:1d 8w:1w. Empty: as the target says."
        value={draft.keep}
        error={troubles.keep}
        onChange={(event) => onChange({ keep: event.currentTarget.value })}
      />
      <TextInput
        label="One of each volume is restored as a test every"
        description="Into a scratch volume, compared, and removed again. Empty: as the target says."
        value={draft.testRestoreEvery}
        error={troubles.testRestoreEvery}
        onChange={(event) => onChange({ testRestoreEvery: event.currentTarget.value })}
      />
    </>
  );
}
