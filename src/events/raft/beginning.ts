/**
 * How a group begins: all its first members with the same snapshot, at index 1, that holds the first configuration. So
 * the log begins at 2, and whoever joins later with an empty disk cannot be given all of it without a snapshot: from an
 * entry that adds a member, applied to no members at all, it would learn that it is a group alone. A machine that
 * belongs to no group yet stands at index 0.
 *
 * Nobody is elected in term 1: the first campaign is for term 2.
 */
import type { Configuration } from './configuration.ts';
import { invariant, type SnapshotMeta } from './entry.ts';

/** @param configuration `noMembers` for a machine that is to join */
export function firstSnapshot(configuration: Configuration): SnapshotMeta {
  const at = configuration.voters.length === 0 ? 0 : 1;
  return { index: at, term: at, configuration };
}

/** @throws ConsensusBroken for members whose log would begin before their first snapshot */
export function checkBeginning({ index, configuration }: SnapshotMeta): void {
  invariant(
    index > 0 || configuration.voters.length === 0,
    () => 'a group begins with a snapshot at index 1 that holds its first configuration, and not at index 0',
  );
}
