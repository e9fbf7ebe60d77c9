/** A history that knows every event type: the source of the golden log. `npx tsx test/golden/history.ts` prints it. */
import type { LabEvent } from '#events/envelope.ts';
import { TestLab } from '#test/actors/test-lab.ts';
import { volumeLife } from './volume-life.ts';
import { handover } from './handover.ts';
import { heldSnapshots } from './held-snapshots.ts';
import { hostMounts } from './host-mounts.ts';
import { backups } from './backups.ts';
import { composeBackups } from './compose-backups.ts';
import { dataLoss } from './data-loss.ts';
import { images } from './images.ts';
import { lostPool } from './lost-pool.ts';
import { pools } from './pools.ts';
import { registries } from './registries.ts';
import { replicas } from './replicas.ts';
import { rollbacks } from './rollbacks.ts';
import { restoreTests } from './restore-tests.ts';
import { poolClearing } from './pool-clearing.ts';
import { snapshotNotes } from './snapshot-notes.ts';
import { snapshotting } from './snapshotting.ts';
import { together } from './together.ts';
import { transfers } from './transfers.ts';

const photos = `name: photos
services:
  web:
    image: nginx
    volumes: [data:/data]
volumes: { data: {} }
x-floatlab: { size: 1GiB, snapshot: { schedule: "0 * * * *" }, keep: "24h:1h" }
`;
const wiki = `name: wiki
services:
  web:
    image: wiki
    volumes: [data:/data]
    depends_on: { cache: { condition: service_started, required: false } }
  cache: { image: cache }
volumes: { data: {} }
x-floatlab: { size: 1GiB, snapshot: { schedule: "15 3 * * *" } }
`;
const problem = { code: 'FAILED', message: 'It did not work.', hint: 'Try again.' };

export function history(): readonly LabEvent[] {
  const lab = TestLab.ready();
  const node = 'node:atlas';
  const facts = lab.lab.get('node:atlas')?.context.facts;
  if (!facts) throw new Error('the lab has no node');

  lab.must('change-settings', { timeZone: 'Europe/Berlin' });
  lab.must('create-namespace', { name: 'team' });
  lab.must('delete-namespace', { name: 'team' });
  lab.must('report-node', { node, addresses: ['10.0.0.2'], facts }, node);
  lab.must('cordon-node', { name: 'atlas' });
  lab.must('uncordon-node', { name: 'atlas' });

  lab.must('deploy-app', { compose: photos });
  const app = lab.app('photos');
  const volume = lab.volume('photos-data');
  lab.must('delay-app', { app, problem }, 'policy:placement');
  lab.must('place-volume', { volume, node, pool: 'main' }, 'policy:placement');
  lab.must('report-volume-failed', { volume, visit: lab.visit(volume), problem }, node);
  lab.must('retry-volume', { name: 'photos-data' });
  lab.provision();
  lab.must('assign-instance', { app, node }, 'policy:placement');
  lab.started('photos');
  const instance = lab.instance('photos');
  const service = { instance, visit: lab.visit(instance), service: 'web' };
  lab.must(
    'report-service',
    { ...service, status: { state: 'unhealthy', container: 'c1', restarts: 0 }, problem },
    node,
  );
  lab.must('report-service', { ...service, status: { state: 'healthy', container: 'c1', restarts: 0 } }, node);
  lab.must(
    'finish-operation',
    { operation: lab.lab.list('operation')[0]?.stream ?? 'operation:none' },
    'policy:operations',
  );

  lab.snapshotTaken('photos-data', 'first');
  lab.must('take-snapshot', { name: 'photos-data', as: 'second', note: 'before the move' });
  const second = lab.snapshot('photos-data', 'second');
  lab.must('report-snapshot-failed', { snapshot: second, visit: lab.visit(second), problem }, node);
  lab.must('remove-snapshot', { name: 'photos-data', snapshot: 'second' });
  lab.must('report-snapshot-removed', { snapshot: second, visit: lab.visit(second) }, node);

  lab.must('rollback-volume', { name: 'photos-data', snapshot: 'first' });
  lab.must('stop-instance', { instance, because: 'a volume is rolled back' }, 'policy:rollout');
  lab.must('report-instance-stopped', { instance, visit: lab.visit(instance) }, node);
  lab.must('drain-volume', { volume }, 'policy:rollout');
  const stash = { name: 'stash-1', guid: 'guid-stash', takenAt: lab.now };
  lab.must('report-volume-rolled-back', { volume, visit: lab.visit(volume), stash }, node);
  lab.must('assign-instance', { app, node }, 'policy:placement');
  const again = lab.instance('photos');
  lab.must('report-instance-failed', { instance: again, visit: lab.visit(again), problem, service: 'web' }, node);
  lab.must(
    'finish-operation',
    { operation: lab.lab.list('operation')[0]?.stream ?? 'operation:none', problem },
    'policy:operations',
  );

  const schedule = lab.lab.byName('schedule', 'default', 'photos-data-snapshot');
  lab.now = schedule?.context.dueAt ?? lab.now;
  lab.must('fire-schedule', { schedule: schedule?.stream ?? 'schedule:none', dueAt: lab.now }, 'policy:schedules');
  lab.must('suspend-schedule', { name: 'photos-data-snapshot' });
  lab.must('resume-schedule', { name: 'photos-data-snapshot' });
  lab.must('deploy-app', { compose: photos.replace('0 * * * *', '30 * * * *') });
  lab.must('change-volume', { name: 'photos-data', sizeBytes: 2 ** 31 });
  lab.provision();
  lab.must('stop-app', { name: 'photos' });
  lab.must('stop-instance', { instance: again, because: 'the app is stopped' }, 'policy:rollout');
  lab.must('report-instance-stopped', { instance: again, visit: lab.visit(again) }, node);
  lab.must('remove-app', { name: 'photos' });
  lab.must('deploy-app', { compose: photos, start: false });
  lab.must('remove-app', { name: 'photos' });
  lab.must('delete-volume', { name: 'photos-data', purge: true });
  lab.must('report-volume-deleted', { volume, visit: lab.visit(volume) }, node);

  lab.must('create-volume', { name: 'loose', spec: { sizeBytes: 2 ** 30 } });
  lab.must('delay-volume', { volume: lab.volume('loose'), problem }, 'policy:placement');
  lab.must('delete-volume', { name: 'loose' });
  lab.must('report-node-down', { node, lastSeenAt: lab.now }, 'policy:liveness');
  lab.must('report-node', { node, addresses: ['10.0.0.2'], facts }, node);
  lab.must('report-node-down', { node, lastSeenAt: lab.now }, 'policy:liveness');
  lab.must('remove-node', { name: 'atlas' });
  secondMachine(lab);
  thirdMachine(lab);
  volumes(lab);
  departures(lab);
  lab.must('report-node-down', { node: 'node:castor', lastSeenAt: lab.now }, 'policy:liveness');
  lab.must('remove-node', { name: 'castor' });
  clocks(lab);
  snapshotting(lab);
  members(lab);
  transfers(lab);
  pools(lab, newcomer);
  volumeLife(lab);
  replicas(lab);
  lostPool(lab);
  handover(lab);
  backups(lab);
  restoreTests(lab);
  dataLoss(lab);
  snapshotNotes(lab);
  poolClearing(lab);
  images(lab);
  hostMounts(lab);
  rollbacks(lab);
  composeBackups(lab);
  heldSnapshots(lab);
  registries(lab);
  together(lab);
  farewell(lab);
  return lab.events;
}

/** In the end nothing is left: what goes leaves no trace where people look. */
function farewell(lab: TestLab): void {
  const remove = (name: string): void => {
    const node = `node:${name}` as const;
    if (lab.lab.get(node)?.state === 'up')
      lab.must('report-node-down', { node, lastSeenAt: lab.now }, 'policy:liveness');
    lab.must('remove-node', { name, force: true });
    if (lab.lab.get(node)?.final === false) lab.must('finish-departure', { node }, 'policy:group');
  };
  lab.must('finish-departure', { node: 'node:juno' }, 'policy:group');
  lab.must('remove-schedule', { name: 'weekly-scrub' });
  for (const name of ['halley', 'mimosa', 'acrux']) remove(name);
}

/** What is warned of, what fails and is halted, and schedules that follow the lab's time zone. */
function secondMachine(lab: TestLab): void {
  const node = 'node:vega';
  lab.join('vega');
  lab.must('deploy-app', { compose: wiki });
  const app = lab.app('wiki');
  const volume = lab.volume('wiki-data');
  lab.must('place-volume', { volume, node, pool: 'main' }, 'policy:placement');
  lab.provision();
  lab.must('assign-instance', { app, node }, 'policy:placement');
  const first = lab.instance('wiki');
  const running = { state: 'running' as const, container: 'c1', restarts: 0 };
  const missed = { service: 'cache', problem: { ...problem, message: 'web starts without cache: It did not work.' } };
  lab.must(
    'report-instance-started',
    {
      instance: first,
      visit: lab.visit(first),
      services: { web: running, cache: { state: 'exited', restarts: 0 } },
      warnings: [missed],
    },
    node,
  );
  lab.must('change-settings', { timeZone: 'America/New_York' });
  lab.must('restart-app', { name: 'wiki' });
  lab.must('stop-instance', { instance: first, because: 'the app is restarted' }, 'policy:rollout');
  const stays = { problem: { code: 'BUSY', message: 'Network wiki_default stays: other containers still use it.' } };
  lab.must('report-instance-stopped', { instance: first, visit: lab.visit(first), warnings: [stays] }, node);
  lab.must('assign-instance', { app, node }, 'policy:placement');
  const second = lab.instance('wiki');
  lab.must('report-instance-failed', { instance: second, visit: lab.visit(second), problem, service: 'web' }, node);
  lab.must('report-instance-halted', { instance: second, visit: lab.visit(second) }, node);
  lab.must('remove-app', { name: 'wiki', withVolumes: true });
  lab.must('stop-instance', { instance: second, because: 'the app is removed' }, 'policy:rollout');
  lab.must('report-instance-stopped', { instance: second, visit: lab.visit(second) }, node);
  purge(lab, volume);
  lab.must('report-volume-deleted', { volume, visit: lab.visit(volume) }, node);
  lab.must('report-node-down', { node, lastSeenAt: lab.now }, 'policy:liveness');
  lab.must('remove-node', { name: 'vega' });
}

const notes = `name: notes
services:
  web: { image: nginx, volumes: ["data:/data"], restart: always }
volumes: { data: {} }
x-floatlab: { size: 1GiB }
`;

/** What waits long, what is kept for its app, what fills up, and a service that ends and is started again. */
function thirdMachine(lab: TestLab): void {
  const node = 'node:lyra';
  lab.join('lyra');
  lab.must('deploy-app', { compose: notes });
  const app = lab.app('notes');
  const volume = lab.volume('notes-data');
  lab.must('delay-app', { app, problem, lasts: true }, 'policy:placement');
  lab.must('place-volume', { volume, node, pool: 'main' }, 'policy:placement');
  lab.provision();
  lab.must('assign-instance', { app, node }, 'policy:placement');
  const instance = lab.instance('notes');
  const web = { state: 'running' as const, container: 'c1', restarts: 0 };
  lab.must('report-instance-started', { instance, visit: lab.visit(instance), services: { web } }, node);
  const again = { ...web, restarts: 1, lastExitCode: 137 };
  lab.must('report-service', { instance, visit: lab.visit(instance), service: 'web', status: again }, node);
  lab.must('deploy-app', { compose: notes.replace('nginx', 'caddy'), files: { '.env': { content: '' } } });
  const full = { usedBytes: 950, sizeBytes: 1000 };
  const eased = { usedBytes: 10, sizeBytes: 1000 };
  lab.must('note-volume-fill', { volume, isFull: true, ...full }, 'policy:fullness');
  lab.must('note-volume-fill', { volume, isFull: false, ...eased }, 'policy:fullness');
  lab.must('note-pool-fill', { node, pool: 'main', isFull: true, ...full }, 'policy:fullness');
  lab.must('note-pool-fill', { node, pool: 'main', isFull: false, ...eased }, 'policy:fullness');
  lab.must('stop-app', { name: 'notes' });
  lab.must('stop-instance', { instance, because: 'the app is stopped' }, 'policy:rollout');
  lab.must('report-instance-stopped', { instance, visit: lab.visit(instance) }, node);
  lab.must('remove-app', { name: 'notes' });
  lab.must('deploy-app', { compose: notes, start: false });
  lab.must('remove-app', { name: 'notes', withVolumes: true });
  purge(lab, volume);
  lab.must('report-volume-deleted', { volume, visit: lab.visit(volume) }, node);
  lab.must('create-volume', { name: 'spare', spec: { sizeBytes: 2 ** 30 } });
  lab.must('delay-volume', { volume: lab.volume('spare'), problem }, 'policy:placement');
  lab.must('delay-volume', { volume: lab.volume('spare'), problem, lasts: true }, 'policy:placement');
  lab.must('delete-volume', { name: 'spare' });
  lab.must('report-node-down', { node, lastSeenAt: lab.now }, 'policy:liveness');
  lab.must('remove-node', { name: 'lyra' });
}

/** A week later: nobody wanted it back. */
function purge(lab: TestLab, volume: `volume:${string}`): void {
  lab.now = lab.lab.get(volume)?.context.discarded?.purgeAt ?? lab.now;
  lab.must('purge-volume', { volume }, 'policy:purge');
}

/** Volumes without apps: what they are made like, clones of them, and how they go and come back. */
function volumes(lab: TestLab): void {
  const node = 'node:deneb';
  lab.join('deneb');
  const spec = { sizeBytes: 2 ** 30, owner: { uid: 999, gid: 999 }, mode: 0o700, recordSizeBytes: 2 ** 14 };
  lab.must('create-volume', { name: 'db', spec: { ...spec, compression: 'zstd' } });
  const volume = lab.volume('db');
  lab.must('place-volume', { volume, node, pool: 'main' }, 'policy:placement');
  lab.provision();
  lab.must('change-volume', { name: 'db', mode: 0o750 });
  lab.provision();
  lab.must('label-volume', { name: 'db', labels: { team: 'home' } });
  lab.must('rename-volume', { name: 'db', to: 'data' });
  lab.must('clone-volume', { name: 'data', as: 'test' });
  const [taken] = lab.lab.referrers(volume, 'snapshot');
  const snapshot = taken?.stream ?? 'snapshot:none';
  lab.must(
    'report-snapshot-taken',
    { snapshot, visit: lab.visit(snapshot), guid: 'guid-clone', takenAt: lab.now },
    node,
  );
  lab.provision();
  lab.must('report-snapshot-removed', { snapshot, visit: lab.visit(snapshot) }, node);
  lab.must('delete-volume', { name: 'test' });
  lab.must('recover-volume', { name: 'test-deleted' });
  lab.provision();
  for (const name of ['test', 'data']) {
    const gone = lab.volume(name);
    lab.must('delete-volume', { name, scrub: true });
    lab.must('report-volume-deleted', { volume: gone, visit: lab.visit(gone) }, node);
  }
  lab.must('report-node-down', { node, lastSeenAt: lab.now }, 'policy:liveness');
  lab.must('remove-node', { name: 'deneb' });
}

const hourMs = 3_600_000;
const sha = (digit: string): string => digit.repeat(64);

/** A machine at the door. Its key and the hash of its token's secret are of one digit each. */
export const newcomer = (name: string, digit: string) => ({
  incarnation: `${name}-disk-1`,
  name,
  addresses: ['10.0.0.9', 'fd00::9'],
  port: 7401,
  keySha256: sha(digit),
  facts: {
    architecture: 'arm64',
    cpus: 4,
    memoryBytes: 2 ** 32,
    os: 'Debian 12',
    kernel: '6.1',
    engine: { name: 'docker', version: '20.10' },
    pools: [{ name: 'main', driver: 'btrfs' as const, sizeBytes: 2 ** 37 }],
    version: '0.2.0',
    devices: [{ name: 'sda', sizeBytes: 2 ** 40, model: 'Disk', rotational: false }],
    supports: { protocol: { min: 1, max: 1 }, fold: { min: 1, max: 2 } },
  },
  protocol: { min: 1, max: 1 },
});

/** Who comes, by a token, by a rule, and by a person's word; who votes; and how each goes. */
function members(lab: TestLab): void {
  const system = 'system:join';
  const at = (name: string, digit: string) => ({ ...newcomer(name, digit), clock: lab.now });
  const token = (tokenId: string, digit: string) => ({ tokenId, hash: sha(digit) });
  lab.must('issue-token', { ...token('first', 'a'), role: 'witness', labels: { zone: 'cellar' } });
  lab.must('issue-token', { ...token('second', 'b'), validMs: hourMs });
  lab.must('issue-token', token('third', 'c'));
  lab.must('revoke-token', { token: 'third' });
  const shown = { id: 'first', hash: sha('a') };
  lab.must('admit-node', { node: 'node:rigel', ...at('rigel', '1'), token: shown }, system);
  lab.must('change-bouncer', { rules: [{ name: 'lab-*', address: '10.0.0.0/8', do: 'admit' }] });
  lab.must('admit-node', { node: 'node:lab-1', ...at('lab-1', '2'), token: null, from: '10.0.0.9' }, system);
  lab.must('admit-node', { node: 'node:deneb', ...at('deneb', '3'), token: null }, system);
  lab.must('approve-node', { name: 'deneb' });
  lab.must('admit-node', { node: 'node:deneb', ...at('deneb', '3'), token: null, again: true }, system);
  lab.must('admit-node', { node: 'node:mira', ...at('mira', '4'), token: null }, system);
  lab.must('refuse-node', { name: 'mira', because: 'nobody knows it' });
  const { incarnation, name, addresses, port, keySha256, facts } = newcomer('spica', '5');
  lab.must('join-node', { node: 'node:spica', name, addresses, port, facts }, 'node:spica');
  lab.must('join-node', { node: 'node:spica', name, addresses, port, facts, keySha256, incarnation }, 'node:spica');
  lab.must('report-node', { node: 'node:spica', addresses, port: 7403, facts }, 'node:spica');

  const voters = ['rigel.rigel-disk-1', 'lab-1.lab-1-disk-1', 'deneb.deneb-disk-1'];
  lab.must('record-members', { voters, learners: ['spica.spica-disk-1'], generation: 1, term: 3 }, 'system:raft');
  lab.must('label-node', { name: 'deneb', labels: { zone: 'attic' } });
  lab.must('change-node-role', { name: 'spica', role: 'learner' });
  lab.must('switch-fold-version', { version: 2 });

  lab.now += 2 * hourMs;
  lab.must('expire-tokens', {}, 'policy:membership');
  lab.must('report-node-down', { node: 'node:deneb', lastSeenAt: null }, 'policy:liveness');
  lab.must('note-lasting-outage', { node: 'node:deneb' }, 'policy:membership');
  lab.must('issue-token', { ...token('fourth', 'd'), replaces: 'deneb' });
  const back = { ...at('deneb', '6'), incarnation: 'deneb-disk-2' };
  lab.must('replace-incarnation', { ...back, token: { id: 'fourth', hash: sha('d') } }, system);
  const lost = { keptIndex: 200, knownIndex: 203, explain: 'Events 201 to 203 may be lost.' };
  const missingNodes = [{ name: 'lab-1', saidOffBy: 'admin' }];
  lab.must('record-recovery', { generation: 2, by: 'admin', lost, missingNodes }, 'system:recover');

  lab.must('record-members', { voters: ['deneb.deneb-disk-2'], learners: [], generation: 2 }, 'system:raft');
  lab.must('leave-node', { name: 'spica' });
  lab.must('finish-departure', { node: 'node:spica' }, 'policy:group');
  for (const each of ['rigel', 'lab-1', 'deneb']) {
    if (each === 'rigel') lab.must('report-node-stopped', { node: 'node:rigel' }, 'node:rigel');
    else lab.must('report-node-down', { node: `node:${each}`, lastSeenAt: lab.now }, 'policy:liveness');
    lab.must('remove-node', { name: each, force: each === 'deneb' });
    if (each !== 'deneb') lab.must('finish-departure', { node: `node:${each}` }, 'policy:group');
  }
}

/** Members of the group that leave, and are removed: out of the group first, then out of the lab. */
function departures(lab: TestLab): void {
  const peers = ['castor', 'pollux', 'gemma'].map((name, n) => {
    const said = newcomer(name, String(n + 7));
    const { incarnation, addresses, port, keySha256, facts } = said;
    lab.must(
      'join-node',
      { node: `node:${name}`, name, addresses, port, facts, keySha256, incarnation },
      `node:${name}`,
    );
    return `${name}.${incarnation}`;
  });
  const { generation = 1 } = lab.lab.get('cluster:lab')?.context ?? {};
  const record = (...voters: readonly string[]) =>
    lab.must('record-members', { voters: [...voters], learners: [], generation }, 'system:raft');
  const [castor = ''] = peers;
  record(...peers);
  lab.must('leave-node', { name: 'pollux' });
  record(castor);
  lab.must('finish-departure', { node: 'node:pollux' }, 'policy:group');
  const [operation] = lab.lab.referrers('node:pollux', 'operation');
  lab.must('finish-operation', { operation: operation?.stream ?? 'operation:none' }, 'policy:operations');
  lab.must('report-node-down', { node: 'node:gemma', lastSeenAt: lab.now }, 'policy:liveness');
  lab.must('remove-node', { name: 'gemma' });
  lab.must('finish-departure', { node: 'node:gemma' }, 'policy:group');
  const [removed] = lab.lab.referrers('node:gemma', 'operation');
  lab.must('finish-operation', { operation: removed?.stream ?? 'operation:none' }, 'policy:operations');
}

/** A machine that was stopped, and starts with its clock ten years ahead. */
function clocks(lab: TestLab): void {
  const node = 'node:vesta';
  lab.join('vesta');
  lab.must('report-node-stopped', { node }, node);
  lab.must('report-node-clock', { node, aheadMs: 3653 * 24 * hourMs }, 'policy:liveness');
  lab.must('remove-node', { name: 'vesta' });
}

if (process.argv[1]?.endsWith('history.ts')) {
  for (const event of history()) process.stdout.write(`${JSON.stringify(event)}\n`);
}
