/** A snapshot by hand: of a volume, or of all volumes of an app as a set. */
import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { isName, nameRule } from '#events/values/name.ts';
import { useCommand } from '../../live/use-command.ts';
import { Form } from '../../components/form.tsx';

interface Named {
  readonly namespace: string;
  readonly name: string;
}
interface TakeProps {
  readonly of: Named;
  readonly onClose: () => void;
}

export const TakeSnapshot = ({ of, onClose }: TakeProps) => (
  <Take
    of={of}
    command="take-snapshot"
    title={`Snapshot ${of.name}`}
    confirm="Take snapshot"
    words="Taken by hand, it is kept until somebody removes it. The app goes on meanwhile."
    onClose={onClose}
  />
);

export const TakeAppSnapshot = ({ of, onClose }: TakeProps) => (
  <Take
    of={of}
    command="take-app-snapshot"
    title={`Snapshot all of ${of.name}`}
    confirm="Take snapshots"
    words={
      'One snapshot of each volume, all of one name: of one moment where the pool can, else one after the other. The ' +
      'app’s hooks run around them, and the app goes on meanwhile.'
    }
    onClose={onClose}
  />
);

interface Words extends TakeProps {
  readonly command: 'take-snapshot' | 'take-app-snapshot';
  readonly title: string;
  readonly confirm: string;
  /** What it means. */
  readonly words: string;
}

function Take({ of: { namespace, name }, command, title, confirm, words, onClose }: Words) {
  const { run } = useCommand();
  const [note, setNote] = useState('');
  const [as, setAs] = useState('');
  const isNamed = as === '' || isName(as);
  const submit = async (): Promise<boolean> => {
    const trimmed = note.trim();
    const more = { ...(trimmed === '' ? {} : { note: trimmed }), ...(as === '' ? {} : { as }) };
    return (await run(command, { namespace, name, ...more })) !== undefined;
  };
  return (
    <Form title={title} confirm={confirm} isValid={isNamed} onClose={onClose} submit={submit}>
      <TextInput
        label="Note"
        description="Why, for whoever looks for it later. May be left out."
        placeholder="before the upgrade"
        maxLength={500}
        data-autofocus
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
      />
      <TextInput
        label="Name"
        placeholder="made from the time"
        value={as}
        error={isNamed ? undefined : `For names, ${nameRule}.`}
        onChange={(event) => setAs(event.currentTarget.value)}
      />
      <p className="muted">{words}</p>
    </Form>
  );
}
