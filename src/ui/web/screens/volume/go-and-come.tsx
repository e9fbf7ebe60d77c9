/** Volumes go and come: clones, other names, deletion, and back again. */
import { Checkbox, TextInput, NativeSelect } from '@mantine/core';
import { useMemo, useState } from 'react';
import { formatDuration, parseDuration } from '#events/values/duration.ts';
import { isName, nameRule } from '#events/values/name.ts';
import { parseSize } from '#events/values/size.ts';
import { recoverableMs, volumeCommands } from '#actors/volume/commands.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { PlanDialog } from '../../components/plan-dialog.tsx';
import { plainSize, plainSpan } from '../../format/volume-draft.ts';
import { useCommand } from '../../live/use-command.ts';
import { useView } from '../../live/use-view.ts';
import { Form } from '../../components/form.tsx';

interface OfVolume {
  readonly volume: VolumeRow;
  readonly onClose: () => void;
}

const targetOf = ({ namespace, name }: VolumeRow) => ({ namespace, name });

const nameError = (name: string): string | undefined =>
  name === '' || isName(name) ? undefined : `For names, ${nameRule}.`;

const deleteInput = volumeCommands['delete-volume'].shape;

/** As it is in the choice of snapshots: the present. */
const now = '';

export function CloneVolume({ volume, onClose, onDone }: OfVolume & { readonly onDone: (name: string) => void }) {
  const { run } = useCommand();
  const [as, setAs] = useState(`${volume.name.slice(0, 57)}-clone`);
  const [snapshot, setSnapshot] = useState(now);
  const [size, setSize] = useState(plainSize(volume.sizeBytes));
  // What is shown is rounded; a size that was not touched is not sent.
  const isOtherSize = size !== plainSize(volume.sizeBytes);
  const sizeBytes = parseSize(size);
  const isLarge = !isOtherSize || (sizeBytes !== undefined && sizeBytes >= volume.sizeBytes);
  const where = useMemo(() => ({ volume: volume.id }), [volume.id]);
  const snapshots = useView('snapshots', { where }).rows.filter(
    (row) => row.volume.id === volume.id && row.state === 'available',
  );
  const submit = async (): Promise<boolean> => {
    const input = {
      ...targetOf(volume),
      as,
      ...(snapshot === now ? {} : { snapshot }),
      ...(isOtherSize && sizeBytes !== undefined ? { sizeBytes } : {}),
    };
    const done = (await run('clone-volume', input)) !== undefined;
    if (done) onDone(as);
    return done;
  };
  return (
    <Form
      title={`Clone ${volume.name}`}
      confirm="Make clone"
      isValid={isName(as) && isLarge}
      onClose={onClose}
      submit={submit}
    >
      <TextInput
        label="Name"
        data-autofocus
        value={as}
        error={nameError(as)}
        onChange={(event) => setAs(event.currentTarget.value)}
      />
      <TextInput
        label="Size"
        value={size}
        error={isLarge ? undefined : `Write a size, at least that of ${volume.name}: ${plainSize(volume.sizeBytes)}.`}
        onChange={(event) => setSize(event.currentTarget.value)}
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

export function RecoverVolume({ volume, onClose, onDone }: OfVolume & { readonly onDone: (name: string) => void }) {
  const [as, setAs] = useState(volume.discarded?.name ?? volume.name);
  return (
    <PlanDialog
      title={`Recover ${volume.name}`}
      command="recover-volume"
      input={{ ...targetOf(volume), ...(isName(as) ? { as } : {}) }}
      confirm="Recover volume"
      isReady={isName(as)}
      undo="Delete it again at any time."
      onClose={onClose}
      onDone={() => onDone(as)}
    >
      <TextInput
        label="Name"
        data-autofocus
        value={as}
        error={nameError(as)}
        onChange={(event) => setAs(event.currentTarget.value)}
      />
    </PlanDialog>
  );
}

export function DeleteVolume({ volume, onClose, onDone }: OfVolume & { readonly onDone: () => void }) {
  const isDiscarded = volume.discarded !== null;
  const [isForEver, setForEver] = useState(isDiscarded);
  const [scrub, setScrub] = useState(false);
  const [keepFor, setKeepFor] = useState(plainSpan(recoverableMs));
  const keepForMs = deleteInput.keepForMs.safeParse(parseDuration(keepFor)).data;
  const isKept = isForEver || keepForMs !== undefined;
  return (
    <PlanDialog
      title={`Delete ${volume.name}`}
      command="delete-volume"
      input={{ ...targetOf(volume), ...(isForEver ? { purge: true, scrub } : { keepForMs }) }}
      isReady={isKept}
      confirm={isForEver ? 'Delete for ever' : 'Delete volume'}
      danger
      typeName={isForEver ? volume.name : undefined}
      undo={
        isForEver
          ? 'This cannot be undone: the data and every snapshot of it are gone.'
          : `Recover it within ${formatDuration(keepForMs ?? recoverableMs)}: it is in the list of volumes until then, and takes its room.`
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
      {!isForEver && (
        <TextInput
          label="Can be recovered for"
          value={keepFor}
          error={isKept ? undefined : 'Write a number with its unit, at least a minute: 12h, 30d.'}
          onChange={(event) => setKeepFor(event.currentTarget.value)}
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
