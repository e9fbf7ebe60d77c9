/** What is kept outside of the lab: backup by backup, by app, and where. */
import { useMemo } from 'react';
import { Tabs } from '../../components/tabs.tsx';
import { setsOf } from '../../format/backup-words.ts';
import { useView } from '../../live/use-view.ts';

const none = {};

export function BackupTabs() {
  const backups = useView('backups').rows;
  const targets = useView('backup-targets').rows.length;
  const sets = useMemo(() => setsOf(backups).length, [backups]);
  return (
    <Tabs
      label="Backups and where they are"
      params={none}
      tabs={[
        { to: '/backups', title: 'Backups', exact: true, count: backups.length },
        { to: '/backups/apps', title: 'By app', count: sets },
        { to: '/backups/targets', title: 'Targets', count: targets },
      ]}
    />
  );
}
