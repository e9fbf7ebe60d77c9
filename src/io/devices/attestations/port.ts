/**
 * Where a node keeps what it knows of how much would be lost with each of its replicas (`actors/replica/attested.ts`):
 * beside the snapshots, so that it is there when the node of the volume is not. One place for all replicas of a node,
 * whatever their file systems are: a file system writes a property of its own for each, and would not rest any more.
 * Implemented by a file of the data folder (`real.ts`) and in memory (`sim.ts`); one contract suite holds for both.
 *
 * Laws: what `write` has answered with is read after a power cut; one that was interrupted leaves what was there before.
 * What cannot be trusted is not read: unknown is the safe answer.
 */
import type { StoredAttested } from '#actors/replica/attested.ts';

export interface AttestationStore {
  /** @returns undefined where there is nothing, or not what was written */
  read(): Promise<StoredAttested | undefined>;
  /** One at a time. @throws IoError */
  write(stored: StoredAttested): Promise<void>;
}
