/** A pool that has stopped, is told to go on, and is told once more after something stood in the way. */
import type { PoolStatus } from '#events/pool.ts';
import type { TestLab } from '#test/actors/test-lab.ts';

const node = 'node:thebe';
const pool = 'pool:thebe/main' as const;
const status: PoolStatus = {
  ...{ state: 'online', layout: 'mirror', sizeBytes: 2 ** 40, problems: [] },
  devices: [
    { name: '/dev/sdb', role: 'data', state: 'online' },
    { name: '/dev/sdc', role: 'data', state: 'online' },
  ],
};
const stopped: PoolStatus = {
  ...{ ...status, state: 'unavailable' },
  problems: [{ code: 'pool-stopped', severity: 'faulty', text: 'It has stopped.', repair: 'Look at its cables.' }],
};

export function poolClearing(lab: TestLab): void {
  const target = { node: 'thebe', name: 'main' };
  lab.join('thebe');
  const told = { pool, driver: 'zfs' as const, origin: 'given' as const, where: 'main/floatlab', scrub: null };
  lab.must('report-pool', { ...told, status: stopped }, node);
  lab.must('clear-pool', target);
  const problem = { code: 'BUSY', message: 'Something uses it.', hint: 'Stop it.' };
  lab.must('report-pool-failed', { pool, visit: lab.visit(pool), problem }, node);
  lab.must('clear-pool', target);
  lab.must('report-pool-changed', { pool, visit: lab.visit(pool), status, scrub: null }, node);
  lab.must('report-node-stopped', { node }, node);
  lab.must('remove-node', { name: 'thebe' });
  lab.must('finish-departure', { node }, 'policy:group');
  for (const { stream, state, context } of lab.lab.list('operation'))
    if (state === 'running' && ['thebe/main', 'thebe'].includes(context.targetName))
      lab.must('finish-operation', { operation: stream }, 'policy:operations');
}
