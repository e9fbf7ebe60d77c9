/** What a member does with what its leader says: entries, heartbeats, snapshots (§5.3, §7). */
import { isMember } from './configuration.ts';
import type { PeerId } from './entry.ts';
import type { Append, AppendResponse, Heartbeat, Read, ReadRefusal, ReadResponse, Snapshot } from './message.ts';
import { campaignAsSuccessor } from './election.ts';
import { refuseRead } from './leader.ts';
import type { Core, Follower } from './state.ts';
import { becomeFollower } from './transitions.ts';

export function onAppend(core: Core, message: Append): void {
  const { log } = core;
  hear(core, message.from);
  const { prevIndex, prevTerm, entries } = message;
  log.checkCommitted(prevIndex, prevTerm);
  for (const { index, term } of entries) log.checkCommitted(index, term);
  // Old news: all of it up to the commit index is the same by now.
  if (prevIndex < log.committed) return acknowledge(core, message.from, log.committed);
  if (!log.has(prevIndex, prevTerm)) {
    const hint = log.findConflict(prevIndex, prevTerm);
    core.outbox.send.push(answer(core, message.from, prevIndex, hint));
    return;
  }
  log.merge(entries);
  // Of what comes after these entries the leader said nothing: what stands there may be another's.
  const known = prevIndex + entries.length;
  log.commitTo(Math.min(message.commit, known));
  acknowledge(core, message.from, known);
}

export function onHeartbeat(core: Core, message: Heartbeat): void {
  const { log } = core;
  hear(core, message.from);
  const { commit, commitTerm } = message;
  if (commit > log.committed) {
    if (commitTerm !== undefined && log.has(commit, commitTerm)) log.commitTo(commit);
    else if (commitTerm !== undefined || commit > log.last) suspectItself(core, commit);
  } else if (commitTerm !== undefined) log.checkCommitted(commit, commitTerm);
  const { from: to, token } = message;
  const end = { lastIndex: log.last, lastTerm: log.lastTerm };
  core.outbox.send.push({ type: 'heartbeat-response', from: core.id, to, term: core.term, token, ...end });
}

/**
 * The leader knows that this member had the entry. If it is gone, or another one is in its place (an old image of the
 * disk was put back), the disk has lost it, and perhaps nothing told. Of which term the last lost entry was the leader
 * does not say: of none later than its own. A watermark of an earlier term knows nothing of it, and would let this
 * member be trusted again in the very term in which it lost something.
 */
function suspectItself(core: Core, lastIndex: number): void {
  if (core.suspect === undefined || core.suspect.term < core.term)
    core.suspect = { term: core.term, lastIndex, lastTerm: core.term };
}

export function onSnapshot(core: Core, message: Snapshot): void {
  const { log } = core;
  hear(core, message.from);
  const { snapshot } = message;
  const { configuration, index, term } = snapshot;
  log.checkCommitted(index, term);
  // What is committed here is never given up for something older, nor for a group without this member.
  if (index > log.committed && isMember(configuration, core.id)) {
    if (log.has(index, term)) log.commitTo(index);
    else {
      log.install(snapshot);
      core.configuration = configuration;
    }
  }
  acknowledge(core, message.from, log.committed);
}

export function onTimeoutNow(core: Core): void {
  campaignAsSuccessor(core);
}

/** A read that somebody sent to the wrong place goes on to the leader, once. */
export function onReadAstray(core: Core, message: Read, role: Follower): void {
  if (role.leader === undefined || message.from === role.leader) return onReadInVain(core, message);
  core.outbox.send.push({ ...message, to: role.leader });
}

/** Nobody is known to whom it could go on. */
export function onReadInVain(core: Core, { from, request }: Read): void {
  refuseRead(core, from, request, 'no-leader');
}

/** Somebody wants to read here. */
export function askLeader(core: Core, request: string, leader: PeerId): void {
  if (core.asked.count >= core.settings.maxPendingReads) return refuseRead(core, core.id, request, 'too-many');
  core.asked.add(request);
  core.outbox.send.push({ type: 'read', from: core.id, to: leader, term: core.term, request });
}

/** One that is not waited for any more was refused already, or comes for the second time. */
export function onReadResponse(core: Core, { request, index }: ReadResponse): void {
  if (core.asked.answered(request)) core.outbox.reads.push({ request, index });
}

export function onReadRefusal(core: Core, { request, why }: ReadRefusal): void {
  if (core.asked.answered(request)) core.outbox.refusedReads.push({ request, why });
}

/** Whoever leads in this term: a candidate gives up, a follower knows it from now on. */
function hear(core: Core, leader: PeerId): void {
  if (core.role.name === 'follower') core.role.leader = leader;
  else becomeFollower(core, core.term, leader);
  core.electionElapsed = 0;
}

/** Leaves when everything up to here is durable. */
function acknowledge(core: Core, to: PeerId, index: number): void {
  core.outbox.thenSend.push(answer(core, to, index, undefined));
}

const answer = (core: Core, to: PeerId, index: number, hint: AppendResponse['hint']): AppendResponse => {
  const { id: from, term, suspect } = core;
  return { type: 'append-response', from, to, term, index, hint, suspect: suspect !== undefined };
};
