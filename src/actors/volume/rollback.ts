/**
 * Going back to a snapshot. Nothing is lost by it: what is there now is kept as a snapshot, and newer snapshots stay. But
 * they are of another line from then on (`lineage.ts`), on which nothing is built any more: who goes back past them says
 * so.
 */
import { streamOf } from '#events/envelope.ts';
import type { Decisions } from '../commands.ts';
import { draft, drafts, newMetadata, startOperation, withNamed, withVisit } from '../drafting.ts';
import { reject } from '../rejection.ts';
import { beingTransferred } from '../transfer/under-way.ts';
import { handoverUnderWay } from './handover.ts';
import { leftBehind, presentOf } from './lineage.ts';
import { draining, goingOn, pausedBy } from './pausing.ts';
import { reported, write } from './scopes.ts';

export const rollbackDecisions: Decisions<'rollback-volume' | 'report-volume-rolled-back'> = {
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
          draining(volume.stream, lab),
        );
      }),
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
          goingOn(input.volume, lab),
        );
      }),
  },
};

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
