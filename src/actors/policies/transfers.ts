/** Files on their way begin once the snapshot that they are read from is there, and fail when it is not to come. */
import type { StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { LabView } from '../actor.ts';
import { snapshotOf } from '../transfer/machine.ts';
import type { Policy } from './policy.ts';

export const transfersPolicy: Policy = {
  name: 'transfers',
  subjects: ['transfer'],

  wakes: ({ event, after, before }, lab) => {
    const actor = after ?? before;
    if (actor?.kind === 'transfer') return after?.final ? [] : [event.stream];
    if (actor?.kind !== 'snapshot') return [];
    return lab.referrers(event.stream, 'transfer').map(({ stream }) => stream);
  },

  propose: (subject, lab) => {
    const transfer = lab.get(subject as StreamId<'transfer'>);
    const snapshot = transfer && snapshotOf(transfer.context);
    if (!transfer || snapshot === undefined) return [];
    const problem = whyNot(snapshot, lab);
    const because = { snapshot: lab.get(snapshot)?.state ?? 'gone' };
    if (problem) return [{ name: 'fail-transfer', input: { transfer: transfer.stream, problem }, because }];
    return transfer.state === 'waiting' && because.snapshot === 'available'
      ? [{ name: 'begin-transfer', input: { transfer: transfer.stream }, because }]
      : [];
  },
};

function whyNot(stream: StreamId<'snapshot'>, lab: LabView): Problem | undefined {
  const snapshot = lab.get(stream);
  if (snapshot?.state === 'failed')
    return snapshot.context.problem ?? { code: 'FAILED', message: 'The snapshot that it reads was not taken.' };
  if (snapshot && snapshot.state !== 'removing') return undefined;
  return {
    code: 'NOT_FOUND',
    message: 'The snapshot that it reads is gone.',
    hint: 'Begin anew with a snapshot that is there.',
  };
}
