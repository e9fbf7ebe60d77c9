/** Apps as they were backed up, each as a whole. */
import { useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { BackUpButton } from '../../components/back-up.tsx';
import { ListBar, NothingFound, useList, useSetSearch } from '../../components/list.tsx';
import { Empty, Loading, Page } from '../../components/page.tsx';
import { setColumns, SetTable, setTexts } from '../../components/set-table.tsx';
import { setsOf, type BackedUpSet } from '../../format/backup-words.ts';
import type { ListSearch } from '../../format/list-search.ts';
import { useView } from '../../live/use-view.ts';
import { BackupTabs } from './backup-tabs.tsx';

const byTime = { column: 'taken', descending: true } as const;
const columns = setColumns(() => undefined);
const toneOfSet = ({ tone }: BackedUpSet) => tone;

export function BackupsByApp() {
  const search = useSearch({ strict: false }) as ListSearch;
  const setSearch = useSetSearch();
  const { rows, ready } = useView('backups');
  const sets = useMemo(() => setsOf(rows), [rows]);
  const list = useList({ rows: sets, columns, search, fallback: byTime, texts: setTexts, tone: toneOfSet });
  return (
    <Page title="Backups by app" actions={<BackUpButton />} tabs={<BackupTabs />}>
      {!ready ? (
        <Loading />
      ) : sets.length === 0 ? (
        <Empty title="No app is backed up yet" command="floatlab backup create --app photos --to usb">
          An app is backed up as a set: all its volumes of one moment, with its compose file, so that it comes back as a
          whole. Back one up by “Back up now”, or let a schedule do it every night.
        </Empty>
      ) : (
        <>
          <ListBar
            search={search}
            counts={list.counts}
            toneWords={{ running: 'good', changing: 'under way' }}
            placeholder="Filter sets"
          />
          {list.shown.length === 0 ? (
            <NothingFound onClear={() => setSearch({ q: undefined, state: undefined })} />
          ) : (
            <SetTable sets={list.shown} sort={list.sort} onSort={list.setSort} />
          )}
        </>
      )}
    </Page>
  );
}
