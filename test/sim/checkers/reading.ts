/** No snapshot goes that something reads: files that are on their way, a clone that is being made, a roll-back. */
import type { LabView } from '#actors/actor.ts';
import type { StreamId } from '#events/envelope.ts';

export function checkReading(lab: LabView): string[] {
  const wrong: string[] = [];
  const check = (snapshot: StreamId<'snapshot'> | undefined, reader: string): void => {
    if (snapshot === undefined) return;
    const state = lab.get(snapshot)?.state ?? 'gone';
    if (state !== 'available') wrong.push(`${snapshot} is ${state}, and ${reader} reads it`);
  };
  for (const { stream, state, context } of lab.list('transfer'))
    if (state !== 'waiting' && context.task.do !== 'import') check(context.task.snapshot, stream);
  for (const { state, context } of lab.list('volume')) {
    if (state === 'cloning') check(context.origin?.snapshot, `the clone ${context.metadata.name}`);
    if (state === 'draining' || state === 'rolling-back')
      check(context.rollback?.to, `the roll-back of ${context.metadata.name}`);
  }
  return wrong;
}
