/**
 * Simulated targets: every place that is named is there and empty at first, for all machines of a world, and lives on when
 * they do not. It can be taken away, and each of its stores can be told to misbehave (`store/sim.ts`).
 */
import type { TargetStore } from '#events/backup-target.ts';
import { storeError, type ObjectStore } from '../store/port.ts';
import { SimObjects, type SimUser } from '../store/sim.ts';
import { backupTargets, type BackupTargets, type TargetParts } from './port.ts';

export class SimTargets {
  readonly #places = new Map<string, SimObjects>();
  /** Places that nobody reaches. */
  readonly away = new Set<string>();
  /** How those who open a place from now on fare. */
  user: SimUser = {};

  /** By the path of a folder, by `bucket/prefix`, or by `node:…/pool/dataset`. */
  at(place: string): SimObjects {
    const known = this.#places.get(place);
    if (known) return known;
    const made = new SimObjects();
    this.#places.set(place, made);
    return made;
  }

  /** @param through what stands between a daemon and its stores: that of a dead one hears nothing more */
  targets(
    parts: Omit<TargetParts, 'store' | 'compression'>,
    through: (store: ObjectStore) => ObjectStore = (store) => store,
  ): BackupTargets {
    return backupTargets({
      ...parts,
      // Compressing waits for threads, which no virtual clock knows of.
      compression: 'none',
      store: async (store) => {
        const place = placeOf(store);
        if (this.away.has(place)) {
          throw storeError('POOL_MISSING', 'open', place, `there is no folder ${place}`, 'Is its disk mounted?');
        }
        return through(this.at(place).store(this.user));
      },
    });
  }
}

function placeOf(store: TargetStore): string {
  if (store.kind === 'pool') return `${store.node}/${store.pool}/${store.dataset}`;
  if (store.kind === 'lab') return `${store.endpoint}/${store.vault}`;
  return store.kind === 'directory' ? store.path : `${store.bucket}/${store.prefix}`;
}
