/**
 * Where an app runs. Its volumes come first: they are placed together on one node, and the app is assigned to the
 * node that holds them. A volume without an app is placed by itself. When nothing fits, the app or the volume says why
 * it waits: at once, and once more when that has lasted, so that somebody is told who does not look.
 */
import { kindOf, type Evidence, type StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, LabView } from '../actor.ts';
import { liveInstance } from '../app/actor.ts';
import type { App } from '../app/machine.ts';
import { portsOf } from '../app/ports.ts';
import { promisedTo } from '../placement/capacity.ts';
import { choose, type Choice, type Need } from '../placement/choose.ts';
import { tiesOf } from '../placement/external.ts';
import { isLost } from '../volume/volume.ts';
import type { Policy, Proposal } from './policy.ts';

/** A node that is restarted, or an instance that stops slowly, is back by then. */
export const lastsAfterMs = 60_000;

export const placementPolicy: Policy = {
  name: 'placement',
  subjects: ['app', 'volume'],

  wakes: ({ event, before, after }, lab) => {
    const actor = after ?? before;
    switch (actor?.kind) {
      case 'app':
        return [actor.stream];
      case 'instance':
        // Ports that become free may be what another app waits for.
        return [
          (actor as ActorState<'instance'>).context.app,
          ...(after?.final || after?.state === 'halted' ? waiting(lab) : []),
        ];
      case 'volume': {
        const { app } = (actor as ActorState<'volume'>).context;
        // Room that becomes free may be what another app waits for.
        return [...(app === null ? [actor.stream] : [app]), ...(after?.final ? waiting(lab) : [])];
      }
      case 'node':
        return event.type === 'node.went-down' || event.type === 'node.stopped' ? [] : waiting(lab);
      default:
        return [];
    }
  },

  dueAt: (subject, lab) => {
    const context = lab.get(subject as StreamId<'app' | 'volume'>)?.context;
    if (!context || context.delayedAt === null || context.delayLasts || !isWaiting(subject, lab)) return undefined;
    return context.delayedAt + lastsAfterMs;
  },

  propose: (subject, lab, _, now) => {
    if (kindOf(subject) === 'volume') return placeAlone(subject as StreamId<'volume'>, lab, now);
    const app = lab.get(subject as StreamId<'app'>);
    return app && isWaiting(app.stream, lab) ? placeApp(app, lab, now) : [];
  },
};

/** Whether it wants a place and has none. */
function isWaiting(subject: StreamId, lab: LabView): boolean {
  if (kindOf(subject) === 'volume') {
    const volume = lab.get(subject as StreamId<'volume'>);
    return volume !== undefined && waitsAlone(volume);
  }
  const state = lab.get(subject as StreamId<'app'>)?.state;
  return (state === 'starting' || state === 'updating') && !liveInstance(subject as StreamId<'app'>, lab);
}

/** A clone does not choose: it lands beside what it is a clone of. */
const waitsAlone = ({ state, context }: ActorState<'volume'>): boolean =>
  state === 'unplaced' && context.app === null && context.origin === null;

/** Apps and volumes that want a place and have none. */
const waiting = (lab: LabView): readonly StreamId[] => [
  ...lab
    .list('app')
    .filter(({ state }) => state === 'starting' || state === 'updating')
    .map(({ stream }) => stream),
  ...lab
    .list('volume')
    .filter(waitsAlone)
    .map(({ stream }) => stream),
];

function placeApp(app: ActorState<'app'>, lab: LabView, now: number): readonly Proposal[] {
  const volumes = Object.values(app.context.volumes)
    .map((stream) => lab.get(stream))
    .filter((volume) => volume !== undefined);
  const unplaced = volumes.filter(({ state }) => state === 'unplaced');
  const placed = volumes.filter(({ context }) => context.node !== null);
  const lost = Object.entries(app.context.volumes).find(([, stream]) => {
    const volume = lab.get(stream);
    return !volume || isLost(volume.context);
  })?.[0];
  if (lost !== undefined) {
    const problem = {
      code: 'VOLUME_LOST',
      message: `Its volume ${lost} is lost.`,
      hint: 'Deploy the app again to begin with an empty one (floatlab up).',
    };
    return delayApp(app, problem, { state: app.state }, now);
  }
  const choice = choose(lab, {
    needs: unplaced.map(needOf),
    only: [...new Set(placed.map(({ context }) => context.node))].filter((node) => node !== null),
    ties: tiesOf(app, lab),
    publishes: { app: app.stream, ports: portsOf(app.context.spec) },
  });
  if (!choice.node) return delayApp(app, nothingFits(choice), evidenceOf(choice), now);
  const because = evidenceOf(choice);
  if (unplaced.length > 0) {
    const { node, pools } = choice;
    return unplaced.map(
      ({ stream }, n) =>
        ({ name: 'place-volume', input: { volume: stream, node, pool: pools[n] ?? '' }, because }) as const,
    );
  }
  const failed = volumes.find(({ state }) => state === 'failed' || state === 'missing');
  if (failed) {
    const name = failed.context.metadata.name;
    const problem = {
      code: 'VOLUME_FAILED',
      message: `Volume ${name} failed: ${failed.context.problem?.message ?? 'no reason given'}`,
      hint: `Mend the cause, then: floatlab volume retry ${name}.`,
    };
    return delayApp(app, problem, { state: app.state }, now);
  }
  // Volumes that are being made or rolled back wake the app when they are ready.
  if (volumes.some(({ state }) => state !== 'ready')) return [];
  return [{ name: 'assign-instance', input: { app: app.stream, node: choice.node }, because }];
}

function placeAlone(stream: StreamId<'volume'>, lab: LabView, now: number): readonly Proposal[] {
  const volume = lab.get(stream);
  if (!volume || !isWaiting(stream, lab)) return [];
  const choice = choose(lab, { needs: [needOf(volume)], only: [] });
  const because = evidenceOf(choice);
  const [pool] = choice.pools;
  if (choice.node && pool !== undefined) {
    return [{ name: 'place-volume', input: { volume: stream, node: choice.node, pool }, because }];
  }
  const delay = delayOf(volume.context, nothingFits(choice), now);
  return delay ? [{ name: 'delay-volume', input: { volume: stream, ...delay }, because }] : [];
}

const needOf = ({ context: { spec } }: ActorState<'volume'>): Need => ({
  bytes: promisedTo(spec),
  constraints: spec.constraints,
  recordSizeBytes: spec.recordSizeBytes,
  compression: spec.compression,
});

const evidenceOf = (choice: Choice): Evidence => ({ rule: 'most free', candidates: choice.candidates });

function nothingFits(choice: Choice): Problem {
  const reasons = choice.candidates.map(({ name, refused }) => `${name} ${refused ?? 'fits'}`).join('; ');
  return {
    code: 'NO_NODE_FITS',
    message: (choice.candidates.length === 0 ? 'The lab has no node yet.' : `No node fits: ${reasons}.`).slice(0, 4000),
    hint: 'Free space, uncordon a node or add one.',
  };
}

function delayApp(app: ActorState<'app'>, problem: Problem, because: Evidence, now: number): readonly Proposal[] {
  const delay = delayOf(app.context, problem, now);
  return delay ? [{ name: 'delay-app', input: { app: app.stream, ...delay }, because }] : [];
}

/** @returns what there is to say about the delay; undefined when all of it was said */
function delayOf(
  known: Pick<App, 'delay' | 'delayedAt' | 'delayLasts'>,
  problem: Problem,
  now: number,
): { readonly problem: Problem; readonly lasts: boolean } | undefined {
  const lasts = known.delayedAt !== null && now >= known.delayedAt + lastsAfterMs;
  return known.delay?.message === problem.message && known.delayLasts === lasts ? undefined : { problem, lasts };
}
