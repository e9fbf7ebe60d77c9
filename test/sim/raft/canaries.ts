/**
 * Deliberate bugs, each of which the simulation has to find: a simulation that finds nothing is worth nothing unless it
 * is known that it would. A canary is a change to the text of one source file, applied while it is bundled; the text
 * must be there exactly once, so that a canary cannot quietly die when the code moves on.
 */
export interface Canary extends Edit {
  /** The bug, as one would report it. */
  readonly name: string;
  /** Where two lines of defence must fall. */
  readonly also?: Edit;
  /** Found with the real storage under each member, and not without. */
  readonly isStored?: true;
  /** A seed that finds it, tried first: the rare ones need hundreds, and those before it find nothing. */
  readonly seed?: number;
}

interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const raft = 'src/events/raft';
const log = 'src/io/log/raft';
const world = 'src/io/world/consensus';

export const canaries: readonly Canary[] = [
  {
    name: 'an entry is committed without a majority',
    file: `${raft}/quorum.ts`,
    find: 'numbers[Math.floor(voters.length / 2)]',
    replace: 'numbers[0]',
  },
  {
    name: 'entries of older terms are committed by counting',
    file: `${raft}/replication.ts`,
    find: ' || log.termAt(index) !== core.term) return false',
    replace: ') return false',
    seed: 13,
  },
  {
    name: 'a vote does not survive a restart',
    file: `${raft}/persistence.ts`,
    find: 'writes ? { term, vote, commit',
    replace: 'writes ? { term, vote: undefined, commit',
  },
  {
    name: 'entries are acknowledged before they are durable',
    file: `${raft}/follower.ts`,
    find: 'core.outbox.thenSend.push(answer(core, to, index, undefined))',
    replace: 'core.outbox.send.push(answer(core, to, index, undefined))',
  },
  {
    name: 'votes are given before they are durable',
    file: `${raft}/election.ts`,
    find: 'core.outbox.thenSend.push(answer)',
    replace: 'core.outbox.send.push(answer)',
  },
  {
    name: 'a candidate asks for votes before its term is durable',
    file: `${raft}/election.ts`,
    find: "core.outbox.thenSend.push({ type: 'vote'",
    replace: "core.outbox.send.push({ type: 'vote'",
  },
  {
    name: 'a stale append truncates the log',
    file: `${raft}/log.ts`,
    find: 'entries.findIndex((entry) => !this.has(entry.index, entry.term))',
    replace: 'entries.findIndex((entry) => entry.index > this.#committed)',
    seed: 129,
  },
  {
    name: 'a deposed leader answers reads without asking a majority',
    file: `${raft}/leader.ts`,
    find: 'peer === core.id ? leader.reads.token : leader.peers.get(peer)?.token',
    replace: 'peer === core.id ? leader.reads.token : leader.reads.token',
    seed: 513,
  },
  {
    name: 'an older round of heartbeats confirms a later read',
    file: `${raft}/reads.ts`,
    find: 'index, token: this.#token + 1 }',
    replace: 'index, token: this.#token }',
    seed: 513,
  },
  {
    name: 'a new leader answers reads before it committed an entry of its term',
    file: `${raft}/leader.ts`,
    find: 'if (core.log.termAt(core.log.committed) === core.term)',
    replace: 'if (core.term > 0)',
    seed: 213,
  },
  {
    name: 'a read that cannot wait is dropped, and nobody told',
    file: `${raft}/leader.ts`,
    find: 'maxPendingReads) return refuseRead(core, from, request, ',
    replace: 'maxPendingReads) return void (core, from, request, ',
  },
  {
    name: 'reads that a leader was asked are forgotten when it leads no longer',
    file: `${raft}/transitions.ts`,
    find: '[...own, ...asked.takeAll()]',
    replace: 'asked.takeAll()',
    seed: 2,
  },
  {
    name: 'a read whose answer was lost on its way is waited for without end',
    file: `${raft}/tick.ts`,
    find: 'core.asked.tick(core.settings.electionTicks)',
    replace: 'core.asked.tick(1e9)',
  },
  {
    name: 'a command that is asked again takes effect again',
    file: `${raft}/sessions.ts`,
    find: "if (sequence > known.sequence) return 'new'",
    replace: "if (sequence > 0) return 'new'",
    seed: 7,
  },
  {
    name: 'sessions are missing in snapshots',
    file: `${world}/registers.ts`,
    find: 'sessions: this.#sessions.rows()',
    replace: 'sessions: this.#sessions.rows().map(([opened]) => [opened, { sequence: 0, result: undefined }])',
    seed: 38,
  },
  {
    name: 'learners are counted as voters',
    file: `${raft}/quorum.ts`,
    find: 'return Math.min(majorityReached(of.voters, numberOf)',
    replace: 'return Math.min(majorityReached([...of.voters, ...of.learners], numberOf)',
    seed: 3,
  },
  {
    name: 'a joint configuration commits with the new majority alone',
    file: `${raft}/quorum.ts`,
    find: ', majorityReached(of.outgoing, numberOf));',
    replace: ');',
    seed: 91,
  },
  {
    name: 'a joint configuration elects with the new majority alone',
    file: `${raft}/quorum.ts`,
    find: 'hasMajority(of.voters, agrees) && hasMajority(of.outgoing, agrees)',
    replace: 'hasMajority(of.voters, agrees)',
    seed: 91,
  },
  {
    name: 'an old snapshot is installed over a newer log',
    file: `${raft}/follower.ts`,
    find: 'if (index > log.committed && isMember(configuration, core.id))',
    replace: 'if (isMember(configuration, core.id))',
    seed: 597,
  },
  {
    name: 'the watermark is forgotten: a log that lost its tail is trusted',
    file: `${world}/model-disk.ts`,
    find: 'suspicion ? { ...start, suspect: suspicion } : start',
    replace: 'start',
    seed: 23,
  },
  {
    name: 'the votes of members that lost entries are counted like others',
    file: `${raft}/tally.ts`,
    find: "vote === 'granted' ? true",
    replace: "vote === 'granted' || vote === 'suspect' ? true",
    seed: 23,
  },
  {
    name: 'a member that lost entries votes for a log below its watermark',
    file: `${raft}/election.ts`,
    find: 'return ballot.term > mark.term && isUpToDate(ballot, mark)',
    replace: 'return ballot.term > 0',
    seed: 1239,
  },
  {
    name: 'a candidate with a stale log is elected',
    file: `${raft}/election.ts`,
    find: 'if (!isUpToDate(ballot, core.log.end)) return false',
    replace: 'if (ballot.lastIndex < 0) return false',
    seed: 3,
  },
  {
    name: 'a member votes for everybody who asks',
    file: `${raft}/election.ts`,
    find: 'core.vote === candidate || (core.vote === undefined && leaderOf(core) === undefined)',
    replace: 'candidate.length > 0 || leaderOf(core) === undefined',
    seed: 4,
  },
  {
    name: 'messages of earlier terms count',
    file: `${raft}/terms.ts`,
    find: 'return message.term === core.term;',
    replace: 'return message.term <= core.term;',
  },
  {
    name: 'a heartbeat commits what the follower may not have',
    file: `${raft}/replication.ts`,
    find: 'const commit = Math.min(progress.match, core.log.committed)',
    replace: 'const commit = Math.min(progress.next + 5, core.log.committed)',
    also: {
      file: `${raft}/follower.ts`,
      find: 'if (commitTerm !== undefined && log.has(commit, commitTerm)) log.commitTo(commit);',
      replace: 'if (commit <= log.last) log.commitTo(commit);',
    },
    seed: 186,
  },
  {
    name: 'a leader that has nothing to send does not notice what a follower lost',
    file: `${raft}/leader.ts`,
    find: " || progress.state === 'probe' || !isWhole)",
    replace: " || progress.state === 'probe')",
    also: {
      file: `${raft}/leader.ts`,
      find: 'if (message.lastIndex < progress.match)',
      replace: 'if (message.lastIndex < 0)',
    },
    seed: 10,
  },
  {
    name: 'a leader counts itself before its disk has the entry',
    file: `${raft}/replication.ts`,
    find: '(peer === core.id ? log.durable : leader',
    replace: '(peer === core.id ? log.last : leader',
  },
  {
    name: 'entries are applied before they are committed',
    file: `${raft}/log.ts`,
    find: 'return Math.min(this.#committed, this.#durable);',
    replace: 'return this.#durable;',
  },
  {
    name: 'entries are compacted that no snapshot holds',
    file: `${raft}/log.ts`,
    find: 'const upTo = Math.min(index, this.#snapshot.index, this.#applied);',
    replace: 'const upTo = Math.min(index + 30, this.#applied);',
    seed: 93,
  },
  {
    name: 'nothing is sent any more once the window was full',
    file: `${raft}/leader.ts`,
    find: '  progress.isActive = true;\n  progress.isPaused = false;',
    replace: '  progress.isActive = true;',
  },
  {
    name: 'the new leader proposes a change while an old one may be under way',
    file: `${raft}/membership.ts`,
    find: 'if (leader.pendingChange > core.log.applied)',
    replace: 'if (leader.pendingChange > core.log.last)',
    seed: 127,
  },
  {
    name: 'an acknowledgement of the disk from an earlier term counts in this one',
    file: `${raft}/persistence.ts`,
    find: 'if (mark.term !== core.term) return;',
    replace: '',
    seed: 638,
  },
  {
    name: 'a member campaigns while a change of the group is committed and not applied',
    file: `${raft}/election.ts`,
    find: "if (log.at(index)?.type === 'change') return false;",
    replace: '',
  },
  {
    name: 'a group begins before its first snapshot, and a newcomer is given all of its log',
    file: `${raft}/beginning.ts`,
    find: 'configuration.voters.length === 0 ? 0 : 1;',
    replace: '0;',
    seed: 3696,
  },
  {
    name: 'a leader is not told that its term is over by whoever may not campaign',
    file: `${raft}/terms.ts`,
    find: "} else if (type === 'append' || type === 'heartbeat') {",
    replace: "} else if (type === 'append' && (core.settings.checkQuorum || core.settings.preVote)) {",
    seed: 248,
  },
  {
    name: 'a history that lost its end is gone on with',
    file: `${world}/stored-history.ts`,
    find: '!of.#history || of.#history.last < snapshotIndex',
    replace: '!of.#history',
    isStored: true,
    seed: 5,
  },
  {
    name: 'a damaged segment of the history passes for whole',
    file: `${log}/history/verify.ts`,
    find: 'if (await isRight(directory, segment, start)) return undefined;',
    replace: 'if (segment) return undefined;',
    isStored: true,
  },
  {
    name: 'segments are sealed where a process happens to end',
    file: `${log}/history/open.ts`,
    find: 'if (!end && !open.isFull(this.#sealing)) {',
    replace: 'if (!end && open.last < start.first) {',
    isStored: true,
  },
  {
    name: 'the history in a snapshot is not installed with it',
    file: `${world}/stored-disk.ts`,
    find: 'if (job.snapshot && content) await this.#history?.install(historyOf(content));',
    replace: '',
    isStored: true,
    seed: 4,
  },
  {
    name: 'a log that is shorter than its watermark is trusted',
    file: `${log}/judge.ts`,
    find: 'if (last.index < reached) {',
    replace: 'if (last.index < 0) {',
    isStored: true,
    seed: 259,
  },
  {
    name: 'a leader of two majorities commits with either',
    file: `${raft}/quorum.ts`,
    find: 'return Math.min(majorityReached(of.voters',
    replace: 'return Math.max(majorityReached(of.voters',
  },
];
