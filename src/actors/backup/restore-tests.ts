/**
 * Restores as a test: a backup is brought back into a scratch volume, a dataset that is made for it and belongs to nobody,
 * and compared. The state of the backup says where that is until its node has said that it is gone; a pool that is lost
 * takes it along.
 */
import type { StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import { backoffOf, keeperOf, waitsForPerson } from '../backup-target/known.ts';
import type { Commands } from '../commands.ts';
import { draft, drafts, startOperation, unchanged } from '../drafting.ts';
import { isMember, membersOf, runsApps } from '../node/known.ts';
import { isLeaving, leftOf } from '../placement/capacity.ts';
import { poolStream } from '../pool/stream.ts';
import { reject } from '../rejection.ts';
import { scratchBytes, seriesOf } from './known.ts';
import { isTested, termsOf } from './terms.ts';

type Backup = ActorState<'backup'>;

export function testRestore(ask: Ask<Commands['verify-backup']>, backup: Backup, lab: LabView): Decision {
  const { name, namespace } = ask.input;
  if (backup.state === 'testing') return unchanged;
  if (!['verified', 'unverified'].includes(backup.state)) {
    return reject(
      'NOT_NOW',
      `Backup ${name} is ${backup.state}.`,
      backup.state === 'damaged'
        ? `Read it back first: floatlab backup verify ${name}.`
        : 'Only what was written can be restored.',
    );
  }
  const place = scratchPlace(backup, lab);
  if ('code' in place) return reject('NO_NODE_FITS', place.message, place.hint);
  return drafts(
    startOperation(ask, 'verify-backup', backup.stream, name, namespace),
    draft(backup.stream, 'backup.restore-test-requested', place),
  );
}

/** One on schedule: where there is no room for it, that is its outcome. */
export function beginRestoreTest(ask: Ask<Commands['begin-restore-test']>, lab: LabView): Decision {
  const backup = lab.get(ask.input.backup);
  const target = backup && lab.get(backup.context.target);
  if (!backup || !['verified', 'unverified'].includes(backup.state)) return unchanged;
  // A target that nobody reaches says so itself.
  if (target?.state !== 'ready' || keeperOf(target, lab) === undefined) return unchanged;
  const place = scratchPlace(backup, lab);
  return drafts(
    'code' in place
      ? draft(backup.stream, 'backup.restore-test-failed', {
          problem: place,
          retryAt: testRetryOf(backup, place, ask.now),
        })
      : draft(backup.stream, 'backup.restore-test-requested', place),
  );
}

export const testRetryOf = ({ stream, context }: Backup, { code }: Problem, now: number): number | null =>
  waitsForPerson(code) ? null : now + backoffOf(stream, (context.failedTest?.failures ?? 0) + 1);

/** Why a test that is under way cannot come to its end any more: what it was made in is not of the lab. */
export function lostScratch({ state, context }: Backup, lab: LabView): Problem | undefined {
  const { node: on, scratchPool: pool } = context;
  if (state !== 'testing' || on === null || pool === null) return undefined;
  const node = lab.get(on);
  const isKnown = node?.context.facts.pools.some(({ name }) => name === pool) || lab.get(poolStream(on, pool));
  if (node && isMember(node) && isKnown) return undefined;
  return {
    code: 'POOL_MISSING',
    message: `Pool ${pool}, into which it was being restored, is not of the lab any more.`,
  };
}

/**
 * The next one of a target: the newest good backup of the series whose last test is the oldest. One at a time.
 * @returns undefined where none is asked for, or one is under way
 */
export function nextRestoreTest(
  target: ActorState<'backup-target'>,
  lab: LabView,
): { readonly backup: StreamId<'backup'>; readonly dueAt: number } | undefined {
  if (!isTested(target, lab)) return undefined;
  const series = new Map<string, Backup[]>();
  for (const backup of lab.referrers(target.stream, 'backup')) {
    if (backup.state === 'testing') return undefined;
    if (backup.state !== 'verified' && backup.context.restoreTest === null) continue;
    const key = seriesOf(backup);
    const known = series.get(key);
    if (known) known.push(backup);
    else series.set(key, [backup]);
  }
  let next: { readonly backup: StreamId<'backup'>; readonly dueAt: number } | undefined;
  for (const backups of series.values()) {
    const [newest] = backups
      .filter(({ state }) => state === 'verified')
      .toSorted((a, b) => (b.context.takenAt ?? 0) - (a.context.takenAt ?? 0));
    const every = termsOf(backups, target, lab).testRestoreEveryMs;
    if (!newest || every === undefined) continue;
    const dueAt = dueAtOf(newest, backups, every);
    if (dueAt !== undefined && (!next || dueAt < next.dueAt)) next = { backup: newest.stream, dueAt };
  }
  return next;
}

/** What failed is tried again with its own patience, and after the whole interval where only a person can help. */
function dueAtOf(newest: Backup, series: readonly Backup[], every: number): number | undefined {
  const { failedTest } = newest.context;
  if (failedTest) return failedTest.retryAt ?? failedTest.at + every;
  const tested = series.map(({ context: { restoreTest } }) => restoreTest?.at ?? 0);
  const last = Math.max(...tested);
  return last === 0 ? (newest.context.verifiedAt ?? undefined) : last + every;
}

/** Where the volume is, else where the lab has the most room for it. */
function scratchPlace(
  backup: Backup,
  lab: LabView,
): { readonly node: StreamId<'node'>; readonly pool: string } | Problem {
  const needed = scratchBytes(backup);
  const volume = backup.context.volume === null ? undefined : lab.get(backup.context.volume);
  const home = volume?.context.node;
  const places = membersOf(lab)
    .filter((node) => node.state === 'up' && runsApps(node))
    .flatMap((node) =>
      node.context.facts.pools
        .filter(({ name }) => !isLeaving(name, node.stream, lab))
        .map((pool) => ({ node: node.stream, pool: pool.name, leftBytes: leftOf(pool, node, lab) })),
    )
    .filter(({ leftBytes }) => leftBytes >= needed)
    .toSorted((a, b) => Number(b.node === home) - Number(a.node === home) || b.leftBytes - a.leftBytes);
  const [best] = places;
  if (best) return { node: best.node, pool: best.pool };
  return {
    code: 'NO_NODE_FITS',
    message: `No pool has room for a scratch volume of backup ${backup.context.metadata.name}.`,
    hint: 'Delete volumes that nobody needs, or give the lab a larger pool; until then it is only read back.',
  };
}
