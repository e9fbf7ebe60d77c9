/**
 * Targets of backups, opened: the folder or the bucket that a person named, with the repository in it. On real stores
 * (`real.ts`), and on simulated ones that all machines of a world share (`sim.ts`).
 */
import type { TargetSpec, TargetStore } from '#events/backup-target.ts';
import type { TargetSecrets } from '#actors/backup-target/commands.ts';
import { TokenBucket } from '../../../links/token-bucket.ts';
import type { Clock } from '../../clock/port.ts';
import type { Random } from '../../random/port.ts';
import type { Compression } from '../format/chunk-box.ts';
import { initRepository, openRepository, type Repository } from '../repository.ts';
import { storeError, type ObjectStore } from '../store/port.ts';

export interface TargetToOpen {
  readonly name: string;
  readonly spec: TargetSpec;
  readonly secrets: TargetSecrets;
  /** Id of the repository that was there, hex. */
  readonly repository?: string;
}

export interface BackupTargets {
  /**
   * @param how `begin`: where there is no repository, one is made
   * @throws IoError MISSING or POOL_MISSING when the place, or a repository in it, is not there; PERMISSION when that belongs
   *   to another key, or is another one than it was; what its store rejects with
   */
  open(target: TargetToOpen, how: 'begin' | 'open', signal: AbortSignal): Promise<Repository>;
  /** What lies there, whatever it is. @throws IoError MISSING or POOL_MISSING when the place is not there */
  place(target: TargetToOpen, signal: AbortSignal): Promise<ObjectStore>;
}

export interface TargetParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Name of this node, for whoever finds its locks. */
  readonly by: string;
  /** The backup key of this lab, 32 bytes. */
  key(): Uint8Array;
  readonly compression?: Compression;
  store(store: TargetStore, target: TargetToOpen, signal: AbortSignal): Promise<ObjectStore>;
}

export function backupTargets({ clock, random, by, key, compression, store: open }: TargetParts): BackupTargets {
  return {
    place: (target, signal) => open(target.spec.store, target, signal),
    open: async (target, how, signal) => {
      const { spec, secrets, repository: known } = target;
      const there = await open(spec.store, target, signal);
      const store = spec.limitBytesPerSecond === undefined ? there : slowed(there, spec.limitBytesPerSecond, clock);
      const options = {
        ...{ store, clock, random, by },
        key: secrets.key === undefined ? key() : new Uint8Array(Buffer.from(secrets.key, 'hex')),
        ...(compression === undefined ? {} : { compression }),
      };
      const begins = how === 'begin' && spec.foreign !== true && known === undefined;
      const repository = await (begins ? initRepository : openRepository)(options, signal);
      if (known === undefined || idOfRepository(repository) === known) return repository;
      const message = `${store.where} holds other backups than before: another disk is there, or somebody has begun anew`;
      const hint = `Mount the disk that was there. To go on with this one: floatlab backup target rm ${target.name}, then add it again.`;
      throw storeError('PERMISSION', 'open', target.name, message, hint);
    },
  };
}

export const idOfRepository = ({ keys }: Repository): string => Buffer.from(keys.repository).toString('hex');

/** What passes one way or the other counts once it has passed: the next call waits for it. */
function slowed(store: ObjectStore, bytesPerSecond: number, clock: Clock): ObjectStore {
  const bucket = new TokenBucket({ bytesPerSecond, clock });
  return {
    where: store.where,
    put: async (key, bytes, signal) => {
      await bucket.take(bytes.length, signal);
      return store.put(key, bytes, signal);
    },
    get: async (key, signal, range) => {
      const bytes = await store.get(key, signal, range);
      await bucket.take(bytes.length, signal);
      return bytes;
    },
    head: (key, signal) => store.head(key, signal),
    list: (prefix, signal) => store.list(prefix, signal),
    delete: (key, signal) => store.delete(key, signal),
  };
}
