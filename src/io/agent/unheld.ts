/**
 * Removing what a replica may stand on. The lab decides that nobody needs it any more; what the file system still
 * protects for a replica then is left from a stream whose end it did not hear of, or of a replica that is gone.
 */
import type { NeededInput } from '#actors/work.ts';
import { IoError } from '../devices/error.ts';
import type { ReplicationPort } from '../devices/replication/port.ts';
import type { Dataset } from '../devices/volumes/port.ts';
import type { Run } from './worker.ts';

/** @param needed by the lab: whatever else is protected is let go, once, when it is in the way */
export async function unheld<T>(
  of: Dataset,
  needed: NeededInput | undefined,
  replication: ReplicationPort,
  run: Run,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof IoError) || error.code !== 'HELD') throw error;
    const bases = await replication.bases(of, run).catch(() => undefined);
    const peers = new Set(bases?.all.flatMap((base) => base.peers));
    // It is held by somebody else.
    if (peers.size === 0) throw error;
    for (const peer of peers) {
      run.fence();
      await replication.unprotect(of, peer, needed?.[peer] ?? [], run);
    }
    run.fence();
    return act();
  }
}
