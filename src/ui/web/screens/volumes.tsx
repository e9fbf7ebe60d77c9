import { IconFolderSymlink, IconPlus } from '@tabler/icons-react';
import { useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { ActionButton } from '../components/action-button.tsx';
import { ListBar, NothingFound, useList, useSetSearch } from '../components/list.tsx';
import type { ListSearch } from '../format/list-search.ts';
import { Empty, Loading, Page } from '../components/page.tsx';
import { VolumeTable, volumeColumns, volumeTexts } from '../components/volume-table.tsx';
import { thingTone } from '../format/state.ts';
import { useUsage } from '../live/use-usage.ts';
import { useView } from '../live/use-view.ts';
import { VolumeTabs } from './volume-tabs.tsx';
import { AdoptVolume } from './volume/life.tsx';
import { NewVolume } from './volume/new-volume.tsx';

const byName = { column: 'name', descending: false } as const;

export function Volumes() {
  const search = useSearch({ strict: false }) as ListSearch;
  const setSearch = useSetSearch();
  const { rows, ready } = useView('volumes');
  const usage = useUsage();
  const [dialog, setDialog] = useState<'make' | 'adopt'>();
  const list = useList({
    rows,
    columns: volumeColumns(usage),
    search,
    fallback: byName,
    texts: volumeTexts,
    tone: thingTone,
  });
  const add = (
    <>
      <ActionButton leftSection={<IconFolderSymlink size={16} />} onClick={() => setDialog('adopt')}>
        Adopt…
      </ActionButton>
      <ActionButton leftSection={<IconPlus size={16} />} onClick={() => setDialog('make')}>
        New volume
      </ActionButton>
    </>
  );
  return (
    <Page title="Volumes" actions={add} tabs={<VolumeTabs />}>
      {!ready ? (
        <Loading />
      ) : rows.length === 0 ? (
        <Empty title="No data yet" command="floatlab volume create media --size 20GiB" action={add}>
          A volume is where an app keeps its data: in one pool of one node, with snapshots to go back to. Apps bring
          their own along.
        </Empty>
      ) : (
        <>
          <ListBar search={search} counts={list.counts} toneWords={{ running: 'ready' }} placeholder="Filter volumes" />
          {list.shown.length === 0 ? (
            <NothingFound onClear={() => setSearch({ q: undefined, state: undefined })} />
          ) : (
            <VolumeTable rows={list.shown} sort={list.sort} onSort={list.setSort} />
          )}
        </>
      )}
      {dialog === 'make' && <NewVolume onClose={() => setDialog(undefined)} />}
      {dialog === 'adopt' && <AdoptVolume onClose={() => setDialog(undefined)} />}
    </Page>
  );
}
