/** What goes to the disk, and what it means when it has arrived. `ready.ts` has the law. */
import { onOwnVoteDurable } from './election.ts';
import { committed } from './leader.ts';
import type { StoreJob, StoreMark } from './ready.ts';
import { advanceCommit } from './replication.ts';
import type { Core, Watermark } from './state.ts';
import type { PeerId } from './entry.ts';

/** What was handed out to be stored last. */
export interface HandedOut {
  readonly term: number;
  readonly vote: PeerId | undefined;
  readonly suspect: Watermark | undefined;
  /** Index of the leader's snapshot. */
  readonly installing: number | undefined;
}

export function mustStore(core: Core): boolean {
  const { log, outbox, handedOut } = core;
  return (
    core.term !== handedOut.term ||
    core.vote !== handedOut.vote ||
    core.suspect !== handedOut.suspect ||
    (log.installing !== undefined && log.installing.index !== handedOut.installing) ||
    log.hasUnstored ||
    outbox.thenSend.length > 0
  );
}

/** The next job of the disk; none if there is nothing for it to do. */
export function takeStore(core: Core): StoreJob | undefined {
  if (!mustStore(core)) return undefined;
  const { log, outbox, handedOut, term, vote, suspect } = core;
  const snapshot = log.installing && log.installing.index !== handedOut.installing ? log.installing : undefined;
  const entries = log.takeUnstored();
  const isBallotNews = term !== handedOut.term || vote !== handedOut.vote;
  const writes = isBallotNews || suspect !== handedOut.suspect || snapshot !== undefined || entries.length > 0;
  core.handedOut = { term, vote, suspect, installing: log.installing?.index };
  if (!writes && !outbox.isStoring) {
    // All that these rest on is durable already.
    outbox.send.push(...outbox.takeThenSend());
    return undefined;
  }
  const mark: StoreMark = {
    job: outbox.beginJob(),
    term,
    vote,
    suspect,
    lastIndex: log.last,
    lastTerm: log.lastTerm,
    snapshotIndex: log.installing?.index,
  };
  return {
    snapshot,
    hardState: writes ? { term, vote, commit: log.committed } : undefined,
    entries,
    suspicion: suspect === handedOut.suspect ? undefined : (suspect ?? 'cleared'),
    thenSend: outbox.takeThenSend(),
    mark,
  };
}

/** A job is durable, and so are all before it. */
export function onStored(core: Core, mark: StoreMark): void {
  const { log, outbox } = core;
  outbox.endJob(mark);
  if (mark.snapshotIndex !== undefined) log.installed(mark.snapshotIndex);
  if (mark.term !== core.term) return;

  log.durableTo(mark.lastIndex, mark.lastTerm);
  if (core.role.name === 'candidate' && mark.vote === core.id) onOwnVoteDurable(core, core.role);
  if (core.role.name === 'leader' && advanceCommit(core, core.role)) committed(core, core.role);
  regainTrust(core);
}

/**
 * A member that lost part of its log is as good as any other again when its disk holds an entry of a leader of a later
 * term than those in which it may have acknowledged what it lost. Whatever was committed before is in that leader's
 * log, and therefore in its own; and what it acknowledged earlier counts no longer.
 */
function regainTrust(core: Core): void {
  const { suspect, log, term } = core;
  if (suspect && term > suspect.term && log.termAt(log.durable) === term) core.suspect = undefined;
}
