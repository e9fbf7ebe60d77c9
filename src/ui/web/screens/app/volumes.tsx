import { Empty, Loading } from '../../components/page.tsx';
import { VolumeTable } from '../../components/volume-table.tsx';
import { useView } from '../../live/use-view.ts';
import { useApp } from './use-app.ts';

export function AppVolumes() {
  const app = useApp();
  const volumes = useView('volumes');
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
  return <VolumeTable rows={rows} of="app" />;
}
