/**
 * Consensus of a group on one log: Raft (Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm",
 * 2014; Ongaro's dissertation, 2014), as a pure core. It has no clock, no disk, no network, no randomness of its own:
 * its driver calls `tick` as time passes and `step` for each message, then takes what it has to do with `ready` and says
 * with `advance` what is done. The same calls always give the same results.
 *
 *        tick, step, propose, read ──▶ Raft ──▶ ready() ──▶ driver: send, store, apply
 *                                        ▲                                   │
 *                                        └──────────── advance(done) ◀───────┘
 *
 * A method throws ConsensusBroken when what it is told cannot be true; the process must end then.
 */
import { isVoter, type Change, type Configuration } from './configuration.ts';
import { campaign } from './election.ts';
import { invariant, totalSize, type Entry, type HardState, type PeerId, type SnapshotMeta } from './entry.ts';
import { askLeader } from './follower.ts';
import { onRead, refuseRead, transferTo } from './leader.ts';
import { RaftLog } from './log.ts';
import { applyChanges, proposeChange, refusalOf, snapshotMetaOf } from './membership.ts';
import type { Message } from './message.ts';
import { Outbox } from './outbox.ts';
import { mustStore, onStored, takeStore } from './persistence.ts';
import type { Progress } from './progress.ts';
import { AskedReads } from './reads.ts';
import type { Done, Leadership, Ready } from './ready.ts';
import { broadcastAppend } from './replication.ts';
import type { RaftSettings } from './settings.ts';
import { leaderOf, type Core, type Leader, type Role, type Watermark } from './state.ts';
import { dispatch } from './table.ts';
import { admit } from './terms.ts';
import { tick } from './tick.ts';
import { appendAsLeader, becomeFollower } from './transitions.ts';

/** What a member finds on its disk when it starts. */
export interface RaftStart {
  readonly id: PeerId;
  readonly hardState: HardState;
  /** Newest durable snapshot; its index is 1 at least where there are voters (`beginning.ts`). */
  readonly snapshot: SnapshotMeta;
  /** After `base`, or else after the snapshot, without gap. */
  readonly entries: readonly Entry[];
  /** The entry before the first one, where entries older than the snapshot were kept. */
  readonly base?: { readonly index: number; readonly term: number };
  /** How far it went before it lost part of that. */
  readonly suspect?: Watermark;
}

export type Refused = {
  readonly refused: 'not-leader' | 'transferring' | 'too-large' | 'too-much-uncommitted' | 'change-impossible';
  /** A sentence, for a change. */
  readonly explain?: string;
};

export interface Status {
  readonly id: PeerId;
  readonly term: number;
  readonly vote: PeerId | undefined;
  readonly role: Role;
  readonly leader: PeerId | undefined;
  readonly lastIndex: number;
  readonly committed: number;
  readonly applied: number;
  readonly durable: number;
  readonly configuration: Configuration;
  readonly suspect: Watermark | undefined;
}

export interface PeerProgress {
  readonly peer: PeerId;
  readonly match: number;
  readonly state: Progress['state'];
  /** Heard from since the leader last looked whether it still has a majority. */
  readonly isActive: boolean;
}

export class Raft {
  readonly #core: Core;
  /** What the driver knows about who leads. */
  #reported: Leadership;

  /** @param random uniform in [0, 1) */
  constructor(start: RaftStart, settings: RaftSettings, random: () => number) {
    const { hardState } = start;
    const log = new RaftLog(start.snapshot, start.entries, start.base);
    const suspect = start.suspect ?? lostUnnoticed(hardState, log);
    this.#core = {
      id: start.id,
      settings,
      random,
      // A watermark of a later term: the vote in that term is lost, and was perhaps given.
      term: Math.max(hardState.term, suspect?.term ?? 0),
      vote: hardState.term >= (suspect?.term ?? 0) ? hardState.vote : undefined,
      log,
      configuration: start.snapshot.configuration,
      role: { name: 'follower', leader: undefined },
      suspect,
      electionElapsed: 0,
      electionTimeout: 0,
      applying: [],
      handedOut: { term: hardState.term, vote: hardState.vote, suspect: start.suspect, installing: undefined },
      outbox: new Outbox(),
      asked: new AskedReads(),
    };
    invariant(
      log.lastTerm <= this.#core.term,
      () => `the log has entries of term ${log.lastTerm}, above the stored term`,
    );
    becomeFollower(this.#core, this.#core.term, undefined);
    log.commitTo(Math.min(hardState.commit, log.last));
    this.#reported = leadershipOf(this.#core);
  }

  get status(): Status {
    const { id, term, vote, role, log, configuration, suspect } = this.#core;
    const { last: lastIndex, committed: commit, applied, durable } = log;
    const leader = leaderOf(this.#core);
    return { id, term, vote, role, leader, lastIndex, committed: commit, applied, durable, configuration, suspect };
  }

  /** Of a leader: how far everybody else's log is known to equal its own. Sorted by peer. */
  get peers(): readonly PeerProgress[] {
    const { role } = this.#core;
    if (role.name !== 'leader') return [];
    const peers = [...role.peers].map(([peer, { match, state, isActive }]) => ({ peer, match, state, isActive }));
    return peers.toSorted((one, other) => (one.peer < other.peer ? -1 : 1));
  }

  /** The log, to look at: of tests, checkers and status pages. */
  get log(): Pick<RaftLog, 'first' | 'last' | 'termAt' | 'at' | 'snapshot' | 'installing'> {
    return this.#core.log;
  }

  /** One unit of time passed. */
  tick(): void {
    tick(this.#core);
  }

  /** A message came from another member. Whoever delivers it has made sure who sent it. */
  step(message: Message): void {
    if (message.to !== this.#core.id || message.from === this.#core.id) return;
    if (admit(this.#core, message)) dispatch(this.#core, message);
  }

  /** Somebody wants this member to lead, without waiting for a time-out. */
  campaign(): void {
    campaign(this.#core);
  }

  /** Appends these to the log, one entry each, if this member leads. That they are committed is known when they are applied. */
  propose(data: readonly Uint8Array[]): { readonly term: number; readonly firstIndex: number } | Refused {
    const core = this.#core;
    const leader = this.#proposing();
    if ('refused' in leader) return leader;
    if (data.some((bytes) => bytes.length > core.settings.maxEntryBytes)) return { refused: 'too-large' };
    const firstIndex = core.log.last + 1;
    const entries = data.map((bytes, at): Entry => ({
      type: 'data',
      term: core.term,
      index: firstIndex + at,
      data: bytes,
    }));
    const bytes = totalSize(entries);
    if (leader.uncommittedBytes > 0 && leader.uncommittedBytes + bytes > core.settings.maxUncommittedBytes)
      return { refused: 'too-much-uncommitted' };
    appendAsLeader(core, leader, entries);
    broadcastAppend(core, leader);
    return { term: core.term, firstIndex };
  }

  /** Appends an entry that says nothing, if this member leads: its disk has something to do then, and so have the others'. */
  touch(): void {
    const core = this.#core;
    const leader = this.#proposing();
    if ('refused' in leader) return;
    appendAsLeader(core, leader, [
      { type: 'empty', term: core.term, index: core.log.last + 1, data: new Uint8Array() },
    ]);
    broadcastAppend(core, leader);
  }

  /** Proposes that members come or go. @param data goes along with it, unread */
  proposeChange(change: Change, data: Uint8Array): { readonly term: number; readonly index: number } | Refused {
    const leader = this.#proposing();
    if ('refused' in leader) return leader;
    if (data.length > this.#core.settings.maxEntryBytes) return { refused: 'too-large' };
    const explain = refusalOf(this.#core, leader, change);
    if (explain !== undefined) return { refused: 'change-impossible', explain };
    const { term, index } = proposeChange(this.#core, leader, change, data);
    return { term, index };
  }

  #proposing(): Leader | Refused {
    const { role } = this.#core;
    if (role.name !== 'leader') return { refused: 'not-leader' };
    return role.transferTo === undefined ? role : { refused: 'transferring' };
  }

  /**
   * Asks for an index that a reader must have applied to read nothing stale. The answer comes in `ready().reads`, under
   * the same name, or in `ready().refusedReads`: then ask again, under a new name. A name is good once: this member must
   * never have used it before, not even before it was started again, or a late answer to the old question would be taken
   * for one to the new. Draw it at random. At a leader that hears no majority it
   * comes when that is over, or when it leads no longer.
   */
  read(request: string): void {
    const core = this.#core;
    const { id, role } = core;
    if (role.name === 'leader') onRead(core, { from: id, request }, role);
    else if (role.name === 'follower' && role.leader !== undefined) askLeader(core, request, role.leader);
    else refuseRead(core, id, request, 'no-leader');
  }

  /** Hands leadership to a voter. It is given up after an election time-out; until then nothing can be proposed. */
  transferTo(to: PeerId): void {
    const { role, configuration } = this.#core;
    if (role.name === 'leader' && isVoter(configuration, to)) transferTo(this.#core, to, role);
  }

  /** A follower that knows its leader to be dead need not protect it any longer. */
  forgetLeader(): void {
    const { role } = this.#core;
    if (role.name === 'follower') role.leader = undefined;
  }

  /** The connection to a member is down: what was sent optimistically may be lost. */
  reportUnreachable(peer: PeerId): void {
    const progress = this.#progress(peer);
    if (progress?.state === 'replicate') progress.toProbe();
  }

  /** The transfer of a snapshot to a member ended. */
  reportSnapshot(peer: PeerId, arrived: boolean): void {
    const progress = this.#progress(peer);
    if (progress?.state !== 'snapshot') return;
    if (!arrived) progress.snapshotIndex = 0;
    progress.toProbe();
    // When it arrived the follower's acknowledgement comes next; when not, it is tried again after the next heartbeat.
    progress.isPaused = true;
  }

  #progress(peer: PeerId): Progress | undefined {
    const { role } = this.#core;
    return role.name === 'leader' ? role.peers.get(peer) : undefined;
  }

  /** What a snapshot of the state says about the log, if it is made before anything more is applied. Not while `log.installing`. */
  snapshotMeta(): SnapshotMeta {
    return snapshotMetaOf(this.#core);
  }

  /** A snapshot of this member's own is durable (file, directory and pointer). */
  snapshotTaken(snapshot: SnapshotMeta): void {
    this.#core.log.snapshotTaken(snapshot);
  }

  /** Forgets entries up to here, never beyond the durable snapshot. @returns where the log begins now, less one */
  compact(index: number): number {
    return this.#core.log.compact(index);
  }

  /** Whether `ready` would give anything to do. */
  hasReady(): boolean {
    const core = this.#core;
    const { log, outbox } = core;
    return (
      outbox.send.length > 0 ||
      outbox.reads.length > 0 ||
      outbox.refusedReads.length > 0 ||
      outbox.wantsSnapshot ||
      mustStore(core) ||
      (log.hasUnapplied && core.applying.length === 0) ||
      !isSame(this.#reported, leadershipOf(core))
    );
  }

  /** What there is to do now. Each thing is handed out once; see `ready.ts` for the order that must be kept. */
  ready(): Ready {
    const core = this.#core;
    const leadership = leadershipOf(core);
    const isNews = !isSame(this.#reported, leadership);
    this.#reported = leadership;
    const store = takeStore(core);
    const apply = core.applying.length === 0 ? core.log.takeUnapplied(core.settings.maxApplyBytes) : [];
    if (apply.length > 0) core.applying = apply;
    return {
      leadership: isNews ? leadership : undefined,
      send: core.outbox.takeSend(),
      store,
      apply,
      reads: core.outbox.takeReads(),
      refusedReads: core.outbox.takeRefusedReads(),
      snapshotWanted: core.outbox.takeSnapshotWish(),
    };
  }

  /** Something that was handed out is done. */
  advance({ stored, applied }: Done): void {
    const core = this.#core;
    if (stored) onStored(core, stored);
    if (applied === undefined) return;
    invariant(applied === core.applying.at(-1)?.index, () => `entry ${applied} is not the last of the slice to apply`);
    const slice = core.applying;
    core.applying = [];
    // A snapshot that came meanwhile holds them, and the configuration after them.
    if (core.log.installing || core.log.applied >= applied) return;
    core.log.appliedTo(applied);
    applyChanges(core, slice);
  }
}

/** The commit index is stored with the entries, never before them: beyond the end of the log it is proof of a loss. */
function lostUnnoticed({ term, commit }: HardState, log: RaftLog): Watermark | undefined {
  return commit > log.last ? { term, lastIndex: commit, lastTerm: term } : undefined;
}

const leadershipOf = (core: Core): Leadership => ({
  term: core.term,
  role: core.role.name,
  leader: leaderOf(core),
  possibleLoss: core.role.name === 'leader' && core.role.possibleLoss,
});

const isSame = (one: Leadership, other: Leadership): boolean =>
  one.term === other.term && one.role === other.role && one.leader === other.leader;
