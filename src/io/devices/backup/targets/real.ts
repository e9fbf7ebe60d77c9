/** Folders and datasets of this machine, those of another node through the links, and buckets. */
import type { StreamId } from '#events/envelope.ts';
import { openDirStore } from '../store/dir.ts';
import type { ObjectStore } from '../store/port.ts';
import { openLabStore } from '../store/lab.ts';
import { openS3Store } from '../store/s3/store.ts';
import type { VolumePort } from '../../volumes/port.ts';
import { folderOf, isLocal, whereOf } from './folder.ts';
import { backupTargets, type BackupTargets, type TargetParts } from './port.ts';

export interface RealTargetParts extends Omit<TargetParts, 'store' | 'compression'> {
  /** This node. */
  readonly self: StreamId<'node'>;
  /** The folder of a target whose home is another node. */
  elsewhere(home: StreamId<'node'>, target: string, path: string): ObjectStore;
  /** Of this node. */
  readonly volumes: Pick<VolumePort, 'mount'>;
}

export const realTargets = ({ self, elsewhere, volumes, ...parts }: RealTargetParts): BackupTargets =>
  backupTargets({
    ...parts,
    store: async (store, { name, secrets }, signal) => {
      if (isLocal(store)) {
        return store.node === undefined || store.node === self
          ? openDirStore(await folderOf(store, volumes, signal), signal)
          : elsewhere(store.node, name, whereOf(store));
      }
      if (store.kind === 'lab') return openLabStore({ ...store, token: secrets.token ?? '' }, parts, signal);
      const { kind: _, ...bucket } = store;
      const { accessKeyId = '', secretAccessKey = '', sessionToken } = secrets;
      const keys = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
      return openS3Store({ ...bucket, ...keys }, parts);
    },
  });
