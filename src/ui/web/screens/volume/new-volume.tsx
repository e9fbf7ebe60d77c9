/** A volume without an app: how it shall be, and what the lab says to that. */
import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { isName, nameRule } from '#events/values/name.ts';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { parseLabels } from '../../format/label-text.ts';
import { emptyDraft, specOf } from '../../format/volume-draft.ts';
import { HookFields, PlacingFields, SnapshotFields, StorageFields, Text } from './volume-fields.tsx';

export const keepHelp = '24h:1h 14d:1d keeps one an hour for a day and one a day for two weeks. Empty: every one.';

export function NewVolume({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState('');
  const [labelText, setLabels] = useState('');
  const [draft, setDraft] = useState(emptyDraft);
  const read = specOf(draft);
  const troubles = 'troubles' in read ? read.troubles : {};
  const labels = parseLabels(labelText);
  const isReady = isName(name) && 'spec' in read && labels !== undefined;
  const fields = { draft, troubles, onChange: (more: Partial<typeof draft>) => setDraft({ ...draft, ...more }) };
  return (
    <PlanDialog
      title="New volume"
      command="create-volume"
      input={isReady ? { name, spec: read.spec, labels } : { name: 'unnamed', spec: { sizeBytes: 2 ** 30 } }}
      confirm="Create volume"
      isReady={isReady}
      isBegun={isReady}
      size={520}
      undo="Delete it at any time: it can be recovered for a while then."
      onClose={onClose}
    >
      <TextInput
        label="Name"
        placeholder="media"
        data-autofocus
        value={name}
        error={name === '' || isName(name) ? undefined : `For names, ${nameRule}.`}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Text {...fields} field="size" label="Size" />
      <Text
        {...fields}
        field="growTo"
        label="Room to grow"
        description="Its pool keeps so much for it, its size included. Empty: none is kept."
        placeholder="20GiB"
      />
      <Text {...fields} field="keep" label="Snapshots to keep" description={keepHelp} />
      <PlacingFields {...fields} />
      <StorageFields {...fields} isFixed={false} />
      <SnapshotFields {...fields} />
      <HookFields {...fields} services={[]} />
      <TextInput
        label="Labels"
        placeholder="team=home"
        value={labelText}
        error={labels === undefined ? 'Write for example team=home.' : undefined}
        onChange={(event) => setLabels(event.currentTarget.value)}
      />
    </PlanDialog>
  );
}
