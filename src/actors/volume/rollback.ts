/**
 * Going back to a snapshot. Nothing is lost by it: what is there now is kept as a snapshot, and newer snapshots stay. But
 * they are of another line from then on (`lineage.ts`), on which nothing is built any more: who goes back past them says
 * so.
 *
 * A file system goes back as a whole or not at all. When the node says that nothing happened, the volume is what it was,
 * and its app goes on. It says so only of what it has seen: a roll-back whose end is not known has failed, and what uses
 * the volume waits for a person, who tries it again or cancels it.
 */
import { streamOf, type AnyDraft } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import type { Decisions } from '../commands.ts';
import { draft, drafts, newMetadata, startOperation, unchanged, withNamed, withVisit } from '../drafting.ts';
import { reject } from '../rejection.ts';
import { beingTransferred } from '../transfer/under-way.ts';
import { handoverUnderWay } from './handover.ts';
import { leftBehind, presentOf } from './lineage.ts';
import { snapshotsLost } from './looks.ts';
import { draining, failedFor, goingOn, pausedBy, pausedFor } from './pausing.ts';
import { reported, write } from './scopes.ts';

type Rollbacks = 'rollback-volume' | 'cancel-rollback' | 'report-volume-rolled-back' | 'report-volume-rollback-failed';

export const rollbackDecisions: Decisions<Rollbacks> = {
  'rollback-volume': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'volume', ask.input, (volume) => {
        const { name, namespace, snapshot: wanted, pastNewer } = ask.input;
        if (volume.context.handover !== null) return handoverUnderWay(volume);
        const siblings = lab.referrers(volume.stream, 'snapshot');
        const snapshot = siblings.find(({ context }) => context.metadata.name === wanted);
        if (snapshot?.state !== 'available') return noSnapshot(name, wanted, 'to go back to');
        const available = siblings.filter(({ state }) => state === 'available').map(({ context }) => context);
        const newer = leftBehind(snapshot.context, available, volume.context.lineages).toSorted(
          (a, b) => a.requestedAt - b.requestedAt,
        );
        if (newer.length > 0 && !pastNewer)
          return pastSome(
            name,
            wanted,
            newer.map(({ metadata }) => metadata.name),
          );
        // It would hold what the volume is after the roll-back, and say that it is of the line before it.
        const taking = siblings.find(({ state }) => state === 'taking');
        if (taking) {
          return reject(
            'NOT_NOW',
            `Snapshot ${taking.context.metadata.name} of volume ${name} is being taken.`,
            'Try again when that is done.',
          );
        }
        const busy = beingTransferred(volume, lab);
        if (busy) return busy;
        const app = pausedBy(volume.stream, lab);
        return drafts(
          // Who asks wants the old content served again: it is done when the app runs on it.
          startOperation(ask, 'rollback-volume', app?.stream ?? volume.stream, name, namespace),
          draft(volume.stream, 'volume.rollback-requested', { snapshot: snapshot.stream, stash: `stash-${ask.id(1)}` }),
          draining([volume.stream], lab),
        );
      }),
  },

  'cancel-rollback': {
    scope: write,
    decide: (ask, lab) => withNamed(lab, 'volume', ask.input, (volume) => cancelRollback(ask, volume, lab)),
  },

  'report-volume-rolled-back': {
    scope: reported,
    decide: ({ input, id }, lab) =>
      withVisit(lab, input.volume, input.visit, (volume) => {
        const { rollback, lineages, metadata } = volume.context;
        const to = rollback && lab.get(rollback.to)?.context;
        const stash = streamOf('snapshot', id(0));
        return drafts(
          draft(input.volume, 'volume.rolled-back', to ? { from: { lineage: to.lineage, at: to.requestedAt } } : {}),
          draft(stash, 'snapshot.requested', {
            metadata: newMetadata(id(0), input.stash.name, metadata.namespace),
            volume: input.volume,
            reason: 'stash',
            note: 'what a roll-back replaced',
            ...(presentOf(lineages) === 1 ? {} : { lineage: presentOf(lineages) }),
          }),
          draft(stash, 'snapshot.taken', { guid: input.stash.guid, takenAt: input.stash.takenAt }),
          goingOn([input.volume], lab),
        );
      }),
  },

  'report-volume-rollback-failed': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.volume, input.visit, (volume) => {
        const { rollback } = volume.context;
        if (volume.state !== 'rolling-back' || rollback === null) return unchanged;
        const to = lab.get(rollback.to);
        return drafts(
          abandonedRollback(volume, rollback.isCanceled ? canceled : input.problem, lab),
          input.isGone && to?.state === 'available' ? snapshotsLost(volume, [to], lab) : [],
        );
      }),
  },
};

/** Before anything has happened, or after it has failed; in between there is no way back. */
export function cancelRollback(ask: Ask<unknown>, volume: ActorState<'volume'>, lab: LabView): Decision {
  const { rollback, failedIn, problem, metadata } = volume.context;
  const { name, namespace } = metadata;
  if (rollback === null) return unchanged;
  if (volume.state === 'draining') return drafts(abandonedRollback(volume, canceled, lab));
  if (volume.state === 'rolling-back' && rollback.isCanceled) return unchanged;
  if (volume.state === 'failed' && failedIn === 'rolling-back') {
    const apps = problem === null ? [] : failedFor(volume.stream, problem, lab);
    return drafts(
      startOperation(ask, 'cancel-rollback', volume.stream, name, namespace),
      draft(volume.stream, 'volume.rollback-canceled', {}),
      apps.map((app) => draft(app, 'app.paused', { for: volume.stream })),
    );
  }
  if (volume.state === 'discarded')
    return reject(
      'NOT_NOW',
      `Volume ${name} is deleted.`,
      `Recover it first, which finishes its roll-back: floatlab volume recover ${name}.`,
    );
  return volume.state === 'rolling-back'
    ? reject(
        'NOT_NOW',
        `Volume ${name} is being rolled back: there is no way back by now.`,
        'What it was is kept as a snapshot: go back to that when it is ready.',
      )
    : reject('NOT_NOW', `Volume ${name} is ${volume.state}.`, 'Its roll-back cannot be canceled any more.');
}

const canceled: Problem = { code: 'CANCELED', message: 'The roll-back was canceled.' };

/** The volume is what it was, and its app goes on. Whoever waits for the roll-back hears so. */
function abandonedRollback(volume: ActorState<'volume'>, problem: Problem, lab: LabView): readonly AnyDraft[] {
  const { stream } = volume;
  return [
    draft(stream, 'volume.rollback-abandoned', { problem }),
    ...[stream, ...pausedFor(stream, lab)]
      .flatMap((of) => lab.referrers(of, 'operation'))
      .filter(({ state, context: { command } }) => state === 'running' && command === 'rollback-volume')
      .map((operation) => draft(operation.stream, 'operation.failed', { problem })),
    ...goingOn([stream], lab),
  ];
}

const noSnapshot = (volume: string, snapshot: string, what: string) =>
  reject(
    'NOT_FOUND',
    `Volume ${volume} has no snapshot ${snapshot} ${what}.`,
    `floatlab volume snapshots ${volume} shows what there is.`,
  );

function pastSome(volume: string, snapshot: string, newer: readonly string[]): ReturnType<typeof reject> {
  const named = newer.slice(0, 5).join(', ') + (newer.length > 5 ? `, and ${newer.length - 5} more` : '');
  const are = newer.length === 1 ? 'One snapshot is' : `${newer.length} snapshots are`;
  return reject(
    'NEWER_SNAPSHOTS',
    `${are} newer than ${snapshot} of volume ${volume}: ${named}.`,
    `They would stay, in the line of the history that is left. To go back all the same: floatlab volume rollback ${volume} ${snapshot} --past-newer.`,
  );
}
