/**
 * What runs follows what is wanted: an instance of an older revision, or of an app that stops, pauses or goes, is
 * stopped; once it is gone, whatever waited for that goes on. Stop first, always: one instance, never two.
 */
import { kindOf, type StreamId } from '#events/envelope.ts';
import type { ActorState, LabView } from '../actor.ts';
import { userOf } from '../volume/actor.ts';
import type { Policy, Proposal } from './policy.ts';

export const rolloutPolicy: Policy = {
  name: 'rollout',
  subjects: ['app', 'volume'],

  wakes: ({ before, after }) => {
    const actor = after ?? before;
    switch (actor?.kind) {
      case 'app':
        return [actor.stream];
      case 'instance': {
        const { app, volumes } = (actor as ActorState<'instance'>).context;
        return [app, ...Object.values(volumes)];
      }
      case 'volume':
        return [actor.stream];
      default:
        return [];
    }
  },

  propose: (subject, lab) => {
    if (kindOf(subject) === 'volume') return drain(subject as StreamId<'volume'>, lab);
    const app = lab.get(subject as StreamId<'app'>);
    return app ? [...stop(app, lab), ...finish(app, lab)] : [];
  },
};

function stop(app: ActorState<'app'>, lab: LabView): readonly Proposal[] {
  return lab.referrers(app.stream, 'instance').flatMap((instance) => {
    if (instance.state === 'stopping') return [];
    const because = reasonToStop(app, instance);
    if (because === undefined) return [];
    const evidence = { app: app.state, revision: app.context.revision, instance: instance.context.revision };
    return [{ name: 'stop-instance', input: { instance: instance.stream, because }, because: evidence } as const];
  });
}

function reasonToStop(app: ActorState<'app'>, instance: ActorState<'instance'>): string | undefined {
  switch (app.state) {
    case 'stopping':
      return 'the app is stopped';
    case 'removing':
      return 'the app is removed';
    case 'paused':
      return app.context.pausedFor === 'restart' ? 'the app is restarted' : 'a volume is rolled back or moves';
    case 'starting':
    case 'updating':
      if (instance.context.revision !== app.context.revision) return `revision ${app.context.revision} takes its place`;
      return ['failed', 'halted'].includes(instance.state) ? 'the app is started again' : undefined;
    default:
      return undefined;
  }
}

/** An app that waits for its last instance to go, and has none: reached when a crash fell between two entries. */
function finish(app: ActorState<'app'>, lab: LabView): readonly Proposal[] {
  const waits =
    app.state === 'stopping' ||
    app.state === 'removing' ||
    (app.state === 'paused' && app.context.pausedFor === 'restart');
  if (!waits || lab.referrers(app.stream, 'instance').length > 0) return [];
  return [{ name: 'finish-app', input: { app: app.stream }, because: { app: app.state } }];
}

function drain(stream: StreamId<'volume'>, lab: LabView): readonly Proposal[] {
  const volume = lab.get(stream);
  if (volume?.state !== 'draining') return [];
  if (userOf(stream, lab)) return [];
  return [{ name: 'drain-volume', input: { volume: stream }, because: { uses: 'none' } }];
}
