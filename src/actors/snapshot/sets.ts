/**
 * Sets: snapshots of all volumes of an app that belong together. They have one name and one lead, the first of them:
 * the work of the lead takes all that are on its node, around the commands of the app, and the others ask for none.
 * So a set is whole or it failed.
 */
import { streamOf, type AnyDraft, type StreamId } from '#events/envelope.ts';
import type { SnapshotReason } from '#events/snapshot.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import type { Commands } from '../commands.ts';
import { draft, drafts, nameTaken, startOperation, withNamed } from '../drafting.ts';
import { reject } from '../rejection.ts';
import { freeName, requestSnapshot } from './request.ts';

/** Sorted by what the app calls them. */
function volumesOf(app: StreamId<'app'>, lab: LabView): readonly ActorState<'volume'>[] {
  const known = Object.entries(lab.get(app)?.context.volumes ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return known.flatMap(([, stream]) => lab.get(stream) ?? []);
}

export const readyVolumesOf = (app: StreamId<'app'>, lab: LabView): readonly ActorState<'volume'>[] =>
  volumesOf(app, lab).filter(({ state }) => state === 'ready');

/** One set for each node that has some of them. @param how `from`: which id of the command the first one takes, and so on */
export function requestSet(
  volumes: readonly ActorState<'volume'>[],
  how: {
    readonly id: Ask<unknown>['id'];
    readonly from: number;
    readonly now: number;
    readonly reason: SnapshotReason;
    readonly name?: string;
    readonly note?: string;
  },
  lab: LabView,
): readonly AnyDraft[] {
  const streams = volumes.map(({ stream }) => stream);
  const name = how.name ?? freeName(how.now, streams, lab);
  const note = how.note === undefined ? {} : { note: how.note };
  const idOf = (volume: ActorState<'volume'>): string => how.id(how.from + volumes.indexOf(volume));
  return [...new Set(volumes.map(({ context }) => context.node))].flatMap((node) => {
    const there = volumes.filter(({ context }) => context.node === node);
    const [first] = there;
    if (!first) return [];
    const set = { lead: streamOf('snapshot', idOf(first)), size: there.length };
    return there.map((volume) =>
      requestSnapshot(volume, idOf(volume), how.now, how.reason, lab, { name, set, ...note }),
    );
  });
}

/** By hand a set has all volumes of the app, or nothing is taken. */
export function takeAppSnapshot(ask: Ask<Commands['take-app-snapshot']>, lab: LabView): Decision {
  const { namespace, name, as, note } = ask.input;
  return withNamed(lab, 'app', { namespace, name }, (app) => {
    const volumes = volumesOf(app.stream, lab);
    if (volumes.length === 0) return reject('NOT_NOW', `App ${name} has no volumes.`, 'There is nothing to snapshot.');
    const busy = volumes.find(({ state }) => state !== 'ready');
    if (busy) {
      return reject(
        'NOT_NOW',
        `Volume ${busy.context.metadata.name} of app ${name} is ${busy.state}.`,
        'A set needs all volumes of the app to be ready. Of a single one: floatlab volume snapshot VOLUME.',
      );
    }
    const isTaken = (volume: ActorState<'volume'>): boolean =>
      lab.referrers(volume.stream, 'snapshot').some(({ context }) => context.metadata.name === as);
    if (as !== undefined && volumes.some(isTaken)) return nameTaken('snapshot', as);
    const streams = volumes.map(({ stream }) => stream);
    const named = as ?? freeName(ask.now, streams, lab);
    const more = note === undefined ? {} : { note };
    return drafts(
      startOperation(ask, 'take-app-snapshot', streamOf('snapshot', ask.id(1)), `${name}@${named}`, namespace),
      requestSet(volumes, { id: ask.id, from: 1, now: ask.now, reason: 'manual', name: named, ...more }, lab),
    );
  });
}

/** Those of the same set that are still to be taken, the lead first. */
export const membersTaking = (lead: StreamId<'snapshot'>, lab: LabView): readonly ActorState<'snapshot'>[] =>
  lab
    .referrers(lead, 'snapshot')
    .filter(({ state, context }) => state === 'taking' && context.set?.lead === lead)
    .toSorted((a, b) => Number(b.stream === lead) - Number(a.stream === lead));

/** Whoever leads a set and is not taken leaves the others without one who takes them. */
export const lostWith = (snapshot: StreamId<'snapshot'>, problem: Problem, lab: LabView): readonly AnyDraft[] =>
  membersTaking(snapshot, lab)
    .filter(({ stream }) => stream !== snapshot)
    .map(({ stream }) => draft(stream, 'snapshot.failed', { problem }));
