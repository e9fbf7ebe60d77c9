/** Volumes go and come: clones, other names, deletion, and back again. */
import { Checkbox, TextInput, NativeSelect } from '@mantine/core';
import { useMemo, useState } from 'react';
import { isName, nameRule } from '#events/values/name.ts';
import { recoverableMs } from '#actors/volume/commands.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { inDays } from '../../format/time.ts';
import { useCommand } from '../../live/use-command.ts';
import { useView } from '../../live/use-view.ts';
import { Form } from './volume-forms.tsx';

interface OfVolume {
  readonly volume: VolumeRow;
  readonly onClose: () => void;
}

const targetOf = ({ namespace, name }: VolumeRow) => ({ namespace, name });

const nameError = (name: string): string | undefined =>
  name === '' || isName(name) ? undefined : `For names, ${nameRule}.`;

/** As it is in the choice of snapshots: the present. */
const now = '';

export function CloneVolume({ volume, onClose, onDone }: OfVolume & { readonly onDone: (name: string) => void }) {
  const { run } = useCommand();
  const [as, setAs] = useState(`${volume.name.slice(0, 57)}-clone`);
  const [snapshot, setSnapshot] = useState(now);
  const where = useMemo(() => ({ volume: volume.id }), [volume.id]);
  const snapshots = useView('snapshots', { where }).rows.filter(
    (row) => row.volume.id === volume.id && row.state === 'available',
  );
  const submit = async (): Promise<boolean> => {
    const input = { ...targetOf(volume), as, ...(snapshot === now ? {} : { snapshot }) };
    const done = (await run('clone-volume', input)) !== undefined;
    if (done) onDone(as);
    return done;
  };
  return (
    <Form title={`Clone ${volume.name}`} confirm="Make clone" isValid={isName(as)} onClose={onClose} submit={submit}>
      <TextInput
        label="Name"
        data-autofocus
        value={as}
        error={nameError(as)}
        onChange={(event) => setAs(event.currentTarget.value)}
      />
      <NativeSelect
        label="As it was"
        data={[{ value: now, label: 'now' }, ...snapshots.map(({ name }) => ({ value: name, label: name }))]}
        value={snapshot}
        onChange={(event) => setSnapshot(event.currentTarget.value)}
      />
      <p className="muted">
        A clone is a volume of its own, in the same pool. What is written to one of the two is not in the other.
      </p>
    </Form>
  );
}

export function RenameVolume({ volume, onClose, onDone }: OfVolume & { readonly onDone: (name: string) => void }) {
  const { run } = useCommand();
  const [to, setTo] = useState(volume.name);
  const submit = async (): Promise<boolean> => {
    const done = (await run('rename-volume', { ...targetOf(volume), to })) !== undefined;
    if (done) onDone(to);
    return done;
  };
  const isValid = isName(to) && to !== volume.name;
  return (
    <Form title={`Rename ${volume.name}`} confirm="Rename" isValid={isValid} onClose={onClose} submit={submit}>
      <TextInput
        label="Name"
        data-autofocus
        value={to}
        error={nameError(to)}
        onChange={(event) => setTo(event.currentTarget.value)}
      />
    </Form>
  );
}

export function DeleteVolume({ volume, onClose, onDone }: OfVolume & { readonly onDone: () => void }) {
  const isDiscarded = volume.discarded !== null;
  const [isForEver, setForEver] = useState(isDiscarded);
  const [scrub, setScrub] = useState(false);
  return (
    <PlanDialog
      title={`Delete ${volume.name}`}
      command="delete-volume"
      input={{ ...targetOf(volume), ...(isForEver ? { purge: true, scrub } : {}) }}
      confirm={isForEver ? 'Delete for ever' : 'Delete volume'}
      danger
      typeName={isForEver ? volume.name : undefined}
      undo={
        isForEver
          ? 'This cannot be undone: the data and every snapshot of it are gone.'
          : `Recover it within ${inDays(recoverableMs)}: it is in the list of volumes until then, and takes its room.`
      }
      onClose={onClose}
      onDone={onDone}
    >
      {!isDiscarded && (
        <Checkbox
          label="At once and for ever"
          checked={isForEver}
          onChange={(event) => setForEver(event.currentTarget.checked)}
        />
      )}
      {isForEver && (
        <Checkbox
          label="So that nothing of it can be read from the disks"
          description="Where the pool can: not every disk does."
          checked={scrub}
          onChange={(event) => setScrub(event.currentTarget.checked)}
        />
      )}
    </PlanDialog>
  );
}
