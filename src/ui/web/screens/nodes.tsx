import { IconPlus } from '@tabler/icons-react';
import { useSearch } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { NodeRow } from '#projections/views/nodes.ts';
import { ActionButton } from '../components/action-button.tsx';
import { DataTable, type Column } from '../components/data-table.tsx';
import { NodeLink } from '../components/links.tsx';
import { ListBar, NothingFound, useList, useSetSearch } from '../components/list.tsx';
import type { ListSearch } from '../format/list-search.ts';
import { Meter, usedOf } from '../components/meter.tsx';
import { Empty, Loading, Page } from '../components/page.tsx';
import { State } from '../components/state.tsx';
import { Time } from '../components/time.tsx';
import { nodeStateWords, voteWords } from '../format/cluster.ts';
import { useFollowing, type FollowingWords } from '../live/use-following.ts';
import { toneOf } from '../format/state.ts';
import { percent } from '../format/who.ts';
import { usePast } from '../live/past.ts';
import { useUsage, type Usage } from '../live/use-usage.ts';
import { useView } from '../live/use-view.ts';
import { AddNode } from './nodes/add-node.tsx';
import { BouncerCard } from './nodes/bouncer-card.tsx';
import { ClusterCard } from './nodes/cluster-card.tsx';
import { WaitingNodes } from './nodes/waiting.tsx';
import classes from './apps.module.css';

/** @param isMixed not every node has the same version: then it is worth saying */
const columnsFor = (usage: Usage, following: FollowingWords, isMixed: boolean): readonly Column<NodeRow>[] => [
  {
    id: 'name',
    title: 'Node',
    width: 'minmax(110px, 1.5fr)',
    sort: ({ name }) => name,
    cell: ({ name, version }) => (
      <>
        <NodeLink name={name} className={classes['name']} />
        {isMixed && <span className="faint"> {version}</span>}
      </>
    ),
  },
  {
    id: 'state',
    title: 'State',
    width: 'minmax(104px, 1fr)',
    sort: ({ state }) => state,
    cell: ({ state, cordoned, departing }) => (
      <>
        <State state={state} words={nodeStateWords(state)} />
        {cordoned && <span className="muted"> · cordoned</span>}
        {departing && <span className="muted"> · leaves the lab</span>}
      </>
    ),
  },
  {
    id: 'since',
    title: 'Since',
    width: '56px',
    numeric: true,
    sort: ({ since }) => -since,
    cell: ({ since }) => <Time at={since} as="since" />,
  },
  {
    id: 'vote',
    title: 'Vote, zone',
    width: 'minmax(88px, 1fr)',
    sort: (row) => `${following(row) ?? voteWords(row)} ${row.zone ?? ''}`,
    cell: (row) => (
      <>
        {following(row) ?? voteWords(row)}
        {row.zone !== null && <span className="muted"> · {row.zone}</span>}
      </>
    ),
  },
  {
    id: 'cpu',
    title: 'CPU',
    width: 'minmax(76px, 110px)',
    sort: (row) => usage.node(row)?.cpu ?? null,
    cell: (row) => {
      const cpu = usage.node(row)?.cpu;
      return <Meter compact label={`CPU of ${row.name}`} share={cpu} text={cpu === undefined ? '–' : percent(cpu)} />;
    },
  },
  {
    id: 'memory',
    title: 'Memory',
    width: 'minmax(124px, 160px)',
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
    width: 'minmax(136px, 160px)',
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
];

const byName = { column: 'name', descending: false } as const;
const texts = (row: NodeRow): readonly (string | null)[] => [
  row.name,
  row.state,
  row.role,
  row.member,
  row.zone,
  row.version,
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
  const isMixed = new Set(rows.map(({ version }) => version)).size > 1;
  const columns = columnsFor(usage, useFollowing(), isMixed);
  const { isPast } = usePast();
  const [isAdding, setAdding] = useState(false);
  const waiting = useMemo(() => rows.filter(({ state }) => state === 'waiting'), [rows]);
  const members = useMemo(() => rows.filter(({ state }) => state !== 'waiting'), [rows]);
  const list = useList({ rows: members, columns, search, fallback: byName, texts, tone });
  return (
    <Page
      title="Nodes"
      actions={
        <ActionButton variant="filled" leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>
          Add a node
        </ActionButton>
      }
    >
      {isAdding && <AddNode onClose={() => setAdding(false)} />}
      {!ready ? (
        <Loading />
      ) : rows.length === 0 ? (
        <Empty title="No machine yet" command="floatlabd">
          A node is a Linux machine that runs floatlabd. It brings its pools and its container engine into the lab.
        </Empty>
      ) : (
        <>
          <WaitingNodes rows={waiting} />
          <ListBar
            search={search}
            counts={list.counts}
            toneWords={{ running: 'up', failed: 'down', off: 'stopped' }}
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
          {!isPast && <ClusterCard />}
          {!isPast && <BouncerCard />}
        </>
      )}
    </Page>
  );
}
