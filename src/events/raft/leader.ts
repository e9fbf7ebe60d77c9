/** What a leader does with the answers of its followers, and with what others ask of it. */
import { membersOf } from './configuration.ts';
import { invariant, type PeerId } from './entry.ts';
import type { Append, AppendResponse, Heartbeat, HeartbeatResponse, Read, ReadRefused, Snapshot } from './message.ts';
import type { Progress } from './progress.ts';
import { isQuorum, reached } from './quorum.ts';
import { advanceCommit, broadcastAppend, broadcastHeartbeat, sendAppend, sendEntries } from './replication.ts';
import type { Core, Leader } from './state.ts';

export function onAppendResponse(core: Core, message: AppendResponse, leader: Leader): void {
  const { from } = message;
  const progress = leader.peers.get(from);
  if (!progress) return;
  progress.isActive = true;
  if (message.hint) rejected(core, message, message.hint, progress, leader);
  else accepted(core, message, progress, leader);
}

function rejected(
  core: Core,
  { from, index, suspect }: AppendResponse,
  hint: { readonly index: number; readonly term: number },
  progress: Progress,
  leader: Leader,
): void {
  // The follower has nothing newer than the hint's term there; nor has this log anything that matches above this:
  const meet = core.log.findConflict(hint.index, hint.term);
  if (suspect && meet.index < progress.match) progress.lost(meet.index);
  else if (!progress.rejected(index, meet.index)) return;
  else if (progress.state === 'replicate') progress.toProbe();
  sendAppend(core, leader, from);
}

function accepted(core: Core, { from, index }: AppendResponse, progress: Progress, leader: Leader): void {
  const { log } = core;
  // It cannot have more of this leader's entries than there are. Something is wrong with it, and it will notice.
  if (index > log.last) return;
  const isNews = progress.accepted(index);
  // A probe may be answered by what the follower was known to have: also then the logs are known to meet. Nothing at all
  // is acknowledged only to tell an earlier leader that it was one (terms.ts).
  if (!isNews && !(progress.state === 'probe' && progress.match === index && index > 0)) return;
  if (progress.state === 'replicate') {
    progress.inflight.freeTo(index);
    progress.isPaused = false;
  } else if (progress.state === 'probe' || progress.match + 1 >= log.first) progress.toReplicate();

  if (advanceCommit(core, leader)) committed(core, leader);
  else if (progress.toldCommit < Math.min(log.committed, progress.next - 1)) sendAppend(core, leader, from);
  sendEntries(core, leader, from);
  if (leader.transferTo === from && progress.match === log.last) hurry(core, from);
}

/** The commit index moved: everybody hears of it, and the first time in a term reads may begin. */
export function committed(core: Core, leader: Leader): void {
  broadcastAppend(core, leader);
  for (const { from, request } of leader.reads.takeEarly()) leader.reads.add(from, request, core.log.committed);
  confirmReads(core, leader);
}

export function onHeartbeatResponse(core: Core, message: HeartbeatResponse, leader: Leader): void {
  const { from, token } = message;
  const progress = leader.peers.get(from);
  if (!progress) return;
  progress.isActive = true;
  progress.isPaused = false;
  progress.token = Math.max(progress.token, token);
  // Its disk lost what it acknowledged, and nothing told it so. (An old answer, from before the last acknowledgement,
  // looks the same and costs one probe in vain: to know less of a follower than is so is always safe.)
  if (message.lastIndex < progress.match)
    progress.lost(core.log.findConflict(message.lastIndex, message.lastTerm).index);
  // What was lost on its way is noticed here, as the window may be full and nothing else be sent.
  const isWhole = message.lastIndex >= progress.match && core.log.has(message.lastIndex, message.lastTerm);
  if (progress.match < core.log.last || progress.state === 'probe' || !isWhole) sendAppend(core, leader, from);
  confirmReads(core, leader);
}

/** A read of this member itself, or of a follower for its own clients. */
export function onRead(core: Core, { from, request }: Pick<Read, 'from' | 'request'>, leader: Leader): void {
  if (leader.reads.count >= core.settings.maxPendingReads) return refuseRead(core, from, request, 'too-many');
  if (core.log.termAt(core.log.committed) === core.term) leader.reads.add(from, request, core.log.committed);
  else leader.reads.addEarly(from, request);
  confirmReads(core, leader);
}

/** There will be no answer; whoever asked is told, here or elsewhere. */
export function refuseRead(core: Core, to: PeerId, request: string, why: ReadRefused): void {
  if (to === core.id) core.outbox.refusedReads.push({ request, why });
  else core.outbox.send.push({ type: 'read-refusal', from: core.id, to, term: core.term, request, why });
}

/** Answers the reads that a majority has confirmed, and begins the next round for those that came meanwhile. */
export function confirmReads(core: Core, leader: Leader): void {
  for (;;) {
    if (leader.reads.wantsRound) broadcastHeartbeat(core, leader);
    const token = reached(core.configuration, (peer) =>
      peer === core.id ? leader.reads.token : leader.peers.get(peer)?.token,
    );
    for (const { from, request, index } of leader.reads.confirm(token)) {
      if (from === core.id) core.outbox.reads.push({ request, index });
      else core.outbox.send.push({ type: 'read-response', from: core.id, to: from, term: core.term, request, index });
    }
    if (!leader.reads.wantsRound) return;
  }
}

/** Lets another member lead as soon as it has everything (§3.10). */
export function transferTo(core: Core, to: PeerId, leader: Leader): void {
  const progress = leader.peers.get(to);
  if (!progress || leader.transferTo === to) return;
  leader.transferTo = to;
  // It has one election timeout for it; tick.ts gives up after that.
  core.electionElapsed = 0;
  if (progress.match === core.log.last) hurry(core, to);
  else sendAppend(core, leader, to);
}

const hurry = (core: Core, to: PeerId): void =>
  void core.outbox.send.push({ type: 'timeout-now', from: core.id, to, term: core.term });

/** Whether a majority was heard since this was asked last. */
export function hearsMajority(core: Core, leader: Leader): boolean {
  const hears = isQuorum(core.configuration, (peer) => peer === core.id || leader.peers.get(peer)?.isActive === true);
  for (const progress of leader.peers.values()) progress.isActive = false;
  return hears;
}

/** Progress of exactly those who belong to the group now. */
export function followConfiguration(core: Core, leader: Leader, newcomer: (peer: PeerId) => Progress): void {
  const members = membersOf(core.configuration);
  for (const peer of leader.peers.keys()) if (!members.includes(peer)) leader.peers.delete(peer);
  for (const peer of members) if (peer !== core.id && !leader.peers.has(peer)) leader.peers.set(peer, newcomer(peer));
}

/** Two leaders in one term: the one thing that must not be. */
export function onRival(core: Core, { type, from, term }: Append | Heartbeat | Snapshot): void {
  invariant(false, () => `${from} sends ${type} as leader of term ${term}, in which ${core.id} leads`);
}
