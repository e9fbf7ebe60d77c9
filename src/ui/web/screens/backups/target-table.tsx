/** Targets as a table: where each is, how it is, what is in it, what stays there, and how far behind it is. */
import { useMemo } from 'react';
import { formatSize } from '#events/values/size.ts';
import type { BackupRow } from '#projections/views/backups.ts';
import type { BackupTargetRow } from '#projections/views/backup-targets.ts';
import { DataTable, type Column } from '../../components/data-table.tsx';
import { TargetLink } from '../../components/links.tsx';
import { ProblemLine } from '../../components/problem-lines.tsx';
import { State } from '../../components/state.tsx';
import { Time } from '../../components/time.tsx';
import { WorkLine } from '../../components/work-line.tsx';
import {
  behindSince,
  byTarget,
  roomOf,
  targetStateWords,
  targetTone,
  type PresentVolumes,
} from '../../format/backup-words.ts';
import type { Sort } from '../../format/filter.ts';
import { tones } from '../../format/state.ts';
import { useView } from '../../live/use-view.ts';
import { TargetActions } from './target-actions.tsx';
import classes from './targets.module.css';

export const targetTexts = (row: BackupTargetRow): readonly (string | null | undefined)[] => [
  row.name,
  row.where,
  row.home?.name,
  row.store.kind,
  targetStateWords(row),
  row.problem?.code,
];

type ByTarget = ReturnType<typeof byTarget>;

export const useBackupsByTarget = (): ByTarget => {
  const { rows } = useView('backups');
  return useMemo(() => byTarget(rows), [rows]);
};

export const targetColumns = (backups: ByTarget, volumes: PresentVolumes): readonly Column<BackupTargetRow>[] => {
  const of = ({ id }: BackupTargetRow): readonly BackupRow[] => backups.get(id) ?? [];
  return [
    {
      id: 'name',
      title: 'Target',
      width: 'minmax(90px, 1fr)',
      sort: ({ name }) => name,
      cell: ({ name, isForeign }) => (
        <>
          <span className={classes['name']}>
            <TargetLink name={name} />
          </span>
          {isForeign && <div className="faint">of another lab</div>}
        </>
      ),
    },
    {
      id: 'state',
      title: 'State',
      width: 'minmax(104px, 0.8fr)',
      sort: (row) => `${tones.indexOf(targetTone(row))}${row.state}`,
      cell: (row) => <State state={row.state} tone={targetTone(row)} words={targetStateWords(row)} />,
    },
    {
      id: 'where',
      title: 'Where',
      width: 'minmax(150px, 2fr)',
      sort: ({ where }) => where,
      cell: ({ where }) => <span className={classes['where']}>{where}</span>,
    },
    {
      id: 'backups',
      title: 'Backups',
      width: '64px',
      numeric: true,
      sort: ({ backups: count }) => count,
      cell: ({ backups: count }) => count,
    },
    {
      id: 'room',
      title: 'Content',
      width: '104px',
      numeric: true,
      sort: (row) => roomOf(of(row)).contentBytes,
      cell: (row) => <Room rows={of(row)} />,
    },
    {
      id: 'keep',
      title: 'Keeps',
      width: 'minmax(90px, 1fr)',
      sort: ({ keep }) => keep,
      cell: ({ keep }) => (keep === null ? 'all' : <code>{keep}</code>),
    },
    {
      id: 'behind',
      title: 'Lag',
      width: '88px',
      numeric: true,
      sort: (row) => behindSince(of(row), volumes) ?? 0,
      cell: (row) => <Lag target={row} rows={of(row)} />,
    },
    { id: 'actions', title: '', width: '32px', cell: (row) => <TargetActions target={row} /> },
  ];
};

/** How much is in there, and how little it took. */
export function Room({ rows }: { readonly rows: readonly BackupRow[] }) {
  const { contentBytes, storedBytes } = roomOf(rows);
  if (rows.length === 0) return <span className="faint">–</span>;
  return (
    <>
      <span className="nowrap">{formatSize(contentBytes)}</span>
      {storedBytes > 0 && (
        <div
          className="faint nowrap"
          data-tip="What these backups took when they were written; what is equal is stored once"
        >
          in {formatSize(storedBytes)}
        </div>
      )}
    </>
  );
}

/** How old the newest good backup is of the volume that is worst off. */
export function Lag({ target, rows }: { readonly target: BackupTargetRow; readonly rows: readonly BackupRow[] }) {
  const since = behindSince(rows, useView('volumes').byKey);
  if (target.isForeign || since === undefined) return <span className="faint">–</span>;
  return since === null ? (
    <span data-tip="Of one volume no backup here was ever read back">no good one</span>
  ) : (
    <span data-tip="Age of the newest good backup of the volume that is worst off">
      <Time at={since} as="since" />
    </span>
  );
}

interface TargetTableProps {
  readonly rows: readonly BackupTargetRow[];
  readonly backups: ByTarget;
  readonly sort: Sort;
  readonly onSort: (sort: Sort) => void;
}

export function TargetTable({ rows, backups, sort, onSort }: TargetTableProps) {
  const work = useView('work').rows;
  const volumes = useView('volumes').byKey;
  return (
    <DataTable
      label="Targets"
      rows={rows}
      columns={targetColumns(backups, volumes)}
      rowKey={({ id }) => id}
      sort={sort}
      onSort={onSort}
      below={(row) => (
        <>
          <WorkLine work={work.filter(({ subject }) => subject === row.id)} />
          {row.problem && (
            <ProblemLine problem={row.problem} tone={targetTone(row)}>
              {row.retryAt !== null && (
                <div className="muted">
                  It is looked at again <Time at={row.retryAt} as="until" />.
                </div>
              )}
            </ProblemLine>
          )}
        </>
      )}
    />
  );
}
