/** A snapshot whose note is changed and taken away. */
import type { TestLab } from '#test/actors/test-lab.ts';

const node = 'node:carme';

export function snapshotNotes(lab: TestLab): void {
  lab.join('carme');
  lab.must('create-volume', { name: 'diary', spec: { sizeBytes: 2 ** 30 } });
  const volume = lab.volume('diary');
  lab.must('place-volume', { volume, node, pool: 'main' }, 'policy:placement');
  lab.provision();
  const at = { name: 'diary', snapshot: 'monday' };
  lab.must('take-snapshot', { name: 'diary', as: 'monday' });
  const snapshot = lab.snapshot('diary', 'monday');
  lab.must(
    'report-snapshot-taken',
    { snapshot, visit: lab.visit(snapshot), guid: 'guid-diary', takenAt: lab.now },
    node,
  );
  lab.must('note-snapshot', { ...at, note: 'before the upgrade' });
  lab.must('note-snapshot', { ...at, note: null });
  lab.must('delete-volume', { name: 'diary', purge: true });
  lab.must('report-volume-deleted', { volume, visit: lab.visit(volume) }, node);
  lab.must('report-node-stopped', { node }, node);
  lab.must('remove-node', { name: 'carme' });
  lab.must('finish-departure', { node }, 'policy:group');
  for (const { stream, state, context } of lab.lab.list('operation'))
    if (state === 'running' && ['diary', 'diary@monday', 'carme'].includes(context.targetName))
      lab.must('finish-operation', { operation: stream }, 'policy:operations');
}
