/** Another time for a schedule, and of backups another target and other terms. What it is of, and its name, stay. */
import { useState } from 'react';
import type { ScheduleRow } from '#projections/views/schedules.ts';
import { useTargets } from '../../components/back-up.tsx';
import { Form } from '../../components/form.tsx';
import { changesOf, draftOf, troublesOf, type ScheduleDraft } from '../../format/schedule-draft.ts';
import { useCommand } from '../../live/use-command.ts';
import { BackupFields, TimeFields } from './schedule-fields.tsx';

export function EditSchedule({ row, onClose }: { readonly row: ScheduleRow; readonly onClose: () => void }) {
  const { run } = useCommand();
  const targets = useTargets();
  const [draft, setDraft] = useState(() => draftOf(row));
  const change = (changes: Partial<ScheduleDraft>): void => setDraft((before) => ({ ...before, ...changes }));
  const isBackup = row.action === 'backup';
  const changes = changesOf(row, draft);
  const submit = async (): Promise<boolean> =>
    (await run('change-schedule', { namespace: row.namespace, name: row.name, ...changes })) !== undefined;
  return (
    <Form
      title={`Change ${row.name}`}
      confirm="Change schedule"
      isValid={Object.keys(troublesOf(draft)).length === 0 && Object.keys(changes).length > 0}
      onClose={onClose}
      submit={submit}
    >
      <TimeFields draft={draft} onChange={change} isFirst />
      {isBackup && <BackupFields draft={draft} onChange={change} targets={targets} />}
    </Form>
  );
}
