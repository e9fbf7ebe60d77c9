/**
 * What a node that takes no part in consensus has in the place of a member of the group: it follows a peer, and gives its
 * log what that has applied and stored.
 *
 *   look round ─▶ choose a source ─▶ same history up to here? ─▶ entries, as they come ─▶ log ─▶ history
 *       ▲                                │ no                          │
 *       │                                ▼                             │ silent, lagging, wrong, or another is better
 *       └──────────────── ask the leader who is right ◀────────────────┘
 *
 * What a source has is agreed on, so following it can bring nothing that the group would take back; that it is the
 * group's, and not that of a disk that changed something, is checked: before anything is taken the histories of both have
 * the same fingerprint; entries follow one another in index, term and events; and as segments are sealed, their hashes
 * are compared with those of all peers that answer. When two differ the leader says, after a round with its voters, who
 * is right. If it is not this node the group gave up what is here, and the node must begin anew, as a member would.
 *
 * A source is chosen as `actors/placement/following.ts` says, and left when it is silent, lags behind the others, takes
 * no part in consensus any more, or serves more than its share.
 */
import { GivenUp, type PeerId } from '#events/raft/entry.ts';
import { sleep } from '../../../devices/clock/port.ts';
import { StoreError } from '../../../stores/port.ts';
import { abortable } from '../../abortable.ts';
import { LogError } from '../../port.ts';
import { Wakeup } from '../../wakeup.ts';
import { nodeOf } from '../engine/peer.ts';
import type { HistoryEntry } from '../history/segment.ts';
import type { MemberChannel } from '../member/channel.ts';
import type { FromMember, MemberStatus, ToMember } from '../member/protocol.ts';
import type { SnapshotFiles } from '../snapshots/snapshot-files.ts';
import { ask } from './ask.ts';
import { Chooser, type ChooserParts } from './chooser.ts';
import { entryAt, fingerprintAt, lookInto } from './fingerprint.ts';
import { framesOf } from './frames.ts';
import { fetchHead } from './head.ts';
import { asks, codeOf, coded } from './neighbours.ts';
import { OtherHistory, Referee, type RefereeParts } from './referee.ts';
import type { Sight, Whose } from './sight.ts';
import { Silence } from './silence.ts';
import { beginning, cursorAt, translate, type Cursor } from './translate.ts';

export interface FollowerParts extends ChooserParts, RefereeParts {
  readonly whose: Whose;
  readonly snapshots: SnapshotFiles;
  /** Nothing works any more: end the process. */
  onBroken(error: unknown): void;
}

export class Follower implements MemberChannel {
  readonly #parts: FollowerParts;
  #onMessage: ((message: FromMember) => void) | undefined;
  #running: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  /** Node that is followed now. */
  #source: string | undefined;
  /** It sent what cannot be, or has something else: who is right is to be asked. */
  #doubted: string | undefined;
  /** It sent something that this version does not know, behind this entry; and whether another one was followed since. */
  #tooNew: { readonly node: string; readonly after: number; isOnly: boolean } | undefined;
  /** The last entry that was handed out. */
  #cursor: Cursor = beginning;
  readonly #handedOut: { readonly index: number; readonly bytes: number }[] = [];
  #handedOutBytes = 0;
  #upTo = 0;
  readonly #room = new Wakeup();
  readonly #chooser: Chooser;
  readonly #referee: Referee;
  /** Of whoever is followed. */
  #term = 0;
  #leader: PeerId | undefined;
  #status: MemberStatus | undefined;
  /** Frames that sources have sent. */
  #heard = 0;
  readonly #ended = new AbortController();

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#chooser = new Chooser(parts);
    this.#referee = new Referee(parts, (node) => this.#chooser.avoid(node));
  }

  /** Id of the node that is followed; undefined while there is none. */
  get source(): string | undefined {
    return this.#source;
  }

  /** Up to this entry the history will come, whatever of it is written by now. 0 before anything was followed. */
  get upTo(): number {
    return this.#upTo;
  }

  receive(onMessage: (message: FromMember) => void): void {
    this.#onMessage = onMessage;
  }

  send(message: ToMember): void {
    switch (message.t) {
      case 'propose':
      case 'change':
        return this.#emit({ t: 'refused', id: message.id, refused: 'not-leader' });
      case 'read':
        return void this.#read(message.request);
      case 'taken':
        return this.#taken(message.index);
      default:
        return undefined;
    }
  }

  /** Begins to follow, if it does not. What goes wrong on the way is tried again; what cannot be goes to `onBroken`. */
  begin(): void {
    if (this.#running) return;
    // What the log knows of the group now it has from its own member.
    this.#term = 0;
    this.#leader = undefined;
    this.#status = undefined;
    const stop = new AbortController();
    const done = this.#run(stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) this.#parts.onBroken(error);
    });
    this.#running = { stop, done };
  }

  /** Nothing is handed out any more once resolved. */
  async end(): Promise<void> {
    const running = this.#running;
    running?.stop.abort();
    this.#room.wake();
    await running?.done;
    if (this.#running === running) this.#running = undefined;
  }

  /**
   * Whether everything that was handed out is what the group has, as its leader says; false where that says nothing, and
   * while segments are fetched.
   * @throws GivenUp, OtherHistory where it is not
   */
  async isOfGroup(leader: PeerId, signal: AbortSignal): Promise<boolean> {
    const { keeper } = this.#parts;
    const { index } = this.#cursor;
    while (keeper.history.last < index && !signal.aborted) await keeper.grown(signal);
    if (signal.aborted || keeper.history.missing().length > 0) return false;
    const { last } = keeper.history;
    return last === 0 || this.#referee.checkOwn(last, signal, leader);
  }

  close(): Promise<void> {
    this.#ended.abort();
    return this.end();
  }

  #emit(message: FromMember): void {
    this.#onMessage?.(message);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, timing, note } = this.#parts;
    let heardAtMs = clock.monotonicMs();
    for (let failures = 0; !signal.aborted;) {
      const before = this.#heard;
      try {
        if (!(await this.#round(signal))) {
          if (clock.monotonicMs() - heardAtMs >= timing.silentMs) this.#hearNobody();
          await sleep(clock, timing.hurryMs, signal);
        }
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (isFatal(error) || (isTooNew(error) && this.#isAgreedOn())) throw error;
        failures = this.#heard > before ? 1 : failures + 1;
        if (failures === 1) note('a node is followed no more', { source: this.#source, because: String(error) });
        if (this.#source !== undefined) this.#chooser.failed(this.#source);
        if (isWrong(error)) this.#doubted = this.#source;
        await sleep(clock, Math.min((timing.hurryMs / 10) * 2 ** failures, timing.lookMs), signal);
      } finally {
        this.#source = undefined;
      }
      if (this.#heard > before) heardAtMs = clock.monotonicMs();
    }
  }

  /**
   * One source alone may have made up what this version does not know: it is avoided first. Whether another one sends
   * such a thing behind the same entry, too, or none but that one can be followed.
   */
  #isAgreedOn(): boolean {
    const [node, before, after] = [this.#source, this.#tooNew, this.#cursor.index];
    if (node === undefined) return true;
    if (before?.after === after && (before.node !== node || before.isOnly)) return true;
    this.#tooNew = { node, after, isOnly: true };
    this.#chooser.avoid(node);
    return false;
  }

  /** @returns false where there is nobody to follow */
  async #round(signal: AbortSignal): Promise<boolean> {
    const doubted = this.#doubted;
    this.#doubted = undefined;
    if (doubted !== undefined) await this.#referee.judge(doubted, signal);
    const source = await this.#choose(signal, undefined);
    if (!source || signal.aborted) return false;
    this.#source = nodeOf(source.peer);
    await this.#follow(source, signal);
    return true;
  }

  async #choose(signal: AbortSignal, present: string | undefined): Promise<Sight | undefined> {
    const sights = await this.#parts.lookout.look(signal);
    if (signal.aborted) return undefined;
    await this.#referee.compare(sights, signal);
    return this.#chooser.choose(sights, present);
  }

  // --- what it says

  async #follow(first: Sight, signal: AbortSignal): Promise<void> {
    const { clock, timing, neighbours, note } = this.#parts;
    const source = nodeOf(first.peer);
    if (this.#tooNew && this.#tooNew.node !== source) this.#tooNew.isOnly = false;
    this.#cursor = await this.#position(signal);
    if (signal.aborted) return;
    const { index } = this.#cursor;
    if (index < first.floor || first.last - index > timing.maxStreamed) return this.#fetch(source, signal);
    note('a node is followed', { source, after: index });
    const params = { after: index, fingerprint: await this.#fingerprintAt(index) };
    const end = new AbortController();
    const either = AbortSignal.any([signal, end.signal]);
    const frames = framesOf(neighbours.read(source, asks.follow, params, either));
    const silence = new Silence(clock, timing.silentMs, () =>
      end.abort(coded('SILENT', `node ${source} has said nothing for ${timing.silentMs} ms`)),
    );
    const watching = this.#watch(source, end, either);
    watching.catch((error: unknown) => end.abort(error));
    try {
      for (;;) {
        const next = await abortable(frames.next(), either);
        if (next.done) throw coded('ENDED', `node ${source} ended the flow`);
        silence.pause();
        this.#heard++;
        if ('sight' in next.value) await this.#hear(source, next.value.sight, either);
        else await this.#take(next.value.entries, either);
        if (either.aborted) return;
        silence.begin();
      }
    } catch (error) {
      if (end.signal.reason !== another) throw error;
    } finally {
      silence.end();
      end.abort();
      // A source that hangs is not waited for.
      frames.return().catch(() => undefined);
      await watching;
    }
  }

  /**
   * Looks round while a source is followed, and ends that when twice another one would be chosen.
   * @throws GivenUp, LogError DAMAGED
   */
  async #watch(source: string, end: AbortController, signal: AbortSignal): Promise<void> {
    const { clock, timing } = this.#parts;
    for (let others = 0; others < 2;) {
      await sleep(clock, timing.lookMs, signal);
      if (signal.aborted) return;
      const best = await this.#choose(signal, source);
      others = best && nodeOf(best.peer) !== source ? others + 1 : 0;
    }
    end.abort(another);
  }

  /** Everything that was handed out is in the history: from there on it is followed. */
  async #position(signal: AbortSignal): Promise<Cursor> {
    const { keeper } = this.#parts;
    while (keeper.history.last < (this.#handedOut.at(-1)?.index ?? 0) && !signal.aborted) await keeper.grown(signal);
    return this.#stored();
  }

  /** The last entry that is in the history. */
  async #stored(): Promise<Cursor> {
    return lookInto(this.#parts.keeper, async (history) => {
      const { last: index } = history;
      const entry = await entryAt(history, index);
      return entry ? cursorAt(entry) : { ...beginning, index };
    });
  }

  #fingerprintAt(index: number): Promise<string> {
    return lookInto(this.#parts.keeper, (history) => fingerprintAt(history, index));
  }

  async #take(entries: readonly HistoryEntry[], signal: AbortSignal): Promise<void> {
    const { slice, cursor } = translate(entries, this.#cursor, this.#term);
    while (this.#handedOutBytes >= this.#parts.timing.maxHandedOutBytes && !signal.aborted)
      await this.#room.wait(signal);
    if (signal.aborted) return;
    const bytes = slice.data.bytes.length;
    this.#cursor = cursor;
    this.#upTo = cursor.index;
    this.#handedOut.push({ index: cursor.index, bytes });
    this.#handedOutBytes += bytes;
    this.#emit({ t: 'committed', slice });
  }

  #taken(index: number): void {
    for (let oldest = this.#handedOut[0]; oldest && oldest.index <= index; oldest = this.#handedOut[0]) {
      this.#handedOut.shift();
      this.#handedOutBytes -= oldest.bytes;
    }
    this.#room.wake();
  }

  async #hear(source: string, sight: Sight, signal: AbortSignal): Promise<void> {
    const { whose, self } = this.#parts;
    if (sight.cluster !== whose.cluster || sight.generation !== whose.generation || nodeOf(sight.peer) !== source)
      throw coded('STRANGE', `node ${source} is of another lab, generation or name`);
    if (!sight.isPeer) throw coded('NO_PEER', `node ${source} takes no part in consensus any more`);
    const leader = sight.leader === null || sight.leader === self ? undefined : sight.leader;
    this.#tell(sight.term, leader);
    this.#status = {
      peer: self,
      term: this.#term,
      role: 'follower',
      leader: this.#leader,
      configuration: sight.configuration,
      lastIndex: Math.max(sight.last, this.#cursor.index),
      committed: Math.max(sight.committed, this.#cursor.index),
      isSuspect: false,
      peers: [],
    };
    this.#emit({ t: 'status', status: this.#status });
    await this.#referee.compare([sight], signal);
  }

  #hearNobody(): void {
    if (this.#leader === undefined) return;
    this.#tell(this.#term, undefined);
    if (this.#status) this.#emit({ t: 'status', status: { ...this.#status, leader: undefined } });
  }

  #tell(term: number, leader: PeerId | undefined): void {
    if (term === this.#term && leader === this.#leader) return;
    this.#term = term;
    this.#leader = leader;
    this.#emit({ t: 'leadership', term, role: 'follower', leader, possibleLoss: false });
  }

  // --- far behind

  /**
   * Begins the history anew from that of the source, once the leader has said that it is the group's, and lets the log
   * fetch the segments from whoever has them.
   */
  async #fetch(source: string, signal: AbortSignal): Promise<void> {
    const { neighbours, snapshots, keeper, lookout, note } = this.#parts;
    const { index: own } = this.#cursor;
    // What is here is not thrown away before it is known to be the group's, too.
    if (own > keeper.history.floor.index) await this.#referee.checkOwn(own, signal);
    const head = await fetchHead(neighbours, source, signal);
    const group = await this.#referee.ofGroup({ index: head.index, after: head.floor }, signal);
    if (!group) throw coded('NO_LEADER', 'no leader says whether what a node has is the history of the group');
    const isSame = group.fingerprint === head.fingerprint && group.segments === head.segments;
    if (!isSame || group.term === null)
      throw coded('STRANGE', `node ${source} offers another history than that of the group`);
    const newest = lookout.newest;
    if (signal.aborted || !newest) return;
    if (head.index <= keeper.history.last)
      throw coded('BEHIND', `node ${source} offers its history up to entry ${head.index} alone`);
    note('the history is fetched', { source, from: own, to: head.index });
    const meta = { index: head.index, term: group.term, configuration: newest.configuration };
    const pointer = await snapshots.write(meta, only(head.row));
    this.#upTo = head.index;
    this.#emit({ t: 'installed', pointer });
    while (keeper.history.last < head.index && !signal.aborted) await keeper.grown(signal);
    // It is there as soon as it is begun; what was before is fetched next, and goes on being fetched after a restart.
    await this.#whole(signal);
  }

  async #whole(signal: AbortSignal): Promise<void> {
    const { keeper, clock, timing } = this.#parts;
    while (keeper.history.missing().length > 0 && !signal.aborted) await sleep(clock, timing.hurryMs, signal);
  }

  // --- reads

  /** The leader is asked, as a member would; where it does not answer, the node that is followed asks on. */
  async #read(request: string): Promise<void> {
    const whom = [this.#leader && nodeOf(this.#leader), this.#source].filter((node) => node !== undefined);
    for (const node of new Set(whom)) {
      const question = { node, method: asks.read, said: null, withinMs: this.#parts.timing.askMs };
      const index = await ask(this.#parts, question, this.#ended.signal);
      if (typeof index === 'number') return this.#emit({ t: 'read', request, index });
    }
    this.#emit({ t: 'read-refused', request, why: whom.length === 0 ? 'no-leader' : 'unanswered' });
  }
}

/** Why a source is left that is as good as before. */
const another = new Error('another source is better');

/** What no other source would make better: what the group gave up, and this node's own disk. */
const isFatal = (error: unknown): boolean =>
  error instanceof GivenUp || error instanceof OtherHistory || error instanceof StoreError;

const isTooNew = (error: unknown): boolean => error instanceof LogError && error.code === 'TOO_NEW';

/** Codes of a source that has, or says, what cannot be. */
const isWrong = (error: unknown): boolean => ['UNLIKE', 'DAMAGED', 'STRANGE'].includes(codeOf(error));

async function* only(row: Uint8Array): AsyncGenerator<Uint8Array> {
  yield row;
}
