/** Replicas that follow, fail, are paused, diverge, are left over, and go. */
import { idOf, type StreamId } from '#events/envelope.ts';
import type { TestLab } from '#test/actors/test-lab.ts';

const node = 'node:ceres';
const other = 'node:pallas';
const problem = { code: 'TIMED_OUT', message: 'Nothing came for ten minutes.', hint: 'Look at the network.' };
const diverged = { code: 'DIVERGED', message: 'They have nothing in common.', hint: 'Put it aside.' };

export function replicas(lab: TestLab): void {
  lab.join('ceres');
  lab.join('pallas');
  const wanted = { count: 1, on: { cron: '0 3 * * *', timeZone: 'UTC' }, window: { from: '22:00', to: '06:00' } };
  lab.must('create-volume', { name: 'maps', spec: { sizeBytes: 2 ** 30, replicas: wanted } });
  const volume = lab.volume('maps');
  lab.must('place-volume', { volume, node, pool: 'main' }, 'policy:placement');
  lab.provision();
  lab.must('change-volume', { name: 'maps', replicas: { on: 'change', window: null, compress: true } });
  lab.must('place-replica', { volume, node: other, pool: 'main' }, 'policy:replication');
  lab.must('snapshot-for-replicas', { volume }, 'policy:replication');
  const taken = (): StreamId<'snapshot'> => {
    const snapshot = lab.lab.referrers(volume, 'snapshot').find(({ state }) => state === 'taking')?.stream;
    if (!snapshot) throw new Error('no snapshot is being taken');
    lab.now += 60_000;
    const fact = { snapshot, visit: lab.visit(snapshot), guid: `guid-${idOf(snapshot)}`, takenAt: lab.now };
    lab.must('report-snapshots-taken', { node, snapshots: [fact] }, node);
    return snapshot;
  };
  const first = taken();
  const replica = (): StreamId<'replica'> => lab.lab.list('replica').at(-1)?.stream ?? 'replica:none';
  const report = () => ({ replica: replica(), visit: lab.visit(replica()) });
  const name = lab.lab.get(replica())?.context.metadata.name ?? '';
  const sync = (snapshot: StreamId<'snapshot'>) =>
    lab.must('begin-sync', { replica: replica(), snapshot, reason: 'change' }, 'policy:replication');
  sync(first);
  lab.must('report-replica-sync-failed', { ...report(), problem }, other);
  sync(first);
  lab.must('report-replica-synced', { ...report(), bytes: 4096, compressed: true }, other);
  lab.must('take-snapshot', { name: 'maps', as: 'noon' });
  const noon = taken();
  lab.must('note-replica-behind', { replica: replica(), since: lab.now }, 'policy:replication');
  sync(noon);
  lab.must('cancel-replica', { name });
  lab.must('pause-replica', { name });
  lab.must('resume-replica', { name });
  sync(noon);
  lab.must('report-replica-sync-failed', { ...report(), problem: diverged }, other);
  lab.must('resync-replica', { name, keep: true });
  lab.must('report-replica-resync-failed', { ...report(), problem }, other);
  lab.must('resync-replica', { name, keep: true });
  const guid = `guid-${idOf(first)}`;
  lab.must('report-replica-resynced', { ...report(), newest: guid, aside: { path: '/pool/aside' } }, other);
  const aside = lab.volume('maps-diverged');
  lab.must('delete-volume', { name: 'maps-diverged', purge: true });
  lab.must('report-volume-deleted', { volume: aside, visit: lab.visit(aside) }, other);
  lab.must('report-node-down', { node, lastSeenAt: lab.now }, 'policy:liveness');
  lab.must('remove-node', { name: 'ceres', force: true });
  lab.must('finish-departure', { node }, 'policy:group');
  lab.must('remove-replica', { name });
  lab.must('report-replica-removed', report(), other);
  lab.must('report-node-down', { node: other, lastSeenAt: lab.now }, 'policy:liveness');
  lab.must('remove-node', { name: 'pallas' });
  lab.must('finish-departure', { node: other }, 'policy:group');
}
