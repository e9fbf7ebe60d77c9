/** The folder of a target on the node that has it. */
import type { TargetStore } from '#events/backup-target.ts';
import type { VolumePort } from '../../volumes/port.ts';

export type LocalStore = Extract<TargetStore, { readonly kind: 'directory' | 'pool' }>;

export const isLocal = (store: TargetStore): store is LocalStore => store.kind === 'directory' || store.kind === 'pool';

const mountWithinMs = 60_000;

/**
 * A dataset is not mounted by itself after a boot: it is mounted first.
 * @throws IoError MISSING when the dataset is not there, POOL_MISSING
 */
export async function folderOf(
  store: LocalStore,
  volumes: Pick<VolumePort, 'mount'>,
  signal: AbortSignal,
): Promise<string> {
  if (store.kind === 'directory') return store.path;
  const call = { signal, timeoutMs: mountWithinMs, progress: () => undefined };
  return (await volumes.mount({ pool: store.pool, name: store.dataset }, call)).path;
}

/** For messages. */
export const whereOf = (store: LocalStore): string =>
  store.kind === 'directory' ? store.path : `${store.pool}/${store.dataset}`;
