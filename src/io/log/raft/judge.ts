/**
 * What a member can start with, after everything on its disk was read. Pure.
 *
 * A member that lost what it may have acknowledged, a vote or an entry, must not go on as if nothing had happened: it
 * would take back what others counted on. It starts as a *suspect* (safety rule 14), with what is intact and with the
 * mark of how far it had gone, until the group has brought it back to there.
 *
 * Suspect: something after the start is damaged or missing; the log is shorter than its watermark or commit index, or
 * has another entry at the watermark; it does not reach what was applied; term and vote are unreadable, or behind the
 * watermark or the log; the identity is gone from the database; there is no watermark. The last one even if nothing else
 * is wrong: without it nobody can tell a whole log from one that lost its newest entries and its last vote, and an old
 * image of a database put back looks exactly like that.
 * Not suspect: an entry at the very end, above the watermark, that was not written to its end. Nobody was told of it.
 */
import type { HardState, SnapshotMeta } from '#events/raft/entry.ts';
import type { RaftStart } from '#events/raft/raft.ts';
import type { Watermark } from '#events/raft/state.ts';
import type { Scanned } from './scan.ts';
import type { StoredState } from './small-records.ts';
import type { Finding } from './storage.ts';
import { both, isFurther, type Position } from './suspicion.ts';
import type { Mark } from './watermark.ts';

export interface Found {
  /** Whether the database knows whose it is. */
  readonly hasIdentity: boolean;
  /** Where the log starts, as far as that can be used. */
  readonly start: SnapshotMeta;
  readonly state: StoredState | undefined;
  readonly mark: Mark | undefined;
  /** By the history. */
  readonly applied: Position | undefined;
  readonly scanned: Scanned;
}

/** With what a member starts, and why so. */
export interface JudgedStart {
  readonly start: Omit<RaftStart, 'id'>;
  readonly findings: readonly Finding[];
}

export function judge(found: Found): JudgedStart {
  const { start, mark, scanned } = found;
  const news = newFindings(found);
  const isSuspect = scanned.isBroken || news.length > 0;
  const ballot = ballotOf(found);
  const before = both(mark?.suspicion, found.state?.suspicion);
  const suspect = isSuspect ? both(before, furthestOf(found, ballot.term)) : before;
  const still: Finding[] = before ? [{ kind: 'still-suspect', explain: stillSuspect(before) }] : [];
  return {
    findings: [...scanned.findings, ...news, ...still],
    start: {
      // What stood where the commit index points may not be what stands there now.
      hardState: { ...ballot, commit: suspect ? start.index : Math.max(ballot.commit, start.index) },
      snapshot: start,
      entries: scanned.entries,
      ...(scanned.base.index < start.index ? { base: scanned.base } : {}),
      ...(suspect ? { suspect } : {}),
    },
  };
}

/** Everything that makes a suspect, except what the scan found already. */
function newFindings({ hasIdentity, state, mark, applied, scanned }: Found): readonly Finding[] {
  const findings: Finding[] = [];
  const add = (kind: Finding['kind'], explain: string): void => void findings.push({ kind, explain });
  const { last } = scanned;
  if (!hasIdentity)
    add('lost-identity', 'The database of the consensus log does not know whose it is: it was lost or damaged.');
  if (!state) add('lost-hard-state', 'Term and vote are missing or damaged.');
  else if (state.term < last.term)
    add('lost-hard-state', `The stored term is ${state.term}, but the log has entries of term ${last.term}.`);
  else if (mark && isBehind(state, mark))
    add(
      'lost-hard-state',
      `Term and vote are those of term ${state.term}, but the watermark knows newer ones of term ${mark.term}.`,
    );
  if (!mark)
    add(
      'lost-watermark',
      'The watermark is missing or damaged: nobody can tell whether newer entries or a vote were lost.',
    );
  const reached = Math.max(mark?.lastIndex ?? 0, state?.commit ?? 0);
  const termAtMark = mark && termAt(scanned, mark.lastIndex);
  if (last.index < reached) {
    const explain = `The log ends at entry ${last.index}, but went on to entry ${reached} at least.`;
    // Behind damage that is said already.
    if (!scanned.isBroken) add('shorter-than-watermark', explain);
  } else if (termAtMark !== undefined && termAtMark !== mark?.lastTerm)
    add(
      'unlike-watermark',
      `Entry ${mark?.lastIndex} is of term ${termAtMark}, but one of term ${mark?.lastTerm} was stored there last.`,
    );
  if (applied && isFurther(applied, last) && findings.length === 0 && !scanned.isBroken)
    add('behind-history', `The log ends at entry ${at(last)}, but entry ${at(applied)} was applied here.`);
  return findings;
}

const at = ({ index, term }: Position): string => `${index} of term ${term}`;

const isBehind = ({ term, vote }: HardState, mark: Mark): boolean =>
  term < mark.term || (term === mark.term && mark.vote !== undefined && vote !== mark.vote);

/** The latest term that this member is known to have been in, and its vote in it. */
function ballotOf({ state, mark, applied, scanned }: Found): HardState {
  const known: HardState = state ?? { term: 0, vote: undefined, commit: 0 };
  const term = Math.max(known.term, mark?.term ?? 0, applied?.term ?? 0, scanned.last.term);
  const voteOfTerm = (of: { readonly term: number; readonly vote: HardState['vote'] } | undefined): HardState['vote'] =>
    of?.term === term ? of.vote : undefined;
  return { term, vote: voteOfTerm(mark) ?? voteOfTerm(known), commit: known.commit };
}

/** How far it is known to have gone: by what stands here, behind the damage too, by commit index, history and watermark. */
function furthestOf({ mark, state, applied, scanned }: Found, term: number): Watermark {
  const { last, furthest } = scanned;
  // Of which term a committed entry was that is gone nobody knows: of none later than that of the hard state.
  const committed = state && state.commit > last.index ? { index: state.commit, term: state.term } : last;
  const { index: lastIndex, term: lastTerm } = [furthest, committed, applied ?? last].reduce(
    (best, one) => (isFurther(one, best) ? one : best),
    last,
  );
  const seen = { term: Math.max(term, furthest.term), lastIndex, lastTerm };
  return both(seen, mark) ?? seen;
}

/** @returns undefined for what is before the oldest entry or after the last */
function termAt({ base, entries }: Scanned, index: number): number | undefined {
  return index === base.index ? base.term : entries[index - base.index - 1]?.term;
}

const stillSuspect = ({ lastIndex }: Watermark): string =>
  `This member lost a part of its log before; it went on to entry ${lastIndex} at least, and the group has not yet brought it back.`;
