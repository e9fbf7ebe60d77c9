/** A replica with which more may be lost than its volume allows, and then no more. */
import type { StreamId } from '#events/envelope.ts';
import type { TestLab } from '#test/actors/test-lab.ts';

const node = 'node:iris';
const other = 'node:metis';

export function dataLoss(lab: TestLab): void {
  lab.join('iris');
  lab.join('metis');
  const replicas = { count: 1, on: 'change' as const, maxDataLossMs: 300_000 };
  lab.must('create-volume', { name: 'ledger', spec: { sizeBytes: 2 ** 30, replicas } });
  const volume = lab.volume('ledger');
  lab.must('place-volume', { volume, node, pool: 'main' }, 'policy:placement');
  lab.provision();
  lab.must('place-replica', { volume, node: other, pool: 'main' }, 'policy:replication');
  const replica = (): StreamId<'replica'> => lab.lab.referrers(volume, 'replica')[0]?.stream ?? 'replica:none';
  lab.now += 600_000;
  lab.must('note-replica-loss', { replica: replica(), lossMs: 420_000, maxMs: 300_000 }, 'policy:data-loss');
  lab.now += 60_000;
  lab.must('note-replica-loss', { replica: replica(), lossMs: 4000, maxMs: null }, 'policy:data-loss');
  lab.must('note-replica-loss', { replica: replica(), lossMs: null, maxMs: 300_000 }, 'policy:data-loss');
  const gone = replica();
  lab.must('delete-volume', { name: 'ledger', purge: true });
  lab.must('report-replica-removed', { replica: gone, visit: lab.visit(gone) }, other);
  lab.must('report-volume-deleted', { volume, visit: lab.visit(volume) }, node);
  for (const name of ['iris', 'metis']) {
    lab.must('report-node-stopped', { node: `node:${name}` }, `node:${name}`);
    lab.must('remove-node', { name });
    lab.must('finish-departure', { node: `node:${name}` }, 'policy:group');
  }
  for (const { stream, state, context } of lab.lab.list('operation'))
    if (state === 'running' && ['ledger', 'iris', 'metis'].includes(context.targetName))
      lab.must('finish-operation', { operation: stream }, 'policy:operations');
}
