/** A leader feeds its followers: appends, heartbeats, snapshots; and counts what they have (§5.3). */
import { isMember } from './configuration.ts';
import { ConsensusBroken, sizeOf, totalSize, type Entry, type PeerId } from './entry.ts';
import type { Progress } from './progress.ts';
import { reached } from './quorum.ts';
import type { Core, Leader } from './state.ts';

export function broadcastAppend(core: Core, leader: Leader): void {
  for (const peer of leader.peers.keys()) sendAppend(core, leader, peer);
}

/** Sends what is next for this follower: entries; without any, where the log stands and what is committed. */
export function sendAppend(core: Core, leader: Leader, to: PeerId): void {
  sendNext(core, leader, to, true);
}

/** Sends entries as long as there are some and the window has room. */
export function sendEntries(core: Core, leader: Leader, to: PeerId): void {
  while (sendNext(core, leader, to, false));
}

/** @returns whether something was sent */
function sendNext(core: Core, leader: Leader, to: PeerId, evenEmpty: boolean): boolean {
  const progress = progressOf(leader, to);
  if (progress.state === 'snapshot' || progress.isPaused) return false;
  const { log, settings } = core;
  const prevIndex = progress.next - 1;
  const prevTerm = log.termAt(prevIndex);
  if (prevTerm === undefined) return sendSnapshot(core, progress, to);

  // With a full window an empty append still goes out after a heartbeat's answer: should the appends in it be lost,
  // the follower's refusal of the empty one is what tells.
  const isFull = progress.state === 'replicate' && progress.inflight.isFull;
  const entries = isFull || progress.next > log.last ? [] : log.slice(progress.next, settings.maxAppendBytes);
  if (entries.length === 0 && !evenEmpty) return false;
  const message = { type: 'append', from: core.id, to, term: core.term, prevIndex, prevTerm, entries } as const;
  core.outbox.send.push({ ...message, commit: log.committed });
  progress.sent(entries.length, totalSize(entries));
  progress.toldCommit = log.committed;
  return true;
}

/** To one that has been heard of lately only: a snapshot is much to send to nobody. */
function sendSnapshot(core: Core, progress: Progress, to: PeerId): boolean {
  if (!progress.isActive) return false;
  const { snapshot } = core.log;
  if (!isMember(snapshot.configuration, to)) {
    // It came later than that, and would not take it: a member follows nobody into a group that it is not part of.
    core.outbox.wantsSnapshot = true;
    progress.isPaused = true;
    return false;
  }
  progress.toSnapshot(snapshot.index);
  core.outbox.send.push({ type: 'snapshot', from: core.id, to, term: core.term, snapshot });
  return true;
}

/** Tells everybody who leads, in a new round if a read waits for one. */
export function broadcastHeartbeat(core: Core, leader: Leader): void {
  const token = leader.reads.beginRound();
  leader.heartbeatElapsed = 0;
  for (const [to, progress] of leader.peers) {
    // What a follower does not have yet it must not take for committed: another entry may stand there.
    const commit = Math.min(progress.match, core.log.committed);
    const commitTerm = core.log.termAt(commit);
    core.outbox.send.push({ type: 'heartbeat', from: core.id, to, term: core.term, commit, commitTerm, token });
  }
}

/**
 * Commits what a majority has on its disks, itself included as far as its own disk is; entries of its own term only.
 * @returns whether the commit index moved
 */
export function advanceCommit(core: Core, leader: Leader): boolean {
  const { log } = core;
  const index = reached(core.configuration, (peer) => (peer === core.id ? log.durable : leader.peers.get(peer)?.match));
  if (index <= log.committed || log.termAt(index) !== core.term) return false;
  for (let at = log.committed + 1; at <= index; at++) leader.uncommittedBytes -= costOf(log.at(at), core.term);
  log.commitTo(index);
  return true;
}

/** What this leader counted for it; nothing for entries that it found in its log. */
const costOf = (entry: Entry | undefined, term: number): number => (entry?.term === term ? sizeOf(entry) : 0);

function progressOf(leader: Leader, peer: PeerId): Progress {
  const progress = leader.peers.get(peer);
  if (!progress) throw new ConsensusBroken(`the leader does not know ${peer}`);
  return progress;
}
