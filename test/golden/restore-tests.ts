/** Backups that are restored as a test, out of a target in a pool, in the history that knows every event. */
import type { StreamId } from '#events/envelope.ts';
import type { TestLab } from '#test/actors/test-lab.ts';

export function restoreTests(lab: TestLab): void {
  const [node, other] = ['node:lyra', 'node:altair'] as const;
  const before = new Set(lab.lab.list('operation').map(({ stream }) => stream));
  lab.join('lyra');
  lab.join('altair');
  lab.must('create-volume', { name: 'scores', spec: { sizeBytes: 2 ** 30 } });
  const volume = lab.volume('scores');
  lab.must('place-volume', { volume, node, pool: 'main' }, 'policy:placement');
  const provisioned = { volume, visit: lab.visit(volume), dataset: 'scores', path: '/pool/scores' };
  lab.must('report-volume-provisioned', provisioned, node);

  const store = { kind: 'pool' as const, node: 'altair', pool: 'main', sizeBytes: 2 ** 32 };
  lab.must('add-backup-target', { name: 'attic', store, testRestoreEveryMs: 30 * 86_400_000 });
  const target: StreamId<'backup-target'> =
    lab.lab.byName('backup-target', 'system', 'attic')?.stream ?? 'backup-target:none';
  const looked = { target, visit: lab.visit(target), repository: '0e'.repeat(16), backups: 0 };
  lab.must('report-backup-target-checked', looked, other);

  lab.must('create-backup', { name: 'scores', to: 'attic' });
  const backup = lab.lab.referrers(target, 'backup')[0]?.stream ?? 'backup:none';
  const told = () => ({ backup, visit: lab.visit(backup) });
  const snapshot = lab.lab.get(backup)?.context.snapshot ?? 'snapshot:none';
  const taken = { snapshot, visit: lab.visit(snapshot), guid: 'g-scores', takenAt: lab.now };
  lab.must('report-snapshot-taken', taken, node);
  lab.must('begin-backup', { backup }, 'policy:backups');
  lab.must('report-backup-written', { ...told(), sizeBytes: 8192, addedBytes: 4096, takenAt: lab.now }, node);
  lab.must('report-backup-verified', { ...told(), readBytes: 8192 }, node);

  lab.must('begin-restore-test', { backup }, 'policy:backups');
  const problem = { code: 'NO_SPACE', message: 'The pool is full.', hint: 'Free space in it.' };
  const tester = lab.lab.get(backup)?.context.node ?? node;
  lab.must('report-restore-test-failed', { ...told(), problem }, tester);
  lab.must('begin-restore-test', { backup }, 'policy:backups');
  lab.must(
    'report-restore-tested',
    { ...told(), files: 3, folders: 2, bytes: 4000, digest: '0d'.repeat(32) },
    lab.lab.get(backup)?.context.node ?? node,
  );

  lab.must('report-snapshot-removed', { snapshot, visit: lab.visit(snapshot) }, node);
  lab.must('remove-backup-target', { name: 'attic' });
  lab.must('delete-volume', { name: 'scores', purge: true });
  lab.must('report-volume-deleted', { volume, visit: lab.visit(volume) }, node);
  for (const name of ['lyra', 'altair'] as const) {
    lab.must('report-node-down', { node: `node:${name}`, lastSeenAt: lab.now }, 'policy:liveness');
    lab.must('remove-node', { name });
    lab.must('finish-departure', { node: `node:${name}` }, 'policy:group');
  }
  for (const { stream } of lab.lab.list('operation'))
    if (!before.has(stream)) lab.must('finish-operation', { operation: stream }, 'policy:operations');
}
