/** What happens again and again: snapshots or backups of a volume, or of all volumes of an app as a set, and scrubs of a pool. */
import { NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import { isName, nameRule } from '#events/values/name.ts';
import type { CommandInputs } from '#actors/commands.ts';
import { emptyDraft, inputOf, troublesOf, type ScheduleDraft } from '../../format/schedule-draft.ts';
import { useCommand } from '../../live/use-command.ts';
import { useTargets } from '../../components/back-up.tsx';
import { useView } from '../../live/use-view.ts';
import { Form } from '../../components/form.tsx';
import { BackupFields, TimeFields } from './schedule-fields.tsx';

interface Named {
  readonly namespace: string;
  readonly name: string;
}

/** What is repeated: of what, and how its name ends. */
const kinds = {
  volume: {
    of: 'volume',
    isBackup: false,
    field: 'Volume',
    cron: '30 2 * * *',
    suffix: 'nightly',
    label: 'Snapshots of a volume',
  },
  app: {
    of: 'app',
    isBackup: false,
    field: 'App',
    cron: '30 2 * * *',
    suffix: 'nightly',
    label: 'Snapshots of an app: all its volumes as a set',
  },
  'volume-backup': {
    of: 'volume',
    isBackup: true,
    field: 'Volume',
    cron: '30 3 * * *',
    suffix: 'backup',
    label: 'Backups of a volume',
  },
  'app-backup': {
    of: 'app',
    isBackup: true,
    field: 'App',
    cron: '30 3 * * *',
    suffix: 'backup',
    label: 'Backups of an app: all its volumes as a set',
  },
  pool: {
    of: 'pool',
    isBackup: false,
    field: 'Pool',
    cron: '0 3 1 * *',
    suffix: 'scrub',
    label: 'Scrubs of a pool',
  },
} as const;
type Kind = keyof typeof kinds;
type Of = (typeof kinds)[Kind]['of'];

interface Choice {
  readonly key: string;
  readonly label: string;
  readonly namespace: string;
  readonly name: string;
  readonly input: Pick<CommandInputs['create-schedule'], Of>;
}

const byLabel = (a: Choice, b: Choice): number => a.label.localeCompare(b.label);
const labelOf = ({ namespace, name }: Named): string => (namespace === 'default' ? name : `${namespace}/${name}`);

function useChoices(of: Of, isGiven: boolean): readonly Choice[] {
  const volumes = useView('volumes', { when: !isGiven && of !== 'pool' }).rows;
  const apps = useView('apps', { when: !isGiven && of === 'app' }).rows;
  const pools = useView('pools', { when: !isGiven && of === 'pool' }).rows;
  switch (of) {
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
  readonly of?: Named & { readonly kind: 'volume' | 'app' };
  readonly action?: 'snapshot' | 'backup';
  readonly onClose: () => void;
}

export function NewSchedule({ of: given, action = 'snapshot', onClose }: NewScheduleProps) {
  const { run } = useCommand();
  const targets = useTargets();
  const [kind, setKind] = useState<Kind>(
    given ? (action === 'backup' ? (`${given.kind}-backup` as const) : given.kind) : 'volume',
  );
  const { of, isBackup, field, suffix, cron: usualCron } = kinds[kind];
  const choices = useChoices(of, given !== undefined);
  const [chosen, setChosen] = useState<string>();
  const choice: Pick<Choice, 'namespace' | 'name' | 'input'> | undefined = given
    ? { namespace: given.namespace, name: given.name, input: { [given.kind]: given.name } }
    : (choices.find(({ key }) => key === chosen) ?? choices[0]);
  const [typed, setTyped] = useState<string>();
  const name = typed ?? (choice === undefined ? '' : `${choice.name.slice(0, 54)}-${suffix}`);
  const [written, setWritten] = useState<Partial<ScheduleDraft>>({});
  const change = (changes: Partial<ScheduleDraft>): void => setWritten((before) => ({ ...before, ...changes }));
  const to = targets.find((one) => one.name === written.backupTo) ?? targets[0];
  const draft: ScheduleDraft = { ...emptyDraft, cron: usualCron, ...written, backupTo: to?.name ?? '' };
  const troubles = troublesOf(draft);
  const areRight =
    troubles.cron === undefined && (!isBackup || (to !== undefined && Object.keys(troubles).length === 0));
  const submit = async (): Promise<boolean> => {
    if (!choice) return false;
    const { namespace, input } = choice;
    return (await run('create-schedule', { namespace, name, ...input, ...inputOf(draft, isBackup) })) !== undefined;
  };
  return (
    <Form
      title={
        given === undefined
          ? 'New schedule'
          : `${isBackup ? `Back ${given.name} up` : `Snapshot ${given.name}`} again and again`
      }
      confirm="Add schedule"
      isValid={choice !== undefined && isName(name) && areRight}
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
            label={field}
            data={choices.map(({ key, label }) => ({ value: key, label }))}
            value={choice === undefined ? '' : (choices.find(({ key }) => key === chosen) ?? choices[0])?.key}
            error={choices.length === 0 ? 'There is none that this could be done to.' : undefined}
            onChange={(event) => setChosen(event.currentTarget.value)}
          />
        </>
      )}
      {isBackup && <BackupFields draft={draft} onChange={change} targets={targets} />}
      <TimeFields draft={draft} onChange={change} isFirst={given !== undefined} />
      <TextInput
        label="Name"
        value={name}
        error={name === '' || isName(name) ? undefined : `For names, ${nameRule}.`}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
    </Form>
  );
}
