/** What is in a target, which schedules write there, and the kit that opens it when the lab is gone. */
import { useSearch } from '@tanstack/react-router';
import { BackUpButton } from '../../components/back-up.tsx';
import { BackupSchedules } from '../../components/backup-schedules.tsx';
import { backupColumns, BackupTable, backupTexts } from '../../components/backup-table.tsx';
import { ListBar, NothingFound, useList, useSetSearch } from '../../components/list.tsx';
import { Empty, Loading, Section } from '../../components/page.tsx';
import { backupTone } from '../../format/backup-words.ts';
import type { ListSearch } from '../../format/list-search.ts';
import { useView } from '../../live/use-view.ts';
import { RecoveryKit } from './kit.tsx';
import { TargetFigures } from './target.tsx';
import { useBackupsByTarget } from './target-table.tsx';
import { useTarget } from './use-target.ts';

const byTime = { column: 'taken', descending: true } as const;
const columns = backupColumns();

export function TargetBackups() {
  const target = useTarget();
  const search = useSearch({ strict: false }) as ListSearch;
  const setSearch = useSetSearch();
  const { ready } = useView('backups');
  const schedules = useView('schedules').rows;
  const rows = useBackupsByTarget().get(target?.id ?? '') ?? [];
  const list = useList({ rows, columns, search, fallback: byTime, texts: backupTexts, tone: backupTone });
  if (!target) return null;
  if (!ready) return <Loading />;
  return (
    <>
      <TargetFigures target={target} />
      <BackupSchedules rows={schedules.filter((row) => row.target?.id === target.id)} />
      <Section title="Backups" note={rows.length} bare>
        {rows.length === 0 ? (
          <Empty
            title="Nothing is in it yet"
            command={
              target.isForeign
                ? `floatlab backup target test ${target.name}`
                : `floatlab backup create photos-db --to ${target.name}`
            }
            {...(target.isForeign ? {} : { action: <BackUpButton /> })}
          >
            {target.isForeign
              ? 'What is found there is listed once the lab has looked at it.'
              : 'Back something up now, or add a schedule that does so every night.'}
          </Empty>
        ) : (
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
              <BackupTable rows={list.shown} of="target" sort={list.sort} onSort={list.setSort} />
            )}
          </>
        )}
      </Section>
      {!target.isForeign && <RecoveryKit />}
    </>
  );
}
