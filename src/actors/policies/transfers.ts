/**
 * Files on their way begin once the snapshot that they are read from is there, or the volume into which a backup comes, and
 * fail when that is not to come.
 */
import type { StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, LabView } from '../actor.ts';
import { snapshotOf } from '../transfer/machine.ts';
import type { Policy, Proposal } from './policy.ts';

export const transfersPolicy: Policy = {
  name: 'transfers',
  subjects: ['transfer'],

  wakes: ({ event, after, before }, lab) => {
    const actor = after ?? before;
    if (actor?.kind === 'transfer') return after?.final ? [] : [event.stream];
    if (actor?.kind !== 'snapshot' && actor?.kind !== 'volume') return [];
    return lab.referrers(event.stream, 'transfer').map(({ stream }) => stream);
  },

  propose: (subject, lab) => {
    const transfer = lab.get(subject as StreamId<'transfer'>);
    const snapshot = transfer && snapshotOf(transfer.context);
    if (transfer?.state === 'waiting' && transfer.context.task.do === 'import') return beginImport(transfer, lab);
    if (!transfer || snapshot === undefined) return [];
    const problem = whyNot(snapshot, lab);
    const because = { snapshot: lab.get(snapshot)?.state ?? 'gone' };
    if (problem) return [{ name: 'fail-transfer', input: { transfer: transfer.stream, problem }, because }];
    return transfer.state === 'waiting' && because.snapshot === 'available'
      ? [{ name: 'begin-transfer', input: { transfer: transfer.stream }, because }]
      : [];
  },
};

function beginImport({ stream, context }: ActorState<'transfer'>, lab: LabView): readonly Proposal[] {
  const volume = lab.get(context.volume);
  const because = { volume: volume?.state ?? 'gone' };
  if (volume?.state === 'ready') return [{ name: 'begin-transfer', input: { transfer: stream }, because }];
  // While it waits for a place, or is made, nothing is lost; one that failed is tried again by a person.
  if (volume && !['failed', 'missing', 'discarded', 'deleting'].includes(volume.state)) return [];
  const problem = volume?.context.problem ?? { code: 'NOT_FOUND', message: 'The volume that it was for is gone.' };
  return [{ name: 'fail-transfer', input: { transfer: stream, problem }, because }];
}

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
