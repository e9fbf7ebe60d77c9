import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { Link, useSearch } from '@tanstack/react-router';
import type { AppRow } from '#projections/views/apps.ts';
import { AppAddress } from '../components/app-address.tsx';
import { AppIcon } from '../components/app-icon.tsx';
import { DataTable, type Column } from '../components/data-table.tsx';
import { AppLink, NodeLink } from '../components/links.tsx';
import { ListBar, NothingFound, useList, useSetSearch } from '../components/list.tsx';
import type { ListSearch } from '../format/list-search.ts';
import { Loading, Page } from '../components/page.tsx';
import { State } from '../components/state.tsx';
import { Time } from '../components/time.tsx';
import { WorkLine } from '../components/work-line.tsx';
import { servicesWords } from '../format/services.ts';
import { thingTone, thingWords, tones } from '../format/state.ts';
import { useView } from '../live/use-view.ts';
import { NoApps } from './overview.tsx';
import classes from './apps.module.css';

const columns: readonly Column<AppRow>[] = [
  {
    id: 'name',
    title: 'App',
    width: 'minmax(150px, 2fr)',
    sort: ({ name }) => name,
    cell: (row) => (
      <span className={classes['app']}>
        <AppIcon app={row} />
        <AppLink namespace={row.namespace} name={row.name} className={classes['name']} />
        {row.namespace !== 'default' && <span className="faint">{row.namespace}</span>}
      </span>
    ),
  },
  {
    id: 'state',
    title: 'State',
    width: 'minmax(104px, 1fr)',
    sort: (row) => `${tones.indexOf(thingTone(row))}${row.state}`,
    cell: (row) => (
      <span {...(row.delay === null ? {} : { 'data-tip': row.delay.message })}>
        <State state={row.state} tone={thingTone(row)} words={thingWords(row)} />
      </span>
    ),
  },
  {
    id: 'node',
    title: 'Node',
    width: 'minmax(80px, 1fr)',
    sort: ({ node }) => node?.name,
    cell: ({ node }) => (node ? <NodeLink name={node.name} /> : <span className="faint">–</span>),
  },
  {
    id: 'since',
    title: 'Since',
    width: '72px',
    numeric: true,
    sort: ({ since }) => -since,
    cell: ({ since }) => <Time at={since} as="since" />,
  },
  {
    id: 'services',
    title: 'Services',
    width: '112px',
    numeric: true,
    sort: ({ services }) => Object.keys(services).length,
    cell: ({ services }) => (
      <span
        className="nowrap"
        data-tip={Object.entries(services)
          .map(([name, { state }]) => `${name}: ${state}`)
          .join('\n')}
      >
        {servicesWords(services)}
      </span>
    ),
  },
  {
    id: 'url',
    title: 'Address',
    width: 'minmax(120px, 2fr)',
    sort: ({ url }) => url,
    cell: (row) => <AppAddress app={row} className={classes['url']} withIcon />,
  },
];

const byName = { column: 'name', descending: false } as const;
const texts = (row: AppRow): readonly (string | null | undefined)[] => [
  row.name,
  row.title,
  row.namespace,
  row.state,
  row.node?.name,
  row.url,
  ...Object.keys(row.services),
  ...Object.values(row.services).map(({ image }) => image),
];

const NewAppButton = () => (
  <Button leftSection={<IconPlus size={16} />} renderRoot={(props) => <Link to="/apps/new" {...props} />}>
    New app
  </Button>
);

export function Apps() {
  const search = useSearch({ strict: false }) as ListSearch;
  const setSearch = useSetSearch();
  const { rows, ready } = useView('apps');
  const work = useView('work');
  const list = useList({ rows, columns, search, fallback: byName, texts, tone: thingTone });
  return (
    <Page title="Apps" actions={<NewAppButton />}>
      {!ready ? (
        <Loading />
      ) : rows.length === 0 ? (
        <NoApps />
      ) : (
        <>
          <ListBar search={search} counts={list.counts} placeholder="Filter apps" />
          {list.shown.length === 0 ? (
            <NothingFound onClear={() => setSearch({ q: undefined, state: undefined })} />
          ) : (
            <DataTable
              label="Apps"
              rows={list.shown}
              columns={columns}
              rowKey={({ id }) => id}
              sort={list.sort}
              onSort={list.setSort}
              below={(row) => <WorkLine work={work.rows.filter(({ app }) => app === row.id)} />}
            />
          )}
        </>
      )}
    </Page>
  );
}
