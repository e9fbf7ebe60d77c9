/** What is in a target, which schedules write there, and the kit that opens it when the lab is gone. */
import { BackUpButton } from '../../components/back-up.tsx';
import { BackupSchedules } from '../../components/backup-schedules.tsx';
import { FilteredBackups } from '../../components/filtered-backups.tsx';
import { Empty, Loading, Section } from '../../components/page.tsx';
import { useView } from '../../live/use-view.ts';
import { RecoveryKit } from './kit.tsx';
import { TargetFigures } from './target.tsx';
import { useBackupsByTarget } from './target-table.tsx';
import { useTarget } from './use-target.ts';

export function TargetBackups() {
  const target = useTarget();
  const { ready } = useView('backups');
  const schedules = useView('schedules').rows;
  const rows = useBackupsByTarget().get(target?.id ?? '') ?? [];
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
          <FilteredBackups rows={rows} of="target" />
        )}
      </Section>
      {!target.isForeign && <RecoveryKit />}
    </>
  );
}
