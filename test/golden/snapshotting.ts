/** A piece of the golden history: how volumes are snapshotted beyond their schedules. */
import type { TestLab } from '#test/actors/test-lab.ts';

const music = `name: music
services:
  web: { image: nginx, volumes: ["data:/data"] }
  db: { image: pg, volumes: ["db:/db"] }
volumes: { data: {}, db: { x-floatlab: { snapshot: { schedule: "0 * * * *" } } } }
x-floatlab:
  size: 1GiB
  snapshot: { on-change: true }
  hooks: { before: { service: db, command: [freeze] }, after: { service: db, command: [thaw] } }
`;

/** Snapshots of what changes, sets around the commands of an app, and schedules of whole apps. */
export function snapshotting(lab: TestLab): void {
  const node = 'node:lesath';
  lab.join('lesath');
  lab.must('deploy-app', { compose: music, start: false });
  for (const name of ['music-data', 'music-db'])
    lab.must('place-volume', { volume: lab.volume(name), node, pool: 'main' }, 'policy:placement');
  lab.provision();
  lab.must('deploy-app', { compose: music.replace('nginx', 'caddy').replace('0 * * * *', '5 * * * *'), start: false });
  lab.must('change-volume', { name: 'music-data', snapshotOnChange: null, hooks: null });
  lab.must('change-volume', { name: 'music-data', snapshotOnChange: { settleMs: 10_000, minIntervalMs: 60_000 } });
  lab.must('create-volume', {
    name: 'scores',
    spec: { sizeBytes: 2 ** 30, snapshotOnChange: { settleMs: 10_000, minIntervalMs: 60_000 } },
  });
  lab.must('delete-volume', { name: 'scores' });
  lab.must('create-schedule', { name: 'sets', app: 'music', cron: '0 3 * * *' });
  const volumes = [{ volume: lab.volume('music-data'), mark: 'uuid:7' }];
  lab.must('request-change-snapshots', { node, volumes }, node);
  lab.must('take-app-snapshot', { name: 'music', as: 'both', note: 'before the move' });
  const failed = { service: 'db', ended: 'failed' as const, exitCode: 1, tookMs: 20 };
  const done = { service: 'db', ended: 'done' as const, exitCode: 0, tookMs: 10 };
  const facts = lab.lab
    .list('snapshot')
    .filter(({ state }) => state === 'taking')
    .map(({ stream, context }, n) => ({
      snapshot: stream,
      visit: lab.visit(stream),
      guid: `guid-music-${n}`,
      takenAt: lab.now,
      ...(context.set === null ? {} : { together: true, hooks: { before: failed, after: done } }),
    }));
  lab.must('report-snapshots-taken', { node, snapshots: facts }, node);
  lab.must('remove-app', { name: 'music' });
  lab.must('report-node-down', { node, lastSeenAt: lab.now }, 'policy:liveness');
  lab.must('remove-node', { name: 'lesath', force: true });
  lab.must('finish-departure', { node }, 'policy:group');
}
