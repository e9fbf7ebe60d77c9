/** Where backups go, and how to get back to them when the lab is gone. */
import { IconPlus } from '@tabler/icons-react';
import { useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { ActionButton } from '../../components/action-button.tsx';
import { ListBar, NothingFound, useList, useSetSearch } from '../../components/list.tsx';
import { Empty, Loading, Page } from '../../components/page.tsx';
import { targetTone } from '../../format/backup-words.ts';
import type { ListSearch } from '../../format/list-search.ts';
import { useView } from '../../live/use-view.ts';
import { AddTarget } from './add-target.tsx';
import { BackupTabs } from './backup-tabs.tsx';
import { RecoveryKit } from './kit.tsx';
import { targetColumns, TargetTable, targetTexts, useBackupsByTarget } from './target-table.tsx';

const byName = { column: 'name', descending: false } as const;

export function BackupTargets() {
  const search = useSearch({ strict: false }) as ListSearch;
  const setSearch = useSetSearch();
  const { rows, ready } = useView('backup-targets');
  const backups = useBackupsByTarget();
  const volumes = useView('volumes').byKey;
  const [isAdding, setAdding] = useState(false);
  const list = useList({
    ...{ rows, search, fallback: byName, texts: targetTexts, tone: targetTone },
    columns: targetColumns(backups, volumes),
  });
  const add = (
    <ActionButton leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>
      Add a target
    </ActionButton>
  );
  return (
    <Page title="Backup targets" actions={add} tabs={<BackupTabs />}>
      {!ready ? (
        <Loading />
      ) : (
        <>
          {rows.length === 0 ? (
            <Empty
              title="Nowhere to back up to yet"
              command="floatlab backup target add usb --path /mnt/usb/backups --node atlas"
              action={add}
            >
              A target is a place outside of the lab: a folder on another disk or on a share, or a bucket. The lab
              writes what changed, encrypted, and reads it back.
            </Empty>
          ) : (
            <>
              <ListBar
                search={search}
                counts={list.counts}
                toneWords={{ running: 'ready', failed: 'cannot be used' }}
                placeholder="Filter targets"
              />
              {list.shown.length === 0 ? (
                <NothingFound onClear={() => setSearch({ q: undefined, state: undefined })} />
              ) : (
                <TargetTable rows={list.shown} backups={backups} sort={list.sort} onSort={list.setSort} />
              )}
            </>
          )}
          <RecoveryKit />
        </>
      )}
      {isAdding && <AddTarget onClose={() => setAdding(false)} />}
    </Page>
  );
}
