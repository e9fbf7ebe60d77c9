/** Volumes, and their copies. */
import { Tabs } from '../components/tabs.tsx';
import { useView } from '../live/use-view.ts';

const none = {};

export function VolumeTabs() {
  const volumes = useView('volumes').rows.length;
  const replicas = useView('replicas').rows.length;
  return (
    <Tabs
      label="Volumes and replicas"
      params={none}
      tabs={[
        { to: '/volumes', title: 'Volumes', exact: true, count: volumes },
        { to: '/volumes/replicas', title: 'Replicas', count: replicas },
      ]}
    />
  );
}
