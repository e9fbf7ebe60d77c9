/** Another place for backups: what kind it is decides which fields there are. */
import { NativeSelect } from '@mantine/core';
import { useState } from 'react';
import { Form } from '../../components/form.tsx';
import { fieldsOf, targetKinds, targetOf, type TargetDraft } from '../../format/target-draft.ts';
import { useCommand } from '../../live/use-command.ts';
import { TargetFields } from './target-fields.tsx';

export function AddTarget({ onClose }: { readonly onClose: () => void }) {
  const { run } = useCommand();
  const [chosen, setChosen] = useState<string>();
  const [draft, setDraft] = useState<TargetDraft>({});
  const kind = targetKinds.find((one) => one.kind === chosen) ?? targetKinds[0];
  if (!kind) return null;
  const read = targetOf(kind, draft);
  const submit = async (): Promise<boolean> =>
    'input' in read && (await run('add-backup-target', read.input)) !== undefined;
  return (
    <Form title="Add a target" confirm="Add and look at it" isValid={'input' in read} onClose={onClose} submit={submit}>
      <NativeSelect
        label="What it is"
        description={kind.about}
        data={targetKinds.map(({ kind: value, label }) => ({ value, label }))}
        value={kind.kind}
        onChange={(event) => setChosen(event.currentTarget.value)}
      />
      <TargetFields
        fields={fieldsOf(kind)}
        draft={draft}
        troubles={'troubles' in read ? read.troubles : {}}
        onChange={(changes) => setDraft((before) => ({ ...before, ...changes }))}
      />
      <p className="muted">Write the recovery kit anew when it is there: the kit says where backups are.</p>
    </Form>
  );
}
