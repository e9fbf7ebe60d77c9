/** Says which nodes may have to run an app next, so that its images are there before they are needed. */
import { kindOf, type StreamId } from '#events/envelope.ts';
import type { ActorState } from '../actor.ts';
import { wantsToRun } from '../app/actor.ts';
import { standbyNodes } from '../placement/standby.ts';
import type { Policy } from './policy.ts';

export const standbyPolicy: Policy = {
  name: 'standby',
  subjects: ['app'],
  wakes: ({ event, before, after }, lab) => {
    if (wakers.has(event.type)) return [event.stream];
    const actor = after ?? before;
    if (actor?.kind !== 'replica' || before?.state === after?.state) return [];
    const { volume } = (actor as ActorState<'replica'>).context;
    return lab.referrers(volume, 'app').map(({ stream }) => stream);
  },
  propose: (subject, lab) => {
    const app = kindOf(subject) === 'app' ? lab.get(subject as StreamId<'app'>) : undefined;
    // While it is on its way to a node nobody knows where it will be.
    if (!app || !wantsToRun(app.state) || Object.keys(app.context.images).length === 0) return [];
    if (lab.referrers(app.stream, 'instance').length === 0) return [];
    const nodes = [...standbyNodes(app, lab)];
    if (nodes.join() === app.context.standby.join()) return [];
    return [{ name: 'choose-standby', input: { app: app.stream, nodes }, because: { revision: app.context.revision } }];
  },
};

const wakers = new Set(['app.images-pinned', 'app.images-renewed', 'app.started', 'app.updated']);
