/** An app of two volumes that moves to another node: one of them waits for the other, and both stay after all. */
import type { StreamId } from '#events/envelope.ts';
import type { TestLab } from '#test/actors/test-lab.ts';

const compose = `name: pair
services:
  web: { image: nginx, volumes: ["a:/a", "b:/b"] }
volumes: { a: {}, b: {} }
x-floatlab: { size: 1GiB }
`;
const node = 'node:dione';
const other = 'node:rhea';

export function together(lab: TestLab): void {
  lab.join('dione');
  lab.join('rhea');
  lab.must('deploy-app', { compose });
  const volumes = [lab.volume('pair-a'), lab.volume('pair-b')] as const;
  for (const volume of volumes) lab.must('place-volume', { volume, node, pool: 'main' }, 'policy:placement');
  lab.provision();
  lab.now += 60_000;
  lab.must('move-app', { name: 'pair', node: 'rhea' });
  for (const volume of volumes) {
    const replica = lab.lab.get(volume)?.context.handover?.replica ?? 'replica:none';
    const synced = (snapshot: StreamId<'snapshot'>): void => {
      lab.must('begin-sync', { replica, snapshot, reason: 'manual' }, 'policy:handover');
      lab.now += 1000;
      const done = { replica, visit: lab.visit(replica), bytes: 1, compressed: false };
      lab.must('report-replica-synced', done, other);
    };
    lab.must('snapshot-for-replicas', { volume }, 'policy:handover');
    const taking = lab.lab.referrers(volume, 'snapshot').find(({ state }) => state === 'taking');
    if (!taking) throw new Error('no snapshot is being taken');
    const fact = { guid: `guid-${volume}`, takenAt: lab.now };
    lab.must('report-snapshot-taken', { snapshot: taking.stream, visit: taking.visit, ...fact }, node);
    synced(taking.stream);
  }
  const [first] = volumes;
  lab.must('begin-handover', { volume: first }, 'policy:handover');
  const handover = () => lab.lab.get(first)?.context.handover;
  const final = { name: handover()?.final ?? '', guid: `guid-final-${first}`, takenAt: lab.now };
  lab.must('report-volume-demoted', { volume: first, visit: lab.visit(first), final }, node);
  const replica = handover()?.replica ?? 'replica:none';
  const snapshot = handover()?.snapshot ?? 'snapshot:none';
  lab.must('begin-sync', { replica, snapshot, reason: 'manual' }, 'policy:handover');
  lab.now += 1000;
  lab.must('report-replica-synced', { replica, visit: lab.visit(replica), bytes: 1, compressed: false }, other);
  lab.must('seal-handover', { volume: first }, 'policy:handover');
  lab.must('report-volume-sealed', { volume: first, visit: lab.visit(first), newest: final.guid }, other);
  lab.must('cancel-app-move', { name: 'pair' });
  for (const volume of volumes)
    lab.must('report-volume-taken-back', { volume, visit: lab.visit(volume), path: '/pool/pair' }, node);
  lab.must('remove-app', { name: 'pair' });
  for (const name of ['pair-a', 'pair-b']) {
    const volume = lab.volume(name);
    lab.must('delete-volume', { name, purge: true });
    for (const { stream, state } of lab.lab.referrers(volume, 'replica'))
      if (state === 'removing')
        lab.must('report-replica-removed', { replica: stream, visit: lab.visit(stream) }, other);
    lab.must('report-volume-deleted', { volume, visit: lab.visit(volume) }, node);
  }
  for (const name of ['dione', 'rhea']) {
    lab.must('report-node-down', { node: `node:${name}`, lastSeenAt: lab.now }, 'policy:liveness');
    lab.must('remove-node', { name });
    lab.must('finish-departure', { node: `node:${name}` }, 'policy:group');
  }
  const own = ['pair', 'pair-a', 'pair-b', 'dione', 'rhea'];
  for (const { stream, state, context } of lab.lab.list('operation'))
    if (state === 'running' && own.includes(context.targetName))
      lab.must('finish-operation', { operation: stream }, 'policy:operations');
}
