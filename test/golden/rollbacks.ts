/** Roll-backs that come to nothing or are called off, and a snapshot that somebody has destroyed by hand. */
import type { TestLab } from '#test/actors/test-lab.ts';

const node = 'node:larissa';
const problem = { code: 'MISSING', message: 'main/maps has no snapshot one.' };

export function rollbacks(lab: TestLab): void {
  lab.join('larissa');
  lab.must('create-volume', { name: 'maps', spec: { sizeBytes: 2 ** 30 } });
  const volume = lab.volume('maps');
  const report = () => ({ volume, visit: lab.visit(volume) });
  lab.must('place-volume', { volume, node, pool: 'main' }, 'policy:placement');
  lab.must('report-volume-provisioned', { ...report(), dataset: 'maps', path: '/pool/maps' }, node);
  for (const name of ['one', 'two']) {
    lab.now += 60_000;
    lab.must('take-snapshot', { name: 'maps', as: name });
    const snapshot = lab.snapshot('maps', name);
    const fact = { guid: `guid-${name}`, takenAt: lab.now };
    lab.must('report-snapshot-taken', { snapshot, visit: lab.visit(snapshot), ...fact }, node);
  }
  const back = { name: 'maps', snapshot: 'one', pastNewer: true };
  lab.must('rollback-volume', back);
  lab.must('report-volume-failed', { ...report(), problem: { code: 'TIMED_OUT', message: 'It took too long.' } }, node);
  lab.must('cancel-rollback', { name: 'maps' });
  lab.must('report-volume-rollback-failed', { ...report(), problem, isGone: false }, node);
  lab.must('rollback-volume', back);
  lab.must('report-volume-rollback-failed', { ...report(), problem, isGone: true }, node);
  const two = lab.snapshot('maps', 'two');
  lab.must('report-snapshots-gone', { ...report(), snapshots: [{ snapshot: two, visit: lab.visit(two) }] }, node);

  lab.must('delete-volume', { name: 'maps', purge: true });
  lab.must('report-volume-deleted', report(), node);
  lab.must('report-node-stopped', { node }, node);
  lab.must('remove-node', { name: 'larissa' });
  lab.must('finish-departure', { node }, 'policy:group');
  for (const { stream, state, context } of lab.lab.list('operation'))
    if (state === 'running' && ['maps', 'maps@one', 'maps@two', 'larissa'].includes(context.targetName))
      lab.must('finish-operation', { operation: stream }, 'policy:operations');
}
