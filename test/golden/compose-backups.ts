/** Backup sets that a compose file asks for: made, changed, and gone with it. */
import type { TestLab } from '#test/actors/test-lab.ts';

const kitchen = `name: kitchen
services:
  web: { image: nginx, volumes: ["recipes:/data", "cache:/cache"] }
volumes: { recipes: {}, cache: { x-floatlab: { backup: false } } }
x-floatlab:
  size: 1GiB
  backup: { target: shelf, schedule: "30 3 * * *", keep: "14d:1d 8w:1w", test-restore: 30d }
`;

export function composeBackups(lab: TestLab): void {
  const before = new Set(lab.lab.list('operation').map(({ stream }) => stream));
  lab.must('add-backup-target', { name: 'shelf', store: { kind: 'directory', path: '/mnt/shelf' } });
  lab.must('deploy-app', { compose: kitchen, start: false });
  lab.must('deploy-app', { compose: kitchen.replace('30 3', '0 5').replace('nginx', 'caddy'), start: false });
  lab.must('remove-app', { name: 'kitchen' });
  for (const name of ['kitchen-recipes', 'kitchen-cache']) lab.must('delete-volume', { name, purge: true });
  lab.must('remove-backup-target', { name: 'shelf' });
  for (const { stream, state } of lab.lab.list('operation'))
    if (state === 'running' && !before.has(stream))
      lab.must('finish-operation', { operation: stream }, 'policy:operations');
}
