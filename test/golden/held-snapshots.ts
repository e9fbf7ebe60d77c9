/** Snapshots that something else holds, and a pool that does not say for a while what has changed. */
import type { TestLab } from '#test/actors/test-lab.ts';

const node = 'node:elara';
const held = { code: 'HELD', message: 'tank/floatlab/log@one is held by keep.' };

export function heldSnapshots(lab: TestLab): void {
  lab.join('elara');
  lab.must('create-volume', { name: 'log', spec: { sizeBytes: 2 ** 30 } });
  const volume = lab.volume('log');
  lab.must('place-volume', { volume, node, pool: 'main' }, 'policy:placement');
  lab.provision();
  lab.must('take-snapshot', { name: 'log', as: 'one' });
  const snapshot = lab.snapshot('log', 'one');
  const report = () => ({ snapshot, visit: lab.visit(snapshot) });
  lab.must('report-snapshot-taken', { ...report(), guid: 'guid-log', takenAt: lab.now }, node);
  lab.must('remove-snapshot', { name: 'log', snapshot: 'one' });
  lab.must('report-snapshot-held', { ...report(), problem: held }, node);
  lab.must('withdraw-removals', { volume, snapshots: [snapshot] }, 'policy:retention');

  const pool = 'pool:elara/main';
  const status = { state: 'online' as const, layout: null, sizeBytes: 2 ** 36, devices: [], problems: [] };
  const found = { pool, driver: 'btrfs', origin: 'usual', where: '/pool', status, scrub: null } as const;
  lab.must('report-pool', found, node);
  lab.must('report-pool-changes', { pool, problem: { code: 'TIMED_OUT', message: 'It took too long.' } }, node);
  lab.must('report-pool-changes', { pool, problem: null }, node);

  lab.must('delete-volume', { name: 'log', purge: true });
  lab.must('report-volume-deleted', { volume, visit: lab.visit(volume) }, node);
  lab.must('report-node-stopped', { node }, node);
  lab.must('remove-node', { name: 'elara' });
  lab.must('finish-departure', { node }, 'policy:group');
  for (const { stream, state, context } of lab.lab.list('operation'))
    if (state === 'running' && ['log', 'log@one', 'elara'].includes(context.targetName))
      lab.must('finish-operation', { operation: stream }, 'policy:operations');
}
