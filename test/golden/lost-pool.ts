/** A pool that is given up with its volumes, and a transfer that is canceled. */
import type { PoolStatus } from '#events/pool.ts';
import type { TestLab } from '#test/actors/test-lab.ts';

const node = 'node:hygiea';
const tank = 'pool:hygiea/tank';
const spec = { sizeBytes: 2 ** 30 };
const well: PoolStatus = { state: 'online', layout: 'single', sizeBytes: 2 ** 40, devices: [], problems: [] };

export function lostPool(lab: TestLab): void {
  lab.join('hygiea', 0, [{ name: 'tank', driver: 'btrfs', sizeBytes: 2 ** 40 }]);
  const told = { pool: tank, driver: 'btrfs', origin: 'made', where: '/pool/tank', scrub: null } as const;
  lab.must('report-pool', { ...told, status: well }, node);
  for (const name of ['plates', 'negatives']) {
    lab.must('create-volume', { name, spec });
    lab.must('place-volume', { volume: lab.volume(name), node, pool: 'tank' }, 'policy:placement');
  }
  lab.provision();

  lab.must('import-volume', { name: 'plates', replace: true });
  const transfer = lab.lab.referrers(lab.volume('plates'), 'transfer')[0]?.stream ?? 'transfer:none';
  const [operation] = lab.lab.referrers(transfer, 'operation');
  lab.must('cancel-operation', { id: operation?.context.metadata.name ?? '' });
  const problem = { code: 'ABORTED', message: 'it was canceled' };
  lab.must('report-transfer-failed', { transfer, visit: lab.visit(transfer), problem }, node);

  lab.must('delete-volume', { name: 'negatives', purge: true });
  lab.must('report-pool', { ...told, status: { ...well, state: 'unavailable' } }, node);
  lab.must('forget-pool', { node: 'hygiea', name: 'tank', force: true });
  lab.must('report-pool-released', { pool: tank, visit: lab.visit(tank) }, node);
  lab.must('delete-volume', { name: 'plates' });

  lab.must('report-node-down', { node, lastSeenAt: lab.now }, 'policy:liveness');
  lab.must('remove-node', { name: 'hygiea' });
  lab.must('finish-departure', { node }, 'policy:group');
}
