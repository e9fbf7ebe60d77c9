/** Operations end when their target has settled, or is gone; that of an app which moves when all of its volumes are there. */
import type { StreamId } from '#events/envelope.ts';
import type { ActorState, LabView } from '../actor.ts';
import { settled } from '../registry.ts';
import type { Policy, Proposal } from './policy.ts';

export const operationsPolicy: Policy = {
  name: 'operations',
  subjects: ['operation'],

  wakes: ({ event, before, after }, lab) => {
    const actor = after ?? before;
    if (actor?.kind === 'operation') return after?.final ? [] : [event.stream];
    const app = actor?.kind === 'volume' ? (actor as ActorState<'volume'>).context.app : null;
    return [event.stream, ...(app === null ? [] : [app])].flatMap((target) =>
      lab.referrers(target, 'operation').map(({ stream }) => stream),
    );
  },

  propose: (subject, lab) => {
    const operation = lab.get(subject as StreamId<'operation'>);
    if (operation?.state !== 'running' || isMoving(operation, lab)) return [];
    return verdict(operation.stream, operation.context.target, lab);
  },
};

/** The app runs while its volumes are pushed. */
const isMoving = ({ context: { command, target } }: ActorState<'operation'>, lab: LabView): boolean =>
  command === 'move-app' && lab.referrers(target, 'volume').some(({ context }) => context.handover !== null);

function verdict(operation: StreamId<'operation'>, target: StreamId, lab: LabView): readonly Proposal[] {
  const actor = lab.get(target);
  if (!actor) return [{ name: 'finish-operation', input: { operation }, because: { target: 'gone' } }];
  const rest =
    actor.quarantined === null ? settled(actor) : { failed: { code: 'QUARANTINED', message: actor.quarantined } };
  if (!rest) return [];
  const because = { target: actor.state };
  return 'done' in rest
    ? [{ name: 'finish-operation', input: { operation }, because }]
    : [{ name: 'finish-operation', input: { operation, problem: rest.failed }, because }];
}
