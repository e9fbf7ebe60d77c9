/**
 * Founds a group of one upon a history that is there already: by a lab that is brought into this form, or that goes on
 * after it lost the majority of its voters. Its log begins with a snapshot at the history's last entry.
 */
import { configurationOf } from '#events/raft/configuration.ts';
import type { HistoryKeeper } from './engine/keeper.ts';
import { peerOf } from './engine/peer.ts';
import { createStorage, type StorageParts } from './open.ts';
import type { Identity } from './storage.ts';
import type { Position } from './suspicion.ts';

/** @param at the last entry that the history has @param term at least that of everything that was ever seen */
export async function foundUpon(
  keeper: HistoryKeeper,
  parts: StorageParts,
  identity: Identity,
  at: Position,
  term: number,
): Promise<void> {
  const configuration = configurationOf([peerOf(identity.node, identity.incarnation)]);
  const { storage } = await createStorage(parts, identity, configuration);
  try {
    if (at.index <= 1) return;
    const meta = { ...at, configuration };
    storage.snapshotArrived(await keeper.makeSnapshot(meta));
    const hardState = { term, vote: undefined, commit: at.index };
    const last = { lastIndex: at.index, lastTerm: at.term, snapshotIndex: at.index };
    const mark = { job: 1, term, vote: undefined, ...last, suspect: undefined };
    await storage.store([{ snapshot: meta, hardState, entries: [], suspicion: undefined, thenSend: [], mark }]);
  } finally {
    await storage.close();
  }
}
