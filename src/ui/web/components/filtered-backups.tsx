/** A list of backups below its bar: filtered, counted and sorted as the address says. */
import { useSearch } from '@tanstack/react-router';
import type { BackupRow } from '#projections/views/backups.ts';
import { backupTone } from '../format/backup-words.ts';
import type { ListSearch } from '../format/list-search.ts';
import { backupColumns, BackupTable, backupTexts } from './backup-table.tsx';
import { ListBar, NothingFound, useList, useSetSearch } from './list.tsx';

const byTime = { column: 'taken', descending: true } as const;
const columns = backupColumns();

export function FilteredBackups({ rows, of }: { readonly rows: readonly BackupRow[]; readonly of?: 'target' }) {
  const search = useSearch({ strict: false }) as ListSearch;
  const setSearch = useSetSearch();
  const list = useList({ rows, columns, search, fallback: byTime, texts: backupTexts, tone: backupTone });
  return (
    <>
      <ListBar
        search={search}
        counts={list.counts}
        toneWords={{ running: 'good', changing: 'under way' }}
        placeholder="Filter backups"
      />
      {list.shown.length === 0 ? (
        <NothingFound onClear={() => setSearch({ q: undefined, state: undefined })} />
      ) : (
        <BackupTable rows={list.shown} {...(of === undefined ? {} : { of })} sort={list.sort} onSort={list.setSort} />
      )}
    </>
  );
}
