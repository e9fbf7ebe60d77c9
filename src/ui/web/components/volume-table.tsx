/** Volumes as a table: on their own screen, on the pages of apps and nodes. */
import { formatSize } from '#events/values/size.ts';
import { protectionWords } from '#ui/client/protection-words.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import type { Sort } from '../format/filter.ts';
import { labelText } from '../format/label-text.ts';
import { protectionInShort } from '../format/replica-words.ts';
import { thingTone, thingWords, tones } from '../format/state.ts';
import { useUsage, type Usage } from '../live/use-usage.ts';
import { useView } from '../live/use-view.ts';
import { DataTable, type Column } from './data-table.tsx';
import { AppLink, NodeLink, VolumeLink } from './links.tsx';
import { Meter, usedOf } from './meter.tsx';
import { State } from './state.tsx';
import { Time } from './time.tsx';
import { WorkLine } from './work-line.tsx';
import classes from './volume-table.module.css';

export const volumeTexts = (row: VolumeRow): readonly (string | null | undefined)[] => [
  row.name,
  row.namespace,
  row.state,
  row.app?.name,
  row.node?.name,
  row.pool,
  labelText(row.labels),
];

export const volumeColumns = (usage: Usage): readonly Column<VolumeRow>[] => [
  {
    id: 'name',
    title: 'Volume',
    width: 'minmax(130px, 2fr)',
    sort: ({ name }) => name,
    cell: (row) => (
      <>
        <VolumeLink namespace={row.namespace} name={row.name} className={classes['name']} />
        {row.namespace !== 'default' && <span className="faint"> {row.namespace}</span>}
      </>
    ),
  },
  {
    id: 'state',
    title: 'State',
    width: 'minmax(92px, 1fr)',
    sort: (row) => `${tones.indexOf(thingTone(row))}${row.state}`,
    cell: (row) => <State state={row.state} tone={thingTone(row)} words={thingWords(row)} />,
  },
  {
    id: 'app',
    title: 'App',
    width: 'minmax(64px, 1fr)',
    sort: ({ app }) => app?.name,
    cell: ({ app, namespace }) =>
      app ? <AppLink namespace={namespace} name={app.name} /> : <span className="faint">none</span>,
  },
  {
    id: 'node',
    title: 'Node',
    width: 'minmax(64px, 1fr)',
    sort: ({ node }) => node?.name,
    cell: ({ node }) => (node ? <NodeLink name={node.name} /> : <span className="faint">–</span>),
  },
  {
    id: 'used',
    title: 'Used',
    width: 'minmax(118px, 150px)',
    sort: (row) => usage.volume(row)?.usedBytes ?? null,
    cell: (row) => (
      <Meter compact label={`${row.name} used`} {...usedOf(usage.volume(row)?.usedBytes, row.sizeBytes)} />
    ),
  },
  {
    id: 'size',
    title: 'Size',
    width: '64px',
    numeric: true,
    wideOnly: true,
    sort: ({ sizeBytes }) => sizeBytes,
    cell: ({ sizeBytes }) => <span className="nowrap">{formatSize(sizeBytes)}</span>,
  },
  {
    id: 'protected',
    title: 'Protected',
    width: 'minmax(138px, 1.4fr)',
    sort: (row) => protectionInShort(row).words,
    cell: (row) => {
      const { words, tone } = protectionInShort(row);
      return (
        <span data-tip={protectionWords(row)}>
          <State state={words} tone={tone} words={words} />
        </span>
      );
    },
  },
  {
    id: 'snapshots',
    title: 'Snapshots',
    width: '72px',
    numeric: true,
    sort: ({ snapshots }) => snapshots,
    cell: ({ snapshots }) => snapshots,
  },
  {
    id: 'newest',
    title: 'Newest',
    width: '72px',
    numeric: true,
    sort: ({ lastSnapshotAt }) => lastSnapshotAt,
    cell: ({ lastSnapshotAt }) =>
      lastSnapshotAt === null ? <span className="faint">never</span> : <Time at={lastSnapshotAt} />,
  },
];

interface VolumeTableProps {
  readonly rows: readonly VolumeRow[];
  /** The column that would say the same in every row is left out. */
  readonly of?: 'app' | 'node';
  readonly sort?: Sort;
  readonly onSort?: (sort: Sort) => void;
}

export function VolumeTable({ rows, of, ...sorting }: VolumeTableProps) {
  const usage = useUsage();
  const work = useView('work');
  return (
    <DataTable
      label="Volumes"
      rows={rows}
      columns={volumeColumns(usage).filter(({ id }) => id !== of)}
      rowKey={({ id }) => id}
      below={(row) => <WorkLine work={work.rows.filter(({ subject }) => subject === row.id)} />}
      {...sorting}
    />
  );
}
