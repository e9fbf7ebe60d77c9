/**
 * Changes of the group (§6; dissertation §4). Proposed one at a time; each takes effect on a member when it *applies*
 * the entry, whatever it may have checked before. A change that is not possible then changes nothing, on every member
 * alike.
 */
import { changed, isJoint, isVoter, leaveJoint, type Change } from './configuration.ts';
import { invariant, noBytes, type Entry, type SnapshotMeta } from './entry.ts';
import { committed, confirmReads, followConfiguration } from './leader.ts';
import { Progress } from './progress.ts';
import { advanceCommit, broadcastAppend } from './replication.ts';
import type { Core, Leader } from './state.ts';
import { appendAsLeader, becomeFollower } from './transitions.ts';

/** Why the leader does not propose this change now, as a sentence; undefined if it does. */
export function refusalOf(core: Core, leader: Leader, change: Change): string | undefined {
  if (leader.pendingChange > core.log.applied)
    return `an earlier change may be under way, until entry ${leader.pendingChange} is applied`;
  const next = changed(core.configuration, change);
  return 'refused' in next ? next.refused : undefined;
}

export function proposeChange(core: Core, leader: Leader, change: Change, data: Uint8Array): Entry {
  const entry = { type: 'change', term: core.term, index: core.log.last + 1, change, data } as const;
  leader.pendingChange = entry.index;
  appendAsLeader(core, leader, [entry]);
  broadcastAppend(core, leader);
  return entry;
}

/** These entries are applied: so are the changes among them. */
export function applyChanges(core: Core, entries: readonly Entry[]): void {
  for (const entry of entries) {
    if (entry.type !== 'change') continue;
    const next = changed(core.configuration, entry.change);
    if ('refused' in next) continue;
    core.configuration = next;
    configurationChanged(core);
  }
  leaveByItself(core);
}

function configurationChanged(core: Core): void {
  const { role } = core;
  if (role.name !== 'leader') return;
  if (!isVoter(core.configuration, core.id)) {
    // Who is no voter must not decide. The others know of the change: it is committed.
    becomeFollower(core, core.term, undefined);
    return;
  }
  // Known to nobody yet, so it counts as heard for one round; it is told where the log ends and says what it has.
  followConfiguration(core, role, () => new Progress(core.log.last + 1, core.settings, true));
  if (role.transferTo !== undefined && !isVoter(core.configuration, role.transferTo)) role.transferTo = undefined;
  // Fewer may be needed now, to commit and to confirm what is read.
  if (advanceCommit(core, role)) committed(core, role);
  else broadcastAppend(core, role);
  confirmReads(core, role);
}

function leaveByItself(core: Core): void {
  const { configuration, log, role } = core;
  if (role.name !== 'leader' || !isJoint(configuration) || !configuration.autoLeave) return;
  if (role.pendingChange <= log.applied) proposeChange(core, role, leaveJoint, noBytes);
}

/** What a snapshot of the state as it is applied now has to say about the log. */
export function snapshotMetaOf({ log, configuration }: Core): SnapshotMeta {
  // Then the configuration is the leader's already, and what is applied is not.
  invariant(!log.installing, () => 'a snapshot cannot be made while another one is being installed');
  return { index: log.applied, term: log.termAt(log.applied) ?? 0, configuration };
}
