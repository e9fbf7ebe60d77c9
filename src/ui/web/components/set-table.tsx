/** Apps as they were backed up: each line a set of backups of one moment, which brings the app back as a whole. */
import { IconRestore } from '@tabler/icons-react';
import { useState } from 'react';
import { formatSize } from '#events/values/size.ts';
import { backupStateWords, backupTone, labName, roomOf, type BackedUpSet } from '../format/backup-words.ts';
import { tones } from '../format/state.ts';
import type { Sort } from '../format/filter.ts';
import { useView } from '../live/use-view.ts';
import { ActionButton } from './action-button.tsx';
import classes from './backup-table.module.css';
import { DataTable, type Column } from './data-table.tsx';
import { AppLink, TargetLink } from './links.tsx';
import { RestoreApp } from './restore-app.tsx';
import { Glyph, State } from './state.tsx';
import { Time } from './time.tsx';
import { WorkLine } from './work-line.tsx';

export const setTexts = (set: BackedUpSet): readonly (string | null | undefined)[] => [
  set.app,
  set.namespace,
  set.target.name,
  set.words,
  set.lab,
  ...set.backups.map(({ volumeName }) => volumeName),
];

export const setColumns = (onRestore: (set: BackedUpSet) => void): readonly Column<BackedUpSet>[] => [
  {
    id: 'app',
    title: 'App',
    width: 'minmax(100px, 1.2fr)',
    sort: ({ app }) => app,
    cell: ({ app, namespace, lab }) => (
      <>
        {lab === null ? <AppLink namespace={namespace} name={app} /> : app}
        {namespace !== 'default' && <span className="faint"> {namespace}</span>}
        {lab !== null && (
          <div className="faint" data-tip={lab}>
            of lab {labName(lab)}
          </div>
        )}
      </>
    ),
  },
  {
    id: 'taken',
    title: 'Taken',
    width: '88px',
    sort: ({ takenAt }) => takenAt,
    cell: ({ takenAt }) => <Time at={takenAt} />,
  },
  {
    id: 'state',
    title: 'State',
    width: 'minmax(112px, 1fr)',
    sort: ({ tone, words }) => `${tones.indexOf(tone)}${words}`,
    cell: ({ tone, words }) => <State state={words} tone={tone} words={words} />,
  },
  {
    id: 'target',
    title: 'Target',
    width: 'minmax(72px, 0.8fr)',
    sort: ({ target }) => target.name,
    cell: ({ target }) => <TargetLink name={target.name} />,
  },
  {
    id: 'volumes',
    title: 'Volumes',
    width: 'minmax(150px, 2fr)',
    cell: ({ backups }) => (
      <div className={classes['parts']}>
        {backups.map((row) => (
          <span key={row.id} data-tip={`${row.name}: ${backupStateWords(row)}`}>
            <Glyph tone={backupTone(row)} label={backupStateWords(row)} /> {row.volumeName}
          </span>
        ))}
      </div>
    ),
  },
  {
    id: 'size',
    title: 'Size',
    width: '80px',
    numeric: true,
    sort: ({ backups }) => roomOf(backups).contentBytes,
    cell: ({ backups }) => <span className="nowrap">{formatSize(roomOf(backups).contentBytes)}</span>,
  },
  {
    id: 'actions',
    title: '',
    width: '108px',
    cell: (set) => (
      <ActionButton
        size="compact-sm"
        leftSection={<IconRestore size={14} />}
        refused={notRestorable(set)}
        aria-label={`Restore app ${set.app} as a whole`}
        onClick={() => onRestore(set)}
      >
        Restore…
      </ActionButton>
    ),
  },
];

/** A set of another lab is read back when it is wanted. */
function notRestorable({ backups, size, words, isGood, lab }: BackedUpSet): string | undefined {
  if (isGood) return undefined;
  if (backups.length < size) return `Only ${words} are left of it: restore those one by one.`;
  const isReadable = backups.every(({ isGood: good, state }) => good || (lab !== null && state === 'unverified'));
  return isReadable ? undefined : `It is ${words}. Restore the volumes that are good one by one.`;
}

interface SetTableProps {
  readonly sets: readonly BackedUpSet[];
  readonly of?: 'app' | 'target';
  readonly sort?: Sort;
  readonly onSort?: (sort: Sort) => void;
}

export function SetTable({ sets, of, ...sorting }: SetTableProps) {
  const work = useView('work').rows;
  const [restoring, setRestoring] = useState<BackedUpSet>();
  return (
    <>
      <DataTable
        label="Sets of backups"
        rows={sets}
        columns={setColumns(setRestoring).filter(({ id }) => id !== of)}
        rowKey={({ id }) => id}
        below={({ backups }) => (
          <WorkLine work={work.filter(({ subject }) => backups.some(({ id }) => id === subject))} />
        )}
        {...sorting}
      />
      {restoring && <RestoreApp set={restoring} onClose={() => setRestoring(undefined)} />}
    </>
  );
}
