/** Operations end when their target has settled, or is gone. */
import type { StreamId } from '#events/envelope.ts';
import type { LabView } from '../actor.ts';
import { settled } from '../registry.ts';
import type { Policy, Proposal } from './policy.ts';

export const operationsPolicy: Policy = {
  name: 'operations',
  subjects: ['operation'],

  wakes: ({ event, before, after }, lab) => {
    const actor = after ?? before;
    if (actor?.kind === 'operation') return after?.final ? [] : [event.stream];
    return lab.referrers(event.stream, 'operation').map(({ stream }) => stream);
  },

  propose: (subject, lab) => {
    const operation = lab.get(subject as StreamId<'operation'>);
    if (operation?.state !== 'running') return [];
    return verdict(operation.stream, operation.context.target, lab);
  },
};

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
