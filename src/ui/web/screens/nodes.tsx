import { useSearch } from '@tanstack/react-router';
import { formatSize } from '#events/values/size.ts';
import type { NodeRow } from '#projections/views/nodes.ts';
import { DataTable, type Column } from '../components/data-table.tsx';
import { NodeLink } from '../components/links.tsx';
import { ListBar, NothingFound, useList, useSetSearch } from '../components/list.tsx';
import type { ListSearch } from '../format/list-search.ts';
import { Meter, usedOf } from '../components/meter.tsx';
import { Empty, Loading, Page } from '../components/page.tsx';
import { State } from '../components/state.tsx';
import { Time } from '../components/time.tsx';
import { toneOf } from '../format/state.ts';
import { percent } from '../format/who.ts';
import { useUsage, type Usage } from '../live/use-usage.ts';
import { useView } from '../live/use-view.ts';
import classes from './apps.module.css';

const columnsFor = (usage: Usage): readonly Column<NodeRow>[] => [
  {
    id: 'name',
    title: 'Node',
    width: 'minmax(120px, 1.5fr)',
    sort: ({ name }) => name,
    cell: ({ name }) => <NodeLink name={name} className={classes['name']} />,
  },
  {
    id: 'state',
    title: 'State',
    width: 'minmax(120px, 1fr)',
    sort: ({ state }) => state,
    cell: ({ state, cordoned }) => (
      <>
        <State state={state} />
        {cordoned && <span className="muted"> · cordoned</span>}
      </>
    ),
  },
  {
    id: 'since',
    title: 'Since',
    width: '64px',
    numeric: true,
    sort: ({ since }) => -since,
    cell: ({ since }) => <Time at={since} as="since" />,
  },
  {
    id: 'cpu',
    title: 'CPU',
    width: 'minmax(90px, 110px)',
    sort: (row) => usage.node(row)?.cpu ?? null,
    cell: (row) => {
      const cpu = usage.node(row)?.cpu;
      return <Meter compact label={`CPU of ${row.name}`} share={cpu} text={cpu === undefined ? '–' : percent(cpu)} />;
    },
  },
  {
    id: 'memory',
    title: 'Memory',
    width: 'minmax(140px, 160px)',
    sort: (row) => usage.node(row)?.memoryBytes ?? null,
    cell: (row) => {
      const used = usage.node(row);
      return (
        <Meter
          compact
          label={`Memory of ${row.name}`}
          {...usedOf(used?.memoryBytes, used?.memoryTotalBytes ?? row.facts.memoryBytes)}
        />
      );
    },
  },
  {
    id: 'pools',
    title: 'Pools',
    width: 'minmax(140px, 160px)',
    cell: (row) =>
      row.facts.pools.map((pool) => {
        const used = usage.pool(row, pool.name);
        return (
          <Meter
            key={pool.name}
            compact
            label={`Pool ${pool.name} of ${row.name}`}
            {...usedOf(used?.usedBytes, used?.sizeBytes ?? pool.sizeBytes)}
          />
        );
      }),
  },
  {
    id: 'apps',
    title: 'Apps',
    width: '48px',
    numeric: true,
    sort: ({ instances }) => instances,
    cell: ({ instances }) => instances,
  },
  {
    id: 'volumes',
    title: 'Volumes',
    width: '64px',
    numeric: true,
    sort: ({ volumes }) => volumes,
    cell: ({ volumes }) => volumes,
  },
  {
    id: 'reserved',
    title: 'Reserved',
    width: '76px',
    numeric: true,
    wideOnly: true,
    sort: ({ reservedBytes }) => reservedBytes,
    cell: ({ reservedBytes }) => <span className="nowrap">{formatSize(reservedBytes)}</span>,
  },
];

const byName = { column: 'name', descending: false } as const;
const texts = (row: NodeRow): readonly string[] => [
  row.name,
  row.state,
  row.facts.os,
  row.facts.architecture,
  ...row.addresses,
];
const tone = (row: NodeRow) => toneOf(row.state);

export function Nodes() {
  const search = useSearch({ strict: false }) as ListSearch;
  const setSearch = useSetSearch();
  const usage = useUsage();
  const { rows, ready } = useView('nodes');
  const columns = columnsFor(usage);
  const list = useList({ rows, columns, search, fallback: byName, texts, tone });
  return (
    <Page title="Nodes">
      {!ready ? (
        <Loading />
      ) : rows.length === 0 ? (
        <Empty title="No machine yet" command="floatlabd">
          A node is a Linux machine that runs floatlabd. It brings its pools and its container engine into the lab.
        </Empty>
      ) : (
        <>
          <ListBar
            search={search}
            counts={list.counts}
            toneWords={{ running: 'up', failed: 'down' }}
            placeholder="Filter nodes"
          />
          {list.shown.length === 0 ? (
            <NothingFound onClear={() => setSearch({ q: undefined, state: undefined })} />
          ) : (
            <DataTable
              label="Nodes"
              rows={list.shown}
              columns={columns}
              rowKey={({ id }) => id}
              sort={list.sort}
              onSort={list.setSort}
            />
          )}
        </>
      )}
    </Page>
  );
}
