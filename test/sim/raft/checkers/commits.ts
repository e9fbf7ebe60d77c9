/**
 * State machine safety: at an index every member applies the same entry. Leader completeness: whoever leads has all that
 * was committed in earlier terms. What is committed is on the disks of a majority (of both, in a joint configuration)
 * at that moment. Only everybody's vote can give up what is committed.
 */
import type { Configuration } from '#events/raft/configuration.ts';
import type { Entry, PeerId } from '#events/raft/entry.ts';
import type { Member } from '#io/world/consensus/member.ts';
import { machineOf } from '#io/world/consensus/network.ts';
import type { ModelDisk } from '#io/world/consensus/model-disk.ts';
import { isSameEntry, nameOf, type Truth } from '../truth.ts';
import type { Checker } from './checker.ts';

export function checkCommits(truth: Truth): Checker {
  const { committed, complain, group } = truth;

  const diskOf = (peer: PeerId): ModelDisk | undefined => {
    const machine = group().machines.find(({ name }) => name === machineOf(peer));
    // After a wipe another member lives there; it is not this one's disk any more.
    return machine && `${machine.name}@${machine.incarnation}` === peer ? machine.disk : undefined;
  };

  const commit = (member: Member, entry: Entry): void => {
    const before = committed.get(entry.index);
    if (before) {
      if (!isSameEntry(before, entry))
        complain(`${member.id} commits entry ${nameOf(entry)}; committed is ${nameOf(before)}`);
      return;
    }
    committed.set(entry.index, entry);
    truth.commitIndex = Math.max(truth.commitIndex, entry.index);
  };

  /** Terms of the leaders that committed them. */
  const committedIn = new Map<number, number>();
  /** `member index term` of what was ever on a disk: what damage takes away later was there nevertheless. */
  const stored = new Set<string>();

  const hadStored = (peer: PeerId, { index, term }: Entry): boolean =>
    stored.has(`${peer} ${index} ${term}`) || (diskOf(peer)?.has(index, term) ?? false);

  const isOnMajority = ({ voters, outgoing }: Configuration, entry: Entry): boolean =>
    [voters, outgoing].every((half) => {
      const having = half.filter((peer) => hadStored(peer, entry));
      return half.length === 0 || having.length > half.length / 2;
    });

  /** A leader that everybody had to elect, because too many disks had lost something. */
  const forgive = (member: Member): void => {
    const { log, status } = member.raft;
    const { voters, outgoing } = status.configuration;
    for (const half of [voters, outgoing]) {
      const gone = half.filter((peer) => diskOf(peer) === undefined);
      if (gone.length > 0) complain(`${member.id} leads by everybody's vote, but ${gone.join(', ')} cannot have voted`);
    }
    for (const [index, entry] of committed) if (index >= log.first && log.termAt(index) !== entry.term) truth.lost++;
  };

  return {
    stored: (member, { entries }) => {
      for (const { index, term } of entries) stored.add(`${member.id} ${index} ${term}`);
    },
    stepped: (member) => {
      const { role, committed: upTo, configuration, term } = member.raft.status;
      const { log } = member.raft;
      // An older entry is committed by what comes after it, never by being counted itself (§5.4.2).
      if (role.name === 'leader' && upTo > truth.commitIndex && log.termAt(upTo) !== term)
        complain(`${member.id} commits entry ${upTo} of term ${log.termAt(upTo)} by counting, in term ${term}`);
      for (let index = truth.commitIndex + 1; index <= upTo; index++) {
        const entry = log.at(index);
        if (!entry) continue;
        commit(member, entry);
        if (role.name !== 'leader') complain(`${member.id} follows, and is the first to commit ${nameOf(entry)}`);
        committedIn.set(index, term);
        if (role.name === 'leader' && !isOnMajority(configuration, entry))
          complain(`${member.id} commits ${nameOf(entry)} in term ${term}, which no majority has on its disks`);
      }
    },
    leadership: (member, { role, term, possibleLoss }) => {
      if (role !== 'leader') return;
      if (possibleLoss) forgive(member);
      if (truth.lost > 0) return;
      const { log } = member.raft;
      for (const [index, entry] of committed) {
        // In a later term than this one it may have been committed without this leader, which nobody follows any more.
        const isEarlier = (committedIn.get(index) ?? 0) < term;
        if (isEarlier && index >= log.first && log.termAt(index) !== entry.term)
          complain(`${member.id} leads term ${term} without committed entry ${nameOf(entry)}`);
      }
    },
    applied: (member, entries) => {
      for (const entry of entries) commit(member, entry);
    },
  };
}
