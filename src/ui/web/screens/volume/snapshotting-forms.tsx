/** When a volume is snapshotted because it has changed, and a set of snapshots of all volumes of an app. */
import { Switch, TextInput } from '@mantine/core';
import { useState } from 'react';
import { formatDuration, parseDuration } from '#events/values/duration.ts';
import { defaultOnChange, intervalLimitsMs, settleLimitsMs } from '#events/values/snapshotting.ts';
import type { AppRow } from '#projections/views/apps.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { useCommand } from '../../live/use-command.ts';
import { Form } from './volume-forms.tsx';

interface Limits {
  readonly min: number;
  readonly max: number;
}

/** As one writes it: `5m`, `1h30m`. */
const plain = (ms: number): string => formatDuration(ms).replaceAll(' ', '');

function spanError(text: string, { min, max }: Limits): string | undefined {
  const ms = parseDuration(text);
  if (ms === undefined) return 'Write a number with its unit: 30s, 5m, 1h.';
  return ms < min || ms > max ? `Choose from ${formatDuration(min)} to ${formatDuration(max)}.` : undefined;
}

interface OnChangeProps {
  readonly volume: VolumeRow;
  readonly onClose: () => void;
}

export function SnapshotOnChange({ volume, onClose }: OnChangeProps) {
  const { run } = useCommand();
  const present = volume.snapshotOnChange;
  const [isOn, setOn] = useState(present !== null);
  const [settle, setSettle] = useState(plain((present ?? defaultOnChange).settleMs));
  const [interval, setInterval] = useState(plain((present ?? defaultOnChange).minIntervalMs));
  const wrongSettle = isOn ? spanError(settle, settleLimitsMs) : undefined;
  const wrongInterval = isOn ? spanError(interval, intervalLimitsMs) : undefined;
  const wanted = isOn
    ? { settleMs: Math.round(parseDuration(settle) ?? 0), minIntervalMs: Math.round(parseDuration(interval) ?? 0) }
    : null;
  const isOther = JSON.stringify(wanted) !== JSON.stringify(present);
  const submit = async (): Promise<boolean> => {
    const input = { namespace: volume.namespace, name: volume.name, snapshotOnChange: wanted };
    return (await run('change-volume', input)) !== undefined;
  };
  return (
    <Form
      title={`Snapshot ${volume.name} when it changes`}
      confirm="Change"
      isValid={isOther && wrongSettle === undefined && wrongInterval === undefined}
      onClose={onClose}
      submit={submit}
    >
      <Switch
        label="Snapshot when something was written"
        checked={isOn}
        onChange={(event) => setOn(event.currentTarget.checked)}
      />
      <TextInput
        label="Once nothing was written for"
        description="So that a snapshot does not fall into the middle of something."
        disabled={!isOn}
        value={settle}
        error={wrongSettle}
        onChange={(event) => setSettle(event.currentTarget.value)}
      />
      <TextInput
        label="At most every"
        description="What is written all the time is snapshotted this often."
        disabled={!isOn}
        value={interval}
        error={wrongInterval}
        onChange={(event) => setInterval(event.currentTarget.value)}
      />
      {volume.app !== null && (
        <p className="muted">The next revision of app {volume.app.name} sets it to what its compose file says.</p>
      )}
    </Form>
  );
}

interface OfApp {
  readonly app: AppRow;
  readonly onClose: () => void;
}

export function TakeAppSnapshot({ app, onClose }: OfApp) {
  const { run } = useCommand();
  const [note, setNote] = useState('');
  const submit = async (): Promise<boolean> => {
    const trimmed = note.trim();
    const input = { namespace: app.namespace, name: app.name, ...(trimmed === '' ? {} : { note: trimmed }) };
    return (await run('take-app-snapshot', input)) !== undefined;
  };
  return (
    <Form title={`Snapshot all of ${app.name}`} confirm="Take snapshots" isValid onClose={onClose} submit={submit}>
      <TextInput
        label="Note"
        description="Why, for whoever looks for it later. May be left out."
        placeholder="before the upgrade"
        maxLength={500}
        data-autofocus
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
      />
      <p className="muted">
        One snapshot of each volume, all of one name: of one moment where the pool can, else one after the other. The
        app’s hooks run around them, and the app goes on meanwhile.
      </p>
    </Form>
  );
}
