/** A history that knows every event type: the source of the golden log. `npx tsx test/golden/history.ts` prints it. */
import type { LabEvent } from '#events/envelope.ts';
import { TestLab } from '#test/actors/test-lab.ts';

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
  lab.must('delete-volume', { name: 'photos-data' });
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
  return lab.events;
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
  lab.must('report-volume-deleted', { volume, visit: lab.visit(volume) }, node);
  lab.must('create-volume', { name: 'spare', spec: { sizeBytes: 2 ** 30 } });
  lab.must('delay-volume', { volume: lab.volume('spare'), problem }, 'policy:placement');
  lab.must('delay-volume', { volume: lab.volume('spare'), problem, lasts: true }, 'policy:placement');
  lab.must('delete-volume', { name: 'spare' });
  lab.must('report-node-down', { node, lastSeenAt: lab.now }, 'policy:liveness');
  lab.must('remove-node', { name: 'lyra' });
}

if (process.argv[1]?.endsWith('history.ts')) {
  for (const event of history()) process.stdout.write(`${JSON.stringify(event)}\n`);
}
