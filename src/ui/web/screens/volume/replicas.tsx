/** The copies of one volume on other nodes, and what the lab is told to keep. */
import { IconAdjustments, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { ActionButton } from '../../components/action-button.tsx';
import { Empty, Loading } from '../../components/page.tsx';
import { ReplicaTable } from '../../components/replica-table.tsx';
import { replicationInWords } from '../../format/replication-draft.ts';
import { useView } from '../../live/use-view.ts';
import { CreateReplica } from './create-replica.tsx';
import classes from './replicas.module.css';
import { Replication } from './replication.tsx';
import { useVolume } from './use-volume.ts';

export function VolumeReplicas() {
  const volume = useVolume();
  const volumes = useView('volumes').byKey;
  const replicas = useView('replicas');
  const [dialog, setDialog] = useState<'create' | 'keep'>();
  if (!volume) return null;
  if (!replicas.ready) return <Loading />;
  const rows = replicas.rows.filter((row) => row.volume.id === volume.id);
  const notPlaced =
    volume.node === null || volume.discarded
      ? `${volume.name} is ${volume.discarded ? 'deleted' : volume.state}; a replica follows a volume that has its place.`
      : undefined;
  const add = (
    <>
      <ActionButton
        leftSection={<IconAdjustments size={14} />}
        refused={volume.discarded ? notPlaced : undefined}
        onClick={() => setDialog('keep')}
      >
        What is kept…
      </ActionButton>
      <ActionButton leftSection={<IconPlus size={14} />} refused={notPlaced} onClick={() => setDialog('create')}>
        New replica
      </ActionButton>
    </>
  );
  return (
    <>
      {rows.length === 0 ? (
        <Empty title="It is kept on one node only" command={`floatlab replica create ${volume.name}`} action={add}>
          {replicationInWords(volume.replication)} A replica is a copy on another node, which follows the snapshots of
          the volume: when its node is lost, the data is not.
        </Empty>
      ) : (
        <>
          <div className={classes['bar']}>
            <span className="muted">{replicationInWords(volume.replication)}</span>
            <span className={classes['actions']}>{add}</span>
          </div>
          <ReplicaTable rows={rows} volumes={volumes} of="volume" />
        </>
      )}
      {dialog === 'create' && <CreateReplica volume={volume} onClose={() => setDialog(undefined)} />}
      {dialog === 'keep' && <Replication volume={volume} onClose={() => setDialog(undefined)} />}
    </>
  );
}
