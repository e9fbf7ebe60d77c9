/** Folders of this machine, folders of another node through the links, and buckets. */
import type { StreamId } from '#events/envelope.ts';
import { openDirStore } from '../store/dir.ts';
import type { ObjectStore } from '../store/port.ts';
import { openS3Store } from '../store/s3/store.ts';
import { backupTargets, type BackupTargets, type TargetParts } from './port.ts';

export interface RealTargetParts extends Omit<TargetParts, 'store' | 'compression'> {
  /** This node. */
  readonly self: StreamId<'node'>;
  /** The folder of a target whose home is another node. */
  elsewhere(home: StreamId<'node'>, target: string, path: string): ObjectStore;
}

export const realTargets = ({ self, elsewhere, ...parts }: RealTargetParts): BackupTargets =>
  backupTargets({
    ...parts,
    store: async (store, { name, secrets }, signal) => {
      if (store.kind === 'directory') {
        return store.node === undefined || store.node === self
          ? openDirStore(store.path, signal)
          : elsewhere(store.node, name, store.path);
      }
      const { kind: _, ...bucket } = store;
      const { accessKeyId = '', secretAccessKey = '', sessionToken } = secrets;
      const keys = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
      return openS3Store({ ...bucket, ...keys }, parts);
    },
  });
