import { IconCamera } from '@tabler/icons-react';
import { useState } from 'react';
import { ActionButton } from '../../components/action-button.tsx';
import { Empty, Loading } from '../../components/page.tsx';
import { VolumeTable } from '../../components/volume-table.tsx';
import { useView } from '../../live/use-view.ts';
import { TakeAppSnapshot } from '../volume/take-snapshot.tsx';
import { useApp } from './use-app.ts';
import classes from './volumes.module.css';

export function AppVolumes() {
  const app = useApp();
  const volumes = useView('volumes');
  const [isTaking, setTaking] = useState(false);
  if (!app) return null;
  if (!volumes.ready) return <Loading />;
  const rows = volumes.rows.filter((row) => row.app?.id === app.id);
  if (rows.length === 0) {
    return (
      <Empty title="This app keeps nothing" command={`floatlab app compose ${app.name}`}>
        What its containers write is gone when they are replaced. Name a volume in the compose file and mount it where
        the data is.
      </Empty>
    );
  }
  const busy = rows.find(({ state }) => state !== 'ready');
  return (
    <>
      <div className={classes['actions']}>
        <ActionButton
          leftSection={<IconCamera size={14} />}
          refused={busy && `${busy.name} is ${busy.state}; a set needs all volumes of the app to be ready.`}
          onClick={() => setTaking(true)}
        >
          Snapshot all
        </ActionButton>
      </div>
      <VolumeTable rows={rows} of="app" />
      {isTaking && <TakeAppSnapshot of={app} onClose={() => setTaking(false)} />}
    </>
  );
}
