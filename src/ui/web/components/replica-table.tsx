/** Replicas as a table: of one volume, or of all; each with what it does, what is wrong with it, and what can be done. */
import { Menu } from '@mantine/core';
import {
  IconArrowsSplit2,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerStop,
  IconRefresh,
  IconTrash,
} from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { mendingOf } from '#projections/replica-alerts.ts';
import type { ReplicaRow } from '#projections/views/replicas.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { replicaLoss } from '#io/contract/replica-loss.ts';
import type { ReplicaLagRow } from '#io/contract/live.ts';
import { behindMs, lagWords, lossInShort, lossWords } from '#ui/client/protection-words.ts';
import type { Sort } from '../format/filter.ts';
import { replicaStateWords, replicaTone } from '../format/replica-words.ts';
import { tones } from '../format/state.ts';
import { useView } from '../live/use-view.ts';
import { ActionItem } from './action-button.tsx';
import { DataTable, type Column } from './data-table.tsx';
import { NodeLink, PoolLink, VolumeLink } from './links.tsx';
import { ReplicaDialog, type ReplicaAct } from './replica-dialog.tsx';
import { ProblemLine, RetryLine } from './problem-lines.tsx';
import classes from './replica-table.module.css';
import { RowMenu } from './row-menu.tsx';
import { State } from './state.tsx';
import { Time } from './time.tsx';
import { WorkLine } from './work-line.tsx';

type VolumesById = ReadonlyMap<string, Pick<VolumeRow, 'lastSnapshotAt'>>;

/** Undefined: nobody knows; it holds nothing, or its volume is gone. */
const lagOf = (row: ReplicaRow, volumes: VolumesById): number | undefined => {
  const volume = volumes.get(row.volume.id);
  return volume && behindMs(row, volume);
};

export const replicaTexts = (row: ReplicaRow): readonly (string | null | undefined)[] => [
  row.name,
  row.namespace,
  row.volume.name,
  row.node.name,
  row.pool,
  row.state,
  replicaStateWords(row),
  row.problem?.code,
];

export const replicaColumns = (
  volumes: VolumesById,
  actions: (row: ReplicaRow) => React.ReactNode,
  lags: ReadonlyMap<string, ReplicaLagRow> = new Map(),
): readonly Column<ReplicaRow>[] => [
  {
    id: 'volume',
    title: 'Volume',
    width: 'minmax(120px, 1.4fr)',
    sort: ({ volume }) => volume.name,
    cell: (row) =>
      row.state === 'orphaned' ? row.volume.name : <VolumeLink namespace={row.namespace} name={row.volume.name} />,
  },
  {
    id: 'name',
    title: 'Replica',
    width: 'minmax(150px, 1.6fr)',
    sort: ({ name }) => name,
    cell: (row) => (
      <>
        <span className={classes['name']}>{row.name}</span>
        {row.namespace !== 'default' && <span className="faint"> {row.namespace}</span>}
      </>
    ),
  },
  {
    id: 'state',
    title: 'State',
    width: 'minmax(104px, 1fr)',
    sort: (row) => `${tones.indexOf(replicaTone(row))}${row.state}`,
    cell: (row) => <State state={row.state} tone={replicaTone(row)} words={replicaStateWords(row)} />,
  },
  {
    id: 'node',
    title: 'On',
    width: 'minmax(110px, 1.2fr)',
    sort: ({ node, pool }) => `${node.name}/${pool}`,
    cell: ({ node, pool }) => (
      <span className={classes['on']}>
        <NodeLink name={node.name} />, pool <PoolLink node={node.name} name={pool} />
      </span>
    ),
  },
  {
    id: 'holds',
    title: 'Holds',
    width: 'minmax(130px, 1.4fr)',
    sort: ({ holds }) => holds?.takenAt,
    cell: ({ holds, to }) => (
      <span>
        {holds ? <code>{holds.name}</code> : <span className="faint">nothing yet</span>}
        {to && (
          <span className="muted">
            {' '}
            → <code>{to.name}</code>
          </span>
        )}
      </span>
    ),
  },
  {
    id: 'lag',
    title: 'Lag',
    width: 'minmax(96px, 112px)',
    sort: (row) => lagOf(row, volumes) ?? Number.MAX_VALUE,
    cell: (row) => {
      if (row.state === 'orphaned') return <span className="faint">–</span>;
      const words = lagWords(lagOf(row, volumes));
      return row.behindSince === null ? (
        <span>{words}</span>
      ) : (
        <span data-tip="For longer than it should be">
          {words} <span className="faint">for</span> <Time at={row.behindSince} as="since" />
        </span>
      );
    },
  },
  {
    id: 'loss',
    title: 'May lose',
    width: 'minmax(84px, 100px)',
    sort: ({ id }) => lags.get(id)?.lossMs ?? Number.MAX_VALUE,
    cell: ({ id, holds }) => {
      const lag = lags.get(id);
      if (!lag || holds === null) return <span className="faint">–</span>;
      const loss = replicaLoss(lag);
      return (
        <span data-tip={`With it, if it took the place of its volume now: ${lossWords(loss)}`}>
          {lossInShort(loss)}
        </span>
      );
    },
  },
  {
    id: 'synced',
    title: 'Synced',
    width: '80px',
    numeric: true,
    sort: ({ syncedAt }) => syncedAt,
    cell: ({ syncedAt }) => (syncedAt === null ? <span className="faint">never</span> : <Time at={syncedAt} />),
  },
  { id: 'actions', title: '', width: '32px', cell: actions },
];

interface ReplicaTableProps {
  readonly rows: readonly ReplicaRow[];
  readonly volumes: VolumesById;
  /** The column that would say the same in every row is left out. */
  readonly of?: 'volume';
  readonly sort?: Sort;
  readonly onSort?: (sort: Sort) => void;
}

export function ReplicaTable({ rows, volumes, of, ...sorting }: ReplicaTableProps) {
  const work = useView('work').rows;
  const lags = useView('replica-lag').byKey;
  const [asked, setAsked] = useState<{ readonly act: ReplicaAct; readonly row: ReplicaRow }>();
  const columns = useMemo(
    () =>
      replicaColumns(volumes, (row) => <Actions row={row} onAct={(act) => setAsked({ act, row })} />, lags).filter(
        ({ id }) => id !== of,
      ),
    [volumes, of, lags],
  );
  return (
    <>
      <DataTable
        label="Replicas"
        rows={rows}
        columns={columns}
        rowKey={({ id }) => id}
        below={(row) => {
          const mine = work.filter(({ subject }) => subject === row.id);
          return mine.length > 0 || row.problem || row.retryAt !== null ? <Below row={row} work={mine} /> : undefined;
        }}
        {...sorting}
      />
      {asked && <ReplicaDialog {...asked} onClose={() => setAsked(undefined)} />}
    </>
  );
}

function Below({
  row,
  work,
}: {
  readonly row: ReplicaRow;
  readonly work: React.ComponentProps<typeof WorkLine>['work'];
}) {
  const isFailed = row.state === 'failed';
  const hint = row.problem ? (isFailed ? mendingOf(row.name, row.problem) : row.problem.hint) : undefined;
  return (
    <>
      <WorkLine work={work} />
      {row.problem && <ProblemLine problem={{ ...row.problem, hint }} tone={isFailed ? 'failed' : 'attention'} />}
      {row.state === 'idle' && row.retryAt !== null && <RetryLine at={row.retryAt} failures={row.failures} />}
    </>
  );
}

function Actions({ row, onAct }: { readonly row: ReplicaRow; readonly onAct: (act: ReplicaAct) => void }) {
  const isIn = (...states: readonly string[]): boolean => states.includes(row.state);
  const is = `It is ${replicaStateWords(row)}`;
  return (
    <RowMenu name={row.name}>
      <ActionItem
        icon={<IconRefresh size={16} />}
        refused={isIn('idle', 'failed') ? undefined : `${is}: it cannot be brought up to date now.`}
        onClick={() => onAct('sync-replica')}
      >
        Bring up to date…
      </ActionItem>
      {row.state === 'paused' ? (
        <ActionItem icon={<IconPlayerPlay size={16} />} onClick={() => onAct('resume-replica')}>
          Resume…
        </ActionItem>
      ) : (
        <ActionItem
          icon={<IconPlayerPause size={16} />}
          refused={isIn('idle', 'syncing', 'failed') ? undefined : `${is}: there is nothing to pause.`}
          onClick={() => onAct('pause-replica')}
        >
          Pause…
        </ActionItem>
      )}
      <ActionItem
        icon={<IconPlayerStop size={16} />}
        refused={isIn('syncing') ? undefined : 'It receives nothing at the moment.'}
        onClick={() => onAct('cancel-replica')}
      >
        Cancel the stream…
      </ActionItem>
      <ActionItem
        icon={<IconArrowsSplit2 size={16} />}
        refused={row.problem?.code === 'DIVERGED' ? undefined : 'It has nothing that its volume does not have.'}
        onClick={() => onAct('resync-replica')}
      >
        Take back to its volume…
      </ActionItem>
      <Menu.Divider />
      <ActionItem
        danger
        icon={<IconTrash size={16} />}
        refused={isIn('removing') ? 'It is being removed already.' : undefined}
        onClick={() => onAct('remove-replica')}
      >
        Remove…
      </ActionItem>
    </RowMenu>
  );
}
