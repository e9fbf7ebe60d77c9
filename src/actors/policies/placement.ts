/**
 * Where an app runs. Its volumes come first: they are placed together on one node, and the app is assigned to the
 * node that holds them. A volume without an app is placed by itself. When nothing fits, the app says why it waits.
 */
import { kindOf, type Evidence, type StreamId } from '#events/envelope.ts';
import type { ActorState, LabView } from '../actor.ts';
import { choose, type Choice } from '../placement/choose.ts';
import type { Policy, Proposal } from './policy.ts';

export const placementPolicy: Policy = {
  name: 'placement',
  subjects: ['app', 'volume'],

  wakes: ({ event, before, after }, lab) => {
    const actor = after ?? before;
    switch (actor?.kind) {
      case 'app':
        return [actor.stream];
      case 'instance':
        return [(actor as ActorState<'instance'>).context.app];
      case 'volume': {
        const { app } = (actor as ActorState<'volume'>).context;
        // Room that becomes free may be what another app waits for.
        return [...(app === null ? [actor.stream] : [app]), ...(after?.final ? waiting(lab) : [])];
      }
      case 'node':
        return event.type === 'node.went-down' ? [] : waiting(lab);
      default:
        return [];
    }
  },

  propose: (subject, lab) => {
    if (kindOf(subject) === 'volume') return placeAlone(subject as StreamId<'volume'>, lab);
    const app = lab.get(subject as StreamId<'app'>);
    if (!app || (app.state !== 'starting' && app.state !== 'updating')) return [];
    if (lab.referrers(app.stream, 'instance').length > 0) return [];
    return placeApp(app, lab);
  },
};

/** Apps and volumes that want a place and have none. */
const waiting = (lab: LabView): readonly StreamId[] => [
  ...lab
    .list('app')
    .filter(({ state }) => state === 'starting' || state === 'updating')
    .map(({ stream }) => stream),
  ...lab
    .list('volume')
    .filter(({ state, context }) => state === 'unplaced' && context.app === null)
    .map(({ stream }) => stream),
];

function placeApp(app: ActorState<'app'>, lab: LabView): readonly Proposal[] {
  const volumes = Object.values(app.context.volumes)
    .map((stream) => lab.get(stream))
    .filter((volume) => volume !== undefined);
  const unplaced = volumes.filter(({ state }) => state === 'unplaced');
  const placed = volumes.filter(({ context }) => context.node !== null);
  const choice = choose(lab, {
    sizeBytes: unplaced.reduce((sum, volume) => sum + volume.context.spec.sizeBytes, 0),
    needsPool: unplaced.length > 0,
    only: [...new Set(placed.map(({ context }) => context.node))].filter((node) => node !== null),
  });
  if (!choice.node) return delayBy(app, nothingFits(choice));
  const because = evidenceOf(choice);
  if (unplaced.length > 0) {
    const { node, pool } = choice;
    return unplaced.map(
      ({ stream }) => ({ name: 'place-volume', input: { volume: stream, node, pool: pool ?? '' }, because }) as const,
    );
  }
  const failed = volumes.find(({ state }) => state === 'failed');
  if (failed) {
    const name = failed.context.metadata.name;
    return delayBy(app, {
      code: 'VOLUME_FAILED',
      message: `Volume ${name} failed: ${failed.context.problem?.message ?? 'no reason given'}`,
      hint: `Mend the cause, then: floatlab volume retry ${name}.`,
    });
  }
  // Volumes that are being made or rolled back wake the app when they are ready.
  if (volumes.some(({ state }) => state !== 'ready')) return [];
  return [{ name: 'assign-instance', input: { app: app.stream, node: choice.node }, because }];
}

function placeAlone(stream: StreamId<'volume'>, lab: LabView): readonly Proposal[] {
  const volume = lab.get(stream);
  if (volume?.state !== 'unplaced' || volume.context.app !== null) return [];
  const choice = choose(lab, { sizeBytes: volume.context.spec.sizeBytes, needsPool: true, only: [] });
  const because = evidenceOf(choice);
  if (choice.node && choice.pool !== undefined) {
    return [{ name: 'place-volume', input: { volume: stream, node: choice.node, pool: choice.pool }, because }];
  }
  const problem = nothingFits(choice);
  if (volume.context.delay?.message === problem.message) return [];
  return [{ name: 'delay-volume', input: { volume: stream, problem }, because }];
}

const evidenceOf = (choice: Choice): Evidence => ({ rule: 'most free', candidates: choice.candidates });

function nothingFits(choice: Choice): { code: string; message: string; hint: string } {
  const reasons = choice.candidates.map(({ name, refused }) => `${name}: ${refused ?? 'fits'}`).join('; ');
  return {
    code: 'NO_NODE_FITS',
    message: choice.candidates.length === 0 ? 'The lab has no node yet.' : `No node fits (${reasons}).`,
    hint: 'Free space, uncordon a node or add one.',
  };
}

function delayBy(
  app: ActorState<'app'>,
  problem: { code: string; message: string; hint: string },
): readonly Proposal[] {
  if (app.context.delay?.message === problem.message) return [];
  return [{ name: 'delay-app', input: { app: app.stream, problem }, because: { state: app.state } }];
}
