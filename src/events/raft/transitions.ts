/** From one role to another, and what has to begin anew with it. Who may go where, and when, others decide. */
import { membersOf } from './configuration.ts';
import { invariant, noBytes, sizeOf, type Entry, type PeerId } from './entry.ts';
import { Progress } from './progress.ts';
import { Reads } from './reads.ts';
import { broadcastAppend } from './replication.ts';
import type { Core, Leader } from './state.ts';

/** @param leader of that term, if known */
export function becomeFollower(core: Core, term: number, leader: PeerId | undefined): void {
  loseReads(core);
  reset(core, term);
  core.role = { name: 'follower', leader };
}

/** Keeps term and vote: asking binds nobody. */
export function becomePreCandidate(core: Core): void {
  invariant(core.role.name !== 'leader', () => 'a leader cannot campaign');
  loseReads(core);
  core.electionElapsed = 0;
  drawTimeout(core);
  core.role = { name: 'pre-candidate', votes: new Map() };
}

export function becomeCandidate(core: Core, transfer: boolean): void {
  invariant(core.role.name !== 'leader', () => 'a leader cannot campaign');
  loseReads(core);
  reset(core, core.term + 1);
  core.vote = core.id;
  core.role = { name: 'candidate', votes: new Map(), transfer };
}

export function becomeLeader(core: Core, possibleLoss: boolean): void {
  invariant(core.role.name === 'candidate', () => `a ${core.role.name} cannot become leader`);
  reset(core, core.term);
  const next = core.log.last + 1;
  const peers = membersOf(core.configuration).filter((peer) => peer !== core.id);
  const leader: Leader = {
    name: 'leader',
    peers: new Map(peers.map((peer) => [peer, new Progress(next, core.settings, false)])),
    reads: new Reads(),
    heartbeatElapsed: 0,
    transferTo: undefined,
    // One of the entries that are not applied may be a change; after the last of them it is certain that none is.
    pendingChange: core.log.last,
    uncommittedBytes: 0,
    possibleLoss,
  };
  core.role = leader;
  appendAsLeader(core, leader, [{ type: 'empty', term: core.term, index: next, data: noBytes }]);
  broadcastAppend(core, leader);
}

/** New entries, sent with the next broadcast. */
export function appendAsLeader(core: Core, leader: Leader, entries: readonly Entry[]): void {
  core.log.append(entries);
  for (const entry of entries) leader.uncommittedBytes += sizeOf(entry);
}

/** Who was asked to read here hears that the leader will not answer. What others asked of this one they find out. */
function loseReads({ id, role, asked, outbox }: Core): void {
  const own = role.name === 'leader' ? role.reads.namesOf(id) : [];
  for (const request of [...own, ...asked.takeAll()]) outbox.refusedReads.push({ request, why: 'leader-changed' });
}

function reset(core: Core, term: number): void {
  invariant(term >= core.term, () => `the term cannot fall from ${core.term} to ${term}`);
  if (term > core.term) {
    core.term = term;
    core.vote = undefined;
  }
  core.electionElapsed = 0;
  drawTimeout(core);
}

function drawTimeout(core: Core): void {
  const { electionTicks } = core.settings;
  core.electionTimeout = electionTicks + Math.floor(core.random() * electionTicks);
}
