/** What a target keeps, how it is used, and the keys that open it. Where it is does not change: that is another target. */
import { useState } from 'react';
import type { BackupTargetRow } from '#projections/views/backup-targets.ts';
import { Form } from '../../components/form.tsx';
import { changeFields, changesOf, policyOf, secretFields, type TargetDraft } from '../../format/target-draft.ts';
import { useCommand } from '../../live/use-command.ts';
import { TargetFields } from './target-fields.tsx';

interface Props {
  readonly target: BackupTargetRow;
  readonly onClose: () => void;
}

export function ChangeTarget({ target, onClose }: Props) {
  const { run } = useCommand();
  const [draft, setDraft] = useState<TargetDraft>(() => policyOf(target));
  const read = changesOf(target, draft);
  const secrets = secretFields(target).map((field) => ({ ...field, isNeeded: false }));
  const submit = async (): Promise<boolean> =>
    'input' in read && (await run('change-backup-target', read.input)) !== undefined;
  return (
    <Form title={`Change ${target.name}`} confirm="Save" isValid={'input' in read} onClose={onClose} submit={submit}>
      <TargetFields
        fields={[...changeFields(target), ...secrets]}
        draft={draft}
        troubles={'troubles' in read ? read.troubles : {}}
        onChange={(changes) => setDraft((before) => ({ ...before, ...changes }))}
      />
      <p className="muted">
        Backups that are not kept any more go within the hour, the newest good one of each volume never.
        {secrets.length > 0 && ' Keys that are left empty stay as they are; what they are is never shown.'}
      </p>
    </Form>
  );
}
