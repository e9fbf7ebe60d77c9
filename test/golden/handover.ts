/** A volume that moves to another node, and once stays where it is after all. */
import type { StreamId } from '#events/envelope.ts';
import type { TestLab } from '#test/actors/test-lab.ts';

const node = 'node:hestia';
const other = 'node:themis';

export function handover(lab: TestLab): void {
  lab.join('hestia');
  lab.join('themis');
  lab.must('create-volume', { name: 'atlas-maps', spec: { sizeBytes: 2 ** 30 } });
  const volume = lab.volume('atlas-maps');
  lab.must('place-volume', { volume, node, pool: 'main' }, 'policy:placement');
  lab.provision();
  const report = () => ({ volume, visit: lab.visit(volume) });
  const replica = (): StreamId<'replica'> => lab.lab.list('replica').at(-1)?.stream ?? 'replica:none';
  const synced = (snapshot: StreamId<'snapshot'>): void => {
    lab.must('begin-sync', { replica: replica(), snapshot, reason: 'manual' }, 'policy:handover');
    lab.now += 1000;
    const done = { replica: replica(), visit: lab.visit(replica()), bytes: 1, compressed: false };
    lab.must('report-replica-synced', done, other);
  };
  /** Until the replica's node refuses what is older. */
  const halfway = (keepsReplica: boolean): void => {
    lab.now += 60_000;
    lab.must('move-volume', { name: 'atlas-maps', node: 'themis', replica: keepsReplica });
    lab.must('snapshot-for-replicas', { volume }, 'policy:handover');
    const taking = lab.lab.referrers(volume, 'snapshot').find(({ state }) => state === 'taking');
    if (!taking) throw new Error('no snapshot is being taken');
    const fact = { guid: `guid-before-${lab.now}`, takenAt: lab.now };
    lab.must('report-snapshot-taken', { snapshot: taking.stream, visit: taking.visit, ...fact }, node);
    synced(taking.stream);
    lab.must('begin-handover', { volume }, 'policy:handover');
    const final = { name: `final-${lab.now}`, guid: `guid-final-${lab.now}`, takenAt: lab.now };
    lab.must('report-volume-demoted', { ...report(), final }, node);
    const last = lab.lab.get(volume)?.context.handover?.snapshot;
    synced(last ?? 'snapshot:none');
    lab.must('seal-handover', { volume }, 'policy:handover');
  };
  halfway(true);
  lab.must('cancel-move', { name: 'atlas-maps' });
  lab.must('report-volume-taken-back', { ...report(), path: '/pool/maps' }, node);
  halfway(false);
  const newest = lab.lab.get(replica())?.context.cursor?.guid ?? null;
  lab.must('report-volume-sealed', { ...report(), newest }, other);
  lab.must('report-volume-handed-over', { ...report(), path: '/pool/maps', lacks: [] }, other);
  const left = { replica: replica(), visit: lab.visit(replica()) };
  lab.must('report-replica-removed', left, node);
  lab.must('delete-volume', { name: 'atlas-maps', purge: true });
  lab.must('report-volume-deleted', report(), other);
  for (const name of ['hestia', 'themis']) {
    lab.must('report-node-down', { node: `node:${name}`, lastSeenAt: lab.now }, 'policy:liveness');
    lab.must('remove-node', { name });
    lab.must('finish-departure', { node: `node:${name}` }, 'policy:group');
  }
}
