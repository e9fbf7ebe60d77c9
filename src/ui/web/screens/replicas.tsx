/** The replicas of all volumes. */
import { Button } from '@mantine/core';
import { Link, useSearch } from '@tanstack/react-router';
import { ListBar, NothingFound, useList, useSetSearch } from '../components/list.tsx';
import { Empty, Loading, Page } from '../components/page.tsx';
import { replicaColumns, replicaTexts, ReplicaTable } from '../components/replica-table.tsx';
import type { ListSearch } from '../format/list-search.ts';
import { replicaTone } from '../format/replica-words.ts';
import { useView } from '../live/use-view.ts';
import { VolumeTabs } from './volume-tabs.tsx';

const byVolume = { column: 'volume', descending: false } as const;

export function Replicas() {
  const search = useSearch({ strict: false }) as ListSearch;
  const setSearch = useSetSearch();
  const { rows, ready } = useView('replicas');
  const volumes = useView('volumes');
  const list = useList({
    rows,
    columns: replicaColumns(volumes.byKey, () => null),
    search,
    fallback: byVolume,
    texts: replicaTexts,
    tone: replicaTone,
  });
  return (
    <Page title="Replicas" tabs={<VolumeTabs />}>
      {!ready || !volumes.ready ? (
        <Loading />
      ) : rows.length === 0 ? (
        <Empty
          title="Nothing is kept twice yet"
          command="floatlab volume set photos-db --replicas 1"
          action={<Button renderRoot={(props) => <Link to="/volumes" {...props} />}>Choose a volume</Button>}
        >
          A replica is a copy of a volume on another node, which follows its snapshots. Make one on the page of a
          volume, or let the lab keep as many as you say.
        </Empty>
      ) : (
        <>
          <ListBar
            search={search}
            counts={list.counts}
            toneWords={{ running: 'follow', off: 'paused' }}
            placeholder="Filter replicas"
          />
          {list.shown.length === 0 ? (
            <NothingFound onClear={() => setSearch({ q: undefined, state: undefined })} />
          ) : (
            <ReplicaTable rows={list.shown} volumes={volumes.byKey} sort={list.sort} onSort={list.setSort} />
          )}
        </>
      )}
    </Page>
  );
}
