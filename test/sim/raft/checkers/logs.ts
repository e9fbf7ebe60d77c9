/**
 * Log matching: where two logs hold the same index and term, they are equal up to there. Leader append-only. The commit
 * index never falls in a life, and never leaves the log. Nothing is acknowledged that is not on the disk.
 *
 * Only what changed in a log is looked at: an entry is compared with what any log ever held at its index and term, and
 * so is the term before it; the rest follows by induction.
 */
import type { Entry } from '#events/raft/entry.ts';
import type { Member } from '#io/world/consensus/member.ts';
import { isSameEntry, type Truth } from '../truth.ts';
import type { Checker } from './checker.ts';

/** Of one life of a member. */
interface Shadow {
  /** Terms by index, as they were when it was looked at last. */
  readonly terms: Map<number, number>;
  last: number;
  committed: number;
  leading: number | undefined;
}

export function checkLogs({ complain }: Truth): Checker {
  const known = new Map<string, { readonly entry: Entry; readonly prevTerm: number | undefined }>();
  const shadows = new WeakMap<Member, Shadow>();

  const compare = (member: Member, index: number): void => {
    const { log } = member.raft;
    const entry = log.at(index);
    if (!entry) return;
    const prevTerm = log.termAt(index - 1);
    const key = `${index} ${entry.term}`;
    const other = known.get(key);
    if (!other) known.set(key, { entry, prevTerm });
    else if (!isSameEntry(entry, other.entry)) complain(`two entries of term ${entry.term} stand at ${index}`);
    else if (prevTerm !== undefined && other.prevTerm !== undefined && prevTerm !== other.prevTerm)
      complain(`entry ${index} of term ${entry.term} follows term ${prevTerm} here and ${other.prevTerm} elsewhere`);
  };

  return {
    sent: (member, message) => {
      if (message.type !== 'append-response' || message.hint || message.index === 0) return;
      const { disk, raft } = member;
      // An answer of an earlier term is about what stood there then; it may be replaced in the same batch of the disk.
      if (message.term !== raft.status.term) return;
      const term = raft.log.termAt(message.index);
      if (message.index > disk.lastIndex || (term !== undefined && !disk.has(message.index, term)))
        complain(`${member.id} acknowledges entry ${message.index}, which is not on its disk`);
    },
    stepped: (member) => {
      const { log, status } = member.raft;
      let shadow = shadows.get(member);
      if (!shadow) shadows.set(member, (shadow = { terms: new Map(), last: 0, committed: 0, leading: undefined }));
      const { terms } = shadow;

      let index = log.last;
      while (index >= log.first && !(index <= shadow.last && terms.get(index) === log.termAt(index))) index--;
      const isLeading = status.role.name === 'leader' ? status.term : undefined;
      if (isLeading !== undefined && isLeading === shadow.leading && index < shadow.last && index >= log.first)
        complain(`${member.id} replaces entry ${index + 1} of its own log while it leads`);
      for (let at = index + 1; at <= log.last; at++) {
        compare(member, at);
        terms.set(at, log.termAt(at) as number);
      }
      shadow.last = log.last;
      shadow.leading = isLeading;

      if (status.committed < shadow.committed) complain(`${member.id} takes back its commit index ${shadow.committed}`);
      if (status.committed > status.lastIndex)
        complain(`${member.id} holds entry ${status.committed} for committed; its log ends at ${status.lastIndex}`);
      shadow.committed = status.committed;
    },
  };
}
