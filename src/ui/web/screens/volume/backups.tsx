/** What is kept of a volume outside of the lab: how old the newest good backup is, what repeats it, and all of them. */
import { Button } from '@mantine/core';
import { IconCalendarPlus } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { ActionButton } from '../../components/action-button.tsx';
import { BackUpButton } from '../../components/back-up.tsx';
import { BackupFigures } from '../../components/backup-figures.tsx';
import { BackupSchedules } from '../../components/backup-schedules.tsx';
import { BackupTable } from '../../components/backup-table.tsx';
import { Empty, Loading, Section } from '../../components/page.tsx';
import { newestFirst } from '../../format/backup-words.ts';
import { useView } from '../../live/use-view.ts';
import { NewSchedule } from './new-schedule.tsx';
import { useVolume } from './use-volume.ts';

export function VolumeBackups() {
  const volume = useVolume();
  const backups = useView('backups');
  const targets = useView('backup-targets');
  const schedules = useView('schedules').rows;
  const [isRepeating, setRepeating] = useState(false);
  const rows = useMemo(
    () => backups.rows.filter((row) => row.volume?.id === volume?.id).toSorted(newestFirst),
    [backups.rows, volume?.id],
  );
  if (!volume) return null;
  if (!backups.ready || !targets.ready) return <Loading />;
  if (targets.rows.length === 0) return <NoTargets />;
  const mine = schedules.filter(
    ({ action, of }) => action === 'backup' && (of.id === volume.id || of.id === volume.app?.id),
  );
  const actions = (
    <>
      <ActionButton leftSection={<IconCalendarPlus size={14} />} onClick={() => setRepeating(true)}>
        Every night…
      </ActionButton>
      <BackUpButton
        of={{ kind: 'volume', namespace: volume.namespace, name: volume.name }}
        refused={volume.state === 'ready' ? undefined : `${volume.name} is ${volume.state}; a backup needs it ready.`}
      />
    </>
  );
  return (
    <>
      {rows.length === 0 ? (
        <Empty
          title="Nothing of it is outside of the lab"
          command={`floatlab backup create ${volume.name} --to ${targets.rows[0]?.name ?? 'usb'}`}
          action={actions}
        >
          {mine.length > 0
            ? 'Its schedule makes the first backup when it is due. Or make one now.'
            : 'A backup leaves the lab, and is read back before it counts. Make one now, or every night.'}
        </Empty>
      ) : (
        <>
          <BackupFigures rows={rows} schedules={mine} />
          <Section title="Backups" note={rows.length} actions={actions} bare>
            <BackupTable rows={rows} of="volume" />
          </Section>
        </>
      )}
      <BackupSchedules rows={mine} />
      {isRepeating && (
        <NewSchedule
          of={{ kind: 'volume', namespace: volume.namespace, name: volume.name }}
          action="backup"
          onClose={() => setRepeating(false)}
        />
      )}
    </>
  );
}

export const NoTargets = () => (
  <Empty
    title="There is nowhere to back up to yet"
    command="floatlab backup target add usb --path /mnt/usb/backups --node atlas"
    action={<Button renderRoot={(props) => <Link to="/backups/targets" {...props} />}>Backup targets</Button>}
  >
    Snapshots and replicas stay in the lab. Backups leave it: into a folder on another disk, or into a bucket.
  </Empty>
);
