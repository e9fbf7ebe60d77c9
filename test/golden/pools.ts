/** The part of the golden history that tells of pools: found, made, mended, verified, let go. */
import type { TestLab } from '#test/actors/test-lab.ts';
import type { newcomer as Newcomer } from './history.ts';

const problem = { code: 'FAILED', message: 'It did not work.', hint: 'Try again.' };
const can = {
  ...{ quota: true, changes: true, recordSize: false, copyOnWrite: true, together: false, scrubbedDestroy: true },
  compression: ['off' as const, 'zstd' as const],
};
const sizeBytes = 2 ** 40;
const disk = (name: string) => ({ name, role: 'data' as const, state: 'online' as const, sizeBytes });
const well = {
  ...{ state: 'online' as const, layout: 'mirror' as const, sizeBytes, problems: [] },
  devices: [disk('/dev/sdb'), disk('/dev/sdc')],
};
const lost = { code: 'device-failed' as const, severity: 'faulty' as const, device: '2' };
const ill = {
  ...{ ...well, state: 'degraded' as const },
  devices: [disk('/dev/sdb'), { name: '2', role: 'data' as const, state: 'unavailable' as const, was: '/dev/sdc' }],
  problems: [{ ...lost, text: '/dev/sdc is gone.', repair: 'Replace it.' }],
};

/** @param lab one that goes on from an older history @param newcomer a machine at the door */
export function pools(lab: TestLab, newcomer: typeof Newcomer): void {
  const node = 'node:mimosa';
  const by = node;
  const name = 'mimosa';
  lab.join(name);
  const facts = lab.lab.get(node)?.context.facts;
  if (!facts) throw new Error('the node has no facts');
  const said = { ...facts, pools: facts.pools.map((pool) => ({ ...pool, can })) };
  lab.must('report-node', { node, addresses: ['10.0.0.9'], facts: said }, by);

  const main = 'pool:mimosa/main';
  const told = { driver: 'btrfs' as const, origin: 'given' as const, where: '/mnt/main' };
  lab.must('report-pool', { pool: main, ...told, status: well, scrub: null }, by);
  lab.must(
    'report-pool',
    { pool: main, ...told, status: ill, scrub: { state: 'finished', endedAt: lab.now, errors: 0 } },
    by,
  );

  const tank = 'pool:mimosa/tank';
  const changed = (status: typeof well | typeof ill) =>
    lab.must('report-pool-changed', { pool: tank, visit: lab.visit(tank), status, scrub: null }, by);
  const failed = () => lab.must('report-pool-failed', { pool: tank, visit: lab.visit(tank), problem }, by);
  const opened = () =>
    lab.must('report-pool-opened', { pool: tank, visit: lab.visit(tank), where: '/pool/tank', status: well }, by);
  const make = () =>
    lab.must('create-pool', { node: name, name: 'tank', layout: 'mirror', devices: ['/dev/sdd', '/dev/sde'] });
  make();
  failed();
  make();
  opened();
  lab.must('grow-pool', { node: name, name: 'tank' });
  failed();
  lab.must('add-pool-devices', { node: name, name: 'tank', devices: ['/dev/sdf'] });
  changed(well);
  lab.must('replace-pool-device', { node: name, name: 'tank', device: '/dev/sdb', by: '/dev/sdg' });
  changed(well);
  lab.must('scrub-pool', { node: name, name: 'tank' });
  changed(well);
  lab.must('forget-pool', { node: name, name: 'tank' });
  lab.must('report-pool-released', { pool: tank, visit: lab.visit(tank) }, by);
  lab.must('adopt-pool', { node: name, name: 'tank', driver: 'zfs', where: 'tank/floatlab' });
  opened();
  lab.must('create-schedule', { name: 'weekly-scrub', pool: 'mimosa/tank', cron: '0 3 * * 0' });

  // What comes with a node that asks, and with one that comes back, says what its pools can, too.
  const of = (digit: string) => {
    const at = newcomer('acrux', digit);
    return { ...at, facts: { ...at.facts, version: facts.version }, clock: lab.now };
  };
  const system = 'system:door';
  const asks = { node: 'node:acrux' as const, ...of('e'), token: null };
  lab.must('admit-node', asks, system);
  lab.must('approve-node', { name: 'acrux' });
  lab.must('admit-node', { ...asks, again: true }, system);
  lab.must('report-node-down', { node: 'node:acrux', lastSeenAt: lab.now }, 'policy:liveness');
  const hash = 'e'.repeat(64);
  lab.must('issue-token', { tokenId: 'tenth', hash, replaces: 'acrux' });
  const back = { ...of('f'), incarnation: 'acrux-disk-2', token: { id: 'tenth', hash } };
  lab.must('replace-incarnation', back, system);
  lab.must('report-pool', { pool: main, ...told, status: well, scrub: null }, by);
}
