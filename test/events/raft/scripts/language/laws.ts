/**
 * What must hold in every script, whatever it is about: a wrong output could be taken for a right one, a broken law
 * cannot. (The paper's Figure 3, and what must be on a disk before a message leaves.)
 */
import { invariant, type Entry, type HardState, type PeerId } from '#events/raft/entry.ts';
import type { Message } from '#events/raft/message.ts';
import type { Disk } from './disk.ts';
import type { Member } from './member.ts';
import { entryLine } from './print.ts';

export class Laws {
  readonly #leaders = new Map<number, PeerId>();
  /** By place (index and term): what stands there, and the term before. */
  readonly #places = new Map<string, string>();
  /** By index: what is committed. */
  readonly #committed = new Map<number, { readonly term: number; readonly line: string }>();
  readonly #ballots = new Map<PeerId, HardState>();

  check(members: Iterable<Member>): void {
    for (const member of members) {
      this.#ballotHolds(member);
      if (!member.raft) continue;
      this.#logMatches(member);
      this.#oneLeader(member);
      this.#committedStays(member);
    }
  }

  /** Whoever has this id from now on is somebody else. */
  forget(id: PeerId): void {
    this.#ballots.delete(id);
  }

  /** As it leaves. What is said of a term that the disk has left behind can be taken back by no crash. */
  checkLeaving(message: Message, { hardState, last }: Disk): void {
    const { type, from, to, term } = message;
    if (hardState.term > term) return;
    const isVoteOnDisk = (whom: PeerId) => hardState.term === term && hardState.vote === whom;
    if (type === 'vote') invariant(isVoteOnDisk(from), () => `${from} campaigns with a vote that its disk has not`);
    if (type === 'vote-response' && message.granted)
      invariant(isVoteOnDisk(to), () => `${from} gives ${to} a vote that its disk has not`);
    if (type === 'append-response' && !message.hint)
      invariant(message.index <= last, () => `${from} acknowledges ${message.index}; its disk ends at ${last}`);
  }

  /** Terms never fall, and a vote is never taken back. */
  #ballotHolds({ id, disk: { hardState } }: Member): void {
    const before = this.#ballots.get(id);
    this.#ballots.set(id, hardState);
    if (!before) return;
    invariant(hardState.term >= before.term, () => `the stored term of ${id} fell`);
    invariant(
      hardState.term > before.term || before.vote === undefined || hardState.vote === before.vote,
      () => `${id} voted twice in term ${hardState.term}`,
    );
  }

  /** At most one leader in a term (§5.2), with everything that is committed (§5.4). */
  #oneLeader({ raft }: Member): void {
    if (!raft || raft.status.role.name !== 'leader') return;
    const { id, term, role } = raft.status;
    const other = this.#leaders.get(term);
    invariant(other === undefined || other === id, () => `${id} and ${other} lead in term ${term}`);
    if (other !== undefined) return;
    this.#leaders.set(term, id);
    for (const [index, entry] of this.#committed) {
      if (index < raft.log.first) continue;
      const hasIt = raft.log.termAt(index) === entry.term;
      if (role.possibleLoss && !hasIt) this.#committed.delete(index);
      else invariant(hasIt, () => `${id} leads without ${entry.line}, which is committed`);
    }
  }

  /** Two logs with the same entry have the same before it (§5.3). */
  #logMatches({ id, raft }: Member): void {
    if (!raft) return;
    for (let index = raft.log.first; index <= raft.log.last; index++) {
      const entry = raft.log.at(index) as Entry;
      const line = `${entryLine(entry)} after term ${raft.log.termAt(index - 1)}`;
      const place = `${index}@${entry.term}`;
      const known = this.#places.get(place);
      invariant(known === undefined || known === line, () => `${id} has ${line}, others ${known}`);
      this.#places.set(place, line);
    }
  }

  /** What is committed once is committed for good, and the same everywhere. */
  #committedStays({ id, raft }: Member): void {
    if (!raft) return;
    const { committed, lastIndex, applied } = raft.status;
    invariant(committed <= lastIndex && applied <= committed, () => `${id} is ahead of its log`);
    for (let index = raft.log.first; index <= committed; index++) {
      const entry = raft.log.at(index) as Entry;
      const line = entryLine(entry);
      const known = this.#committed.get(index);
      invariant(known === undefined || known.line === line, () => `${id} committed ${line}, others ${known?.line}`);
      this.#committed.set(index, { term: entry.term, line });
    }
  }
}
