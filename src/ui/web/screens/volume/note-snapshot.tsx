/** What to know of a snapshot: written, changed, or taken away when the field is left empty. */
import { TextInput } from '@mantine/core';
import { useState } from 'react';
import type { SnapshotRow } from '#projections/views/snapshots.ts';
import { useCommand } from '../../live/use-command.ts';
import { Form } from '../../components/form.tsx';

interface NoteProps {
  readonly volume: { readonly namespace: string; readonly name: string };
  readonly snapshot: SnapshotRow;
  readonly onClose: () => void;
}

export function NoteSnapshot({ volume: { namespace, name }, snapshot, onClose }: NoteProps) {
  const { run } = useCommand();
  const [text, setText] = useState(snapshot.note ?? '');
  const note = text.trim() || null;
  const submit = async (): Promise<boolean> =>
    (await run('note-snapshot', { namespace, name, snapshot: snapshot.name, note })) !== undefined;
  return (
    <Form
      title={`Note of ${snapshot.name}`}
      confirm={note === null && snapshot.note !== null ? 'Take note away' : 'Save note'}
      isValid={note !== snapshot.note}
      onClose={onClose}
      submit={submit}
    >
      <TextInput
        label="Note"
        description="For whoever looks for this snapshot later. Empty, it has none."
        maxLength={500}
        data-autofocus
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
    </Form>
  );
}
