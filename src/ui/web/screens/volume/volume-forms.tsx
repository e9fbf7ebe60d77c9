/** What one can say about volumes: make one, snapshot it, change it, snapshot it again and again. */
import { Button, Modal, NativeSelect, TextInput } from '@mantine/core';
import { useState, type FormEvent, type ReactNode } from 'react';
import { parseKeep } from '#events/values/keep.ts';
import { isName, nameRule } from '#events/values/name.ts';
import { formatSize, maxVolumeBytes, minVolumeBytes, parseSize } from '#events/values/size.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { useNoAction } from '../../components/action-button.tsx';
import classes from '../../components/plan-dialog.module.css';
import { cronInWords } from '../../format/cron-words.ts';
import { useCommand } from '../../live/use-command.ts';
import { useView } from '../../live/use-view.ts';

interface FormProps {
  readonly title: string;
  readonly confirm: string;
  readonly isValid: boolean;
  readonly onClose: () => void;
  /** @returns whether it was done */
  readonly submit: () => Promise<boolean>;
  readonly children: ReactNode;
}

export function Form({ title, confirm, isValid, onClose, submit, children }: FormProps) {
  const [isAsking, setAsking] = useState(false);
  const reason = useNoAction();
  const send = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (!isValid || reason !== undefined) return;
    setAsking(true);
    const done = await submit();
    setAsking(false);
    if (done) onClose();
  };
  return (
    <Modal opened onClose={onClose} title={title} size={420}>
      <form className={classes['form']} onSubmit={(event) => void send(event)}>
        {children}
        <div className={classes['buttons']}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" disabled={!isValid || reason !== undefined} loading={isAsking}>
            {confirm}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

interface OfVolume {
  readonly volume: VolumeRow;
  readonly onClose: () => void;
}

export function TakeSnapshot({ volume, onClose }: OfVolume) {
  const { run } = useCommand();
  const [note, setNote] = useState('');
  const submit = async (): Promise<boolean> => {
    const trimmed = note.trim();
    const input = { namespace: volume.namespace, name: volume.name, ...(trimmed === '' ? {} : { note: trimmed }) };
    return (await run('take-snapshot', input)) !== undefined;
  };
  return (
    <Form title={`Snapshot ${volume.name}`} confirm="Take snapshot" isValid onClose={onClose} submit={submit}>
      <TextInput
        label="Note"
        description="Why, for whoever looks for it later. May be left out."
        placeholder="before the upgrade"
        maxLength={500}
        data-autofocus
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
      />
      <p className="muted">Taken by hand, it is kept until somebody removes it. The app goes on meanwhile.</p>
    </Form>
  );
}

const sizeError = (text: string, atLeast: number): string | undefined => {
  const bytes = parseSize(text);
  if (bytes === undefined) return 'Write a number with its unit: 5GiB, 512MiB.';
  if (bytes < Math.max(atLeast, minVolumeBytes))
    return `At least ${formatSize(Math.max(atLeast, minVolumeBytes))}: a volume cannot become smaller.`;
  return bytes > maxVolumeBytes ? `At most ${formatSize(maxVolumeBytes)}.` : undefined;
};

function keepError(text: string): string | undefined {
  if (text.trim() === '') return undefined;
  const rules = parseKeep(text);
  return typeof rules === 'string' ? rules : undefined;
}

const keepHelp = '24h:1h 14d:1d keeps one an hour for a day and one a day for two weeks. Empty: every one.';

const plainSize = (bytes: number): string => formatSize(bytes).replace(' ', '');

export function NewVolume({ onClose }: { readonly onClose: () => void }) {
  const { run } = useCommand();
  const [name, setName] = useState('');
  const [size, setSize] = useState('5GiB');
  const [keep, setKeep] = useState('');
  const nameError = name === '' || isName(name) ? undefined : `For names, ${nameRule}.`;
  const isValid = isName(name) && sizeError(size, minVolumeBytes) === undefined && keepError(keep) === undefined;
  const submit = async (): Promise<boolean> => {
    const spec = { sizeBytes: parseSize(size) ?? 0, ...(keep.trim() === '' ? {} : { keep: keep.trim() }) };
    return (await run('create-volume', { name, spec })) !== undefined;
  };
  return (
    <Form title="New volume" confirm="Create volume" isValid={isValid} onClose={onClose} submit={submit}>
      <TextInput
        label="Name"
        placeholder="media"
        data-autofocus
        value={name}
        error={nameError}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <TextInput
        label="Size"
        value={size}
        error={sizeError(size, minVolumeBytes)}
        onChange={(event) => setSize(event.currentTarget.value)}
      />
      <TextInput
        label="Snapshots to keep"
        description={keepHelp}
        value={keep}
        error={keepError(keep)}
        onChange={(event) => setKeep(event.currentTarget.value)}
      />
    </Form>
  );
}

export function ChangeVolume({ volume, onClose }: OfVolume) {
  const { run } = useCommand();
  const [size, setSize] = useState(plainSize(volume.sizeBytes));
  const [keep, setKeep] = useState(volume.keep ?? '');
  // What is shown is rounded; a size that was not touched is not sent.
  const isOtherSize = size !== plainSize(volume.sizeBytes);
  const wrongSize = isOtherSize ? sizeError(size, volume.sizeBytes) : undefined;
  const isOtherKeep = keep.trim() !== (volume.keep ?? '');
  const isValid = wrongSize === undefined && keepError(keep) === undefined && (isOtherSize || isOtherKeep);
  const submit = async (): Promise<boolean> => {
    const changes = {
      ...(isOtherSize ? { sizeBytes: parseSize(size) ?? 0 } : {}),
      ...(isOtherKeep ? { keep: keep.trim() } : {}),
    };
    return (await run('change-volume', { namespace: volume.namespace, name: volume.name, ...changes })) !== undefined;
  };
  return (
    <Form title={`Change ${volume.name}`} confirm="Change" isValid={isValid} onClose={onClose} submit={submit}>
      <TextInput
        label="Size"
        description="A volume can grow while it is in use; it cannot shrink."
        data-autofocus
        value={size}
        error={wrongSize}
        onChange={(event) => setSize(event.currentTarget.value)}
      />
      <TextInput
        label="Snapshots to keep"
        description="24h:1h 14d:1d keeps one an hour for a day and one a day for two weeks. Snapshots taken by hand are always kept. Empty: every one."
        value={keep}
        error={keepError(keep)}
        onChange={(event) => setKeep(event.currentTarget.value)}
      />
    </Form>
  );
}

interface NewScheduleProps {
  /** Without one a person chooses among all. */
  readonly volume?: VolumeRow;
  readonly onClose: () => void;
}

const sortedByName = (volumes: readonly VolumeRow[]): readonly VolumeRow[] =>
  volumes.toSorted((a, b) => a.namespace.localeCompare(b.namespace) || a.name.localeCompare(b.name));

export function NewSchedule({ volume: given, onClose }: NewScheduleProps) {
  const { run } = useCommand();
  const choices = sortedByName(useView('volumes', { when: given === undefined }).rows);
  const [chosen, setChosen] = useState<string>();
  const volume = given ?? choices.find(({ id }) => id === chosen) ?? choices[0];
  const [typed, setTyped] = useState<string>();
  const name = typed ?? (volume === undefined ? '' : `${volume.name.slice(0, 54)}-nightly`);
  const [cron, setCron] = useState('30 2 * * *');
  const hasFields = cron.trim().split(/\s+/).length === 5;
  const words = hasFields ? cronInWords(cron) : undefined;
  const submit = async (): Promise<boolean> => {
    if (!volume) return false;
    const input = { namespace: volume.namespace, name, volume: volume.name, cron: cron.trim() };
    return (await run('create-schedule', input)) !== undefined;
  };
  return (
    <Form
      title={given === undefined ? 'New schedule' : `Snapshot ${given.name} again and again`}
      confirm="Add schedule"
      isValid={volume !== undefined && isName(name) && hasFields}
      onClose={onClose}
      submit={submit}
    >
      {given === undefined && (
        <NativeSelect
          label="Volume"
          description="It is snapshotted again and again."
          data={choices.map(({ id, namespace, name: label }) => ({
            value: id,
            label: namespace === 'default' ? label : `${namespace}/${label}`,
          }))}
          value={volume?.id ?? ''}
          data-autofocus
          onChange={(event) => setChosen(event.currentTarget.value)}
        />
      )}
      <TextInput
        label="When"
        description={
          words === undefined
            ? 'Minute, hour, day of month, month, day of week, in the lab’s time zone.'
            : `That is ${words}, in the lab’s time zone.`
        }
        data-autofocus={given !== undefined || undefined}
        value={cron}
        error={hasFields ? undefined : 'Write five fields: 30 2 * * *'}
        onChange={(event) => setCron(event.currentTarget.value)}
      />
      <TextInput
        label="Name"
        value={name}
        error={name === '' || isName(name) ? undefined : `For names, ${nameRule}.`}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
    </Form>
  );
}
