/** What happens again and again: snapshots of a volume, or of all volumes of an app as a set, and scrubs of a pool. */
import { NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import { isName, nameRule } from '#events/values/name.ts';
import type { CommandInputs } from '#actors/commands.ts';
import { cronInWords } from '../../format/cron-words.ts';
import { timeZones } from '../../format/time-zones.ts';
import { useCommand } from '../../live/use-command.ts';
import { useView } from '../../live/use-view.ts';
import { Form } from './form.tsx';

interface Named {
  readonly namespace: string;
  readonly name: string;
}

/** What is repeated: who it is of, and which of them. */
const kinds = {
  volume: { label: 'Snapshots of a volume', field: 'Volume', cron: '30 2 * * *', suffix: 'nightly' },
  app: { label: 'Snapshots of an app: all its volumes as a set', field: 'App', cron: '30 2 * * *', suffix: 'nightly' },
  pool: { label: 'Scrubs of a pool', field: 'Pool', cron: '0 3 1 * *', suffix: 'scrub' },
} as const;
type Kind = keyof typeof kinds;

interface Choice {
  readonly key: string;
  readonly label: string;
  readonly namespace: string;
  readonly name: string;
  readonly input: Pick<CommandInputs['create-schedule'], Kind>;
}

const byLabel = (a: Choice, b: Choice): number => a.label.localeCompare(b.label);
const labelOf = ({ namespace, name }: Named): string => (namespace === 'default' ? name : `${namespace}/${name}`);

function useChoices(kind: Kind, isGiven: boolean): readonly Choice[] {
  const volumes = useView('volumes', { when: !isGiven && kind !== 'pool' }).rows;
  const apps = useView('apps', { when: !isGiven && kind === 'app' }).rows;
  const pools = useView('pools', { when: !isGiven && kind === 'pool' }).rows;
  switch (kind) {
    case 'volume':
      return volumes
        .filter(({ discarded }) => discarded === null)
        .map((row) => ({ ...row, key: row.id, label: labelOf(row), input: { volume: row.name } }))
        .toSorted(byLabel);
    case 'app':
      return apps
        .filter(({ id }) => volumes.some(({ app }) => app?.id === id))
        .map((row) => ({ ...row, key: row.id, label: labelOf(row), input: { app: row.name } }))
        .toSorted(byLabel);
    case 'pool':
      return pools
        .filter(({ driver }) => driver !== 'dir')
        .map(({ id, node, name }) => {
          const title = `${node.name}/${name}`;
          return { key: id, label: title, namespace: 'default', name: `${node.name}-${name}`, input: { pool: title } };
        })
        .toSorted(byLabel);
  }
}

interface NewScheduleProps {
  /** Without one a person chooses among all. */
  readonly volume?: Named;
  readonly onClose: () => void;
}

export function NewSchedule({ volume: given, onClose }: NewScheduleProps) {
  const { run } = useCommand();
  const [kind, setKind] = useState<Kind>('volume');
  const choices = useChoices(kind, given !== undefined);
  const [chosen, setChosen] = useState<string>();
  const choice: Pick<Choice, 'namespace' | 'name' | 'input'> | undefined = given
    ? { namespace: given.namespace, name: given.name, input: { volume: given.name } }
    : (choices.find(({ key }) => key === chosen) ?? choices[0]);
  const [typed, setTyped] = useState<string>();
  const name = typed ?? (choice === undefined ? '' : `${choice.name.slice(0, 54)}-${kinds[kind].suffix}`);
  const [typedCron, setCron] = useState<string>();
  const cron = typedCron ?? kinds[kind].cron;
  const [zone, setZone] = useState('');
  const hasFields = cron.trim().split(/\s+/).length === 5;
  const words = hasFields ? cronInWords(cron) : undefined;
  const inZone = zone === '' ? 'in the lab’s time zone' : `in ${zone}`;
  const submit = async (): Promise<boolean> => {
    if (!choice) return false;
    const { namespace, input } = choice;
    const timeZone = zone === '' ? {} : { timeZone: zone };
    return (await run('create-schedule', { namespace, name, ...input, cron: cron.trim(), ...timeZone })) !== undefined;
  };
  return (
    <Form
      title={given === undefined ? 'New schedule' : `Snapshot ${given.name} again and again`}
      confirm="Add schedule"
      isValid={choice !== undefined && isName(name) && hasFields}
      onClose={onClose}
      submit={submit}
    >
      {given === undefined && (
        <>
          <NativeSelect
            label="What is repeated"
            data={Object.entries(kinds).map(([value, { label }]) => ({ value, label }))}
            value={kind}
            data-autofocus
            onChange={(event) => {
              setKind(event.currentTarget.value as Kind);
              setChosen(undefined);
            }}
          />
          <NativeSelect
            label={kinds[kind].field}
            data={choices.map(({ key, label }) => ({ value: key, label }))}
            value={choice === undefined ? '' : (choices.find(({ key }) => key === chosen) ?? choices[0])?.key}
            error={choices.length === 0 ? 'There is none that this could be done to.' : undefined}
            onChange={(event) => setChosen(event.currentTarget.value)}
          />
        </>
      )}
      <TextInput
        label="When"
        description={
          words === undefined
            ? `Minute, hour, day of month, month, day of week, ${inZone}.`
            : `That is ${words}, ${inZone}.`
        }
        data-autofocus={given !== undefined || undefined}
        value={cron}
        error={hasFields ? undefined : 'Write five fields: 30 2 * * *'}
        onChange={(event) => setCron(event.currentTarget.value)}
      />
      <NativeSelect
        label="Time zone"
        data={[{ value: '', label: 'the lab’s' }, ...timeZones]}
        value={zone}
        onChange={(event) => setZone(event.currentTarget.value)}
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
