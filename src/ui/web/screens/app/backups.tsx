/** What is kept of an app outside of the lab: sets of its volumes, each with its compose file. */
import { IconCalendarPlus } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { ActionButton } from '../../components/action-button.tsx';
import { BackUpButton } from '../../components/back-up.tsx';
import { BackupFigures } from '../../components/backup-figures.tsx';
import { BackupSchedules } from '../../components/backup-schedules.tsx';
import { Empty, Loading, Section } from '../../components/page.tsx';
import { SetTable } from '../../components/set-table.tsx';
import { setsOf } from '../../format/backup-words.ts';
import { useView } from '../../live/use-view.ts';
import { NewSchedule } from '../volume/new-schedule.tsx';
import { NoTargets } from '../volume/backups.tsx';
import { useApp } from './use-app.ts';

export function AppBackups() {
  const app = useApp();
  const backups = useView('backups');
  const targets = useView('backup-targets');
  const schedules = useView('schedules').rows;
  const [isRepeating, setRepeating] = useState(false);
  const rows = useMemo(
    () => backups.rows.filter((row) => row.app?.name === app?.name && row.namespace === app?.namespace),
    [backups.rows, app?.name, app?.namespace],
  );
  const sets = useMemo(() => setsOf(rows), [rows]);
  if (!app) return null;
  if (!backups.ready || !targets.ready) return <Loading />;
  if (app.volumes.length === 0 && sets.length === 0) {
    return (
      <Empty title="This app keeps nothing" command={`floatlab app compose ${app.name}`}>
        It has no volumes, so that there is nothing to back up. Its compose file is in every snapshot of the lab itself.
      </Empty>
    );
  }
  if (targets.rows.length === 0) return <NoTargets />;
  const volumes = new Set<string>(rows.flatMap(({ volume }) => volume?.id ?? []));
  const mine = schedules.filter(
    ({ action, of, app: by }) => action === 'backup' && (of.id === app.id || by?.id === app.id || volumes.has(of.id)),
  );
  const of = { kind: 'app', namespace: app.namespace, name: app.name } as const;
  const actions = (
    <>
      <ActionButton leftSection={<IconCalendarPlus size={14} />} onClick={() => setRepeating(true)}>
        Every night…
      </ActionButton>
      <BackUpButton of={of} />
    </>
  );
  return (
    <>
      {sets.length === 0 ? (
        <Empty
          title="Nothing of it is outside of the lab"
          command={`floatlab backup create --app ${app.name} --to ${targets.rows[0]?.name ?? 'usb'}`}
          action={actions}
        >
          An app is backed up as a set: all its volumes of one moment, with its compose file, so that it comes back as a
          whole.
        </Empty>
      ) : (
        <>
          <BackupFigures rows={rows} schedules={mine} />
          <Section title="Sets" note={sets.length} actions={actions} bare>
            <SetTable sets={sets} of="app" />
          </Section>
        </>
      )}
      <BackupSchedules rows={mine} />
      {isRepeating && <NewSchedule of={of} action="backup" onClose={() => setRepeating(false)} />}
    </>
  );
}
