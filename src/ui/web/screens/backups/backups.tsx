/** All backups that the lab knows of, with what is written, read back, failed and found. */
import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { ActionButton } from '../../components/action-button.tsx';
import { BackUpButton } from '../../components/back-up.tsx';
import { FilteredBackups } from '../../components/filtered-backups.tsx';
import { Empty, Loading, Page } from '../../components/page.tsx';
import { useView } from '../../live/use-view.ts';
import { AddTarget } from './add-target.tsx';
import { BackupTabs } from './backup-tabs.tsx';

export function Backups() {
  const { rows, ready } = useView('backups');
  const targets = useView('backup-targets');
  const [isAdding, setAdding] = useState(false);
  const add = (
    <ActionButton leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>
      Add a target
    </ActionButton>
  );
  return (
    <Page title="Backups" actions={targets.rows.length > 0 && <BackUpButton />} tabs={<BackupTabs />}>
      {!ready || !targets.ready ? (
        <Loading />
      ) : targets.rows.length === 0 ? (
        <Empty
          title="Nothing leaves this lab yet"
          command="floatlab backup target add usb --path /mnt/usb/backups --node atlas"
          action={add}
        >
          Snapshots and replicas stay in the lab. A backup leaves it: into a folder on another disk, or into a bucket,
          encrypted, and read back before it counts. Say first where backups go.
        </Empty>
      ) : rows.length === 0 ? (
        <Empty
          title="There is a place, and nothing in it yet"
          command={`floatlab backup create photos-db --to ${targets.rows[0]?.name ?? 'usb'}`}
          action={
            <>
              <BackUpButton />
              <Button variant="default" renderRoot={(props) => <Link to="/schedules" {...props} />}>
                Schedules
              </Button>
            </>
          }
        >
          Back something up now, or add a schedule that does so every night.
        </Empty>
      ) : (
        <FilteredBackups rows={rows} />
      )}
      {isAdding && <AddTarget onClose={() => setAdding(false)} />}
    </Page>
  );
}
