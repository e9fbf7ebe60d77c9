/** Backups, in the history that knows every event: well and not, here and in the target of another lab. */
import type { StreamId } from '#events/envelope.ts';
import type { TestLab } from '#test/actors/test-lab.ts';

export function backups(lab: TestLab): void {
  const node = 'node:umbra';
  const before = new Set(lab.lab.list('operation').map(({ stream }) => stream));
  lab.join('umbra');
  lab.must('create-volume', { name: 'attic', spec: { sizeBytes: 2 ** 30 } });
  lab.must('place-volume', { volume: lab.volume('attic'), node, pool: 'main' }, 'policy:placement');
  const volume = lab.volume('attic');
  lab.must(
    'report-volume-provisioned',
    { volume, visit: lab.visit(volume), dataset: 'attic', path: '/pool/attic' },
    node,
  );

  const targetOf = (name: string): StreamId<'backup-target'> =>
    lab.lab.byName('backup-target', 'system', name)?.stream ?? 'backup-target:none';
  const problem = { code: 'POOL_MISSING', message: 'There is no folder /mnt/usb.', hint: 'Is its disk mounted?' };
  lab.must('add-backup-target', { name: 'usb', store: { kind: 'directory', path: '/mnt/usb', node: 'umbra' } });
  const target = targetOf('usb');
  const looked = () => ({ target, visit: lab.visit(target) });
  lab.must('report-backup-target-check-failed', { ...looked(), problem }, node);
  lab.must('test-backup-target', { name: 'usb' });
  const found = {
    ...{ object: 'abc', lab: 'cellar/1', namespace: 'default', volumeName: 'wine', spec: { sizeBytes: 2 ** 30 } },
    ...{ app: { name: 'cellar', key: 'wine' }, set: { id: 's1', size: 2 }, takenAt: lab.now, sizeBytes: 4096 },
  };
  lab.must('report-backups-found', { ...looked(), found: [found] }, node);
  lab.must('report-backup-target-checked', { ...looked(), repository: '0f'.repeat(16), backups: 1 }, node);
  lab.must('change-backup-target', { name: 'usb', keep: '7d:1d last:2', verifyEveryMs: 86_400_000 });
  lab.must('report-backup-target-checked', { ...looked(), repository: '0f'.repeat(16), backups: 1 }, node);

  const newest = (): StreamId<'backup'> =>
    lab.lab
      .list('backup')
      .toSorted((a, b) => a.createdAt - b.createdAt)
      .at(-1)?.stream ?? 'backup:none';
  const told = (backup: StreamId<'backup'>) => ({ backup, visit: lab.visit(backup) });
  const asked = (): StreamId<'backup'> => {
    lab.now += 1000;
    lab.must('create-backup', { name: 'attic', to: 'usb' });
    const backup = newest();
    const snapshot = lab.lab.get(backup)?.context.snapshot ?? 'snapshot:none';
    const taken = { snapshot, visit: lab.visit(snapshot), guid: `g-${snapshot}`.slice(0, 60), takenAt: lab.now };
    lab.must('report-snapshot-taken', taken, node);
    lab.must('begin-backup', { backup }, 'policy:backups');
    return backup;
  };
  const first = asked();
  lab.must('report-backup-failed', { ...told(first), problem }, node);
  lab.must('begin-backup', { backup: first }, 'policy:backups');
  lab.must('report-backup-written', { ...told(first), sizeBytes: 8192, addedBytes: 4096, takenAt: lab.now }, node);
  lab.must('report-backup-verify-failed', { ...told(first), problem }, node);
  lab.must('reverify-backup', { backup: first }, 'policy:backups');
  lab.must('report-backup-verified', { ...told(first), readBytes: 8192 }, node);
  const second = asked();
  lab.must('report-backup-written', { ...told(second), sizeBytes: 8192, addedBytes: 0, takenAt: lab.now }, node);
  const damage = { code: 'DAMAGED', message: 'chunk 0011 is missing' };
  lab.must('report-backup-damaged', { ...told(second), problem: damage }, node);
  const because = 'not kept by 7d:1d last:2';
  lab.must('expire-backups', { target, backups: [{ backup: second, because }] }, 'policy:backups');
  lab.must('report-backup-removed', told(second), node);

  lab.must('create-schedule', { name: 'attic-nightly', volume: 'attic', backupTo: 'usb', cron: '0 3 * * *' });
  const schedule: StreamId<'schedule'> =
    lab.lab.byName('schedule', 'default', 'attic-nightly')?.stream ?? 'schedule:none';
  lab.now += 5 * 86_400_000;
  const dueAt = lab.lab.get(schedule)?.context.dueAt ?? 0;
  lab.must('fire-schedule', { schedule, dueAt }, 'policy:schedules');
  const third = newest();
  const snapshot = lab.lab.get(third)?.context.snapshot ?? 'snapshot:none';
  lab.must('report-snapshot-taken', { snapshot, visit: lab.visit(snapshot), guid: 'g-third', takenAt: lab.now }, node);
  lab.must('begin-backup', { backup: third }, 'policy:backups');
  lab.must('report-backup-written', { ...told(third), sizeBytes: 8192, addedBytes: 0, takenAt: lab.now }, node);
  lab.must('report-backup-verified', { ...told(third), readBytes: 8192 }, node);
  lab.must('remove-schedule', { name: 'attic-nightly' });

  lab.must('prune-backup-target', { name: 'usb' });
  lab.must('report-backup-target-prune-failed', { ...looked(), problem }, node);
  lab.must('begin-prune', { target }, 'policy:backups');
  lab.must(
    'report-backup-target-pruned',
    { ...looked(), deletedBytes: 4096, rewrittenBytes: 0, waitingPacks: 1 },
    node,
  );
  const { metadata } = lab.lab.get(third)?.context ?? {};
  lab.must('restore-backup', { name: metadata?.name ?? '', to: 'attic', replace: true });
  const transfer = lab.lab.list('transfer').find(({ context }) => context.volume === volume);
  const held = { guid: 'g-before-backup', takenAt: lab.now };
  const stream = transfer?.stream ?? 'transfer:none';
  lab.must(
    'report-transfer-finished',
    { transfer: stream, visit: lab.visit(stream), files: 3, bytes: 8192, before: held },
    node,
  );
  // With those in it: the one that was found, too.
  lab.must('remove-backup-target', { name: 'usb' });

  lab.must('delete-volume', { name: 'attic', purge: true });
  lab.must('report-volume-deleted', { volume, visit: lab.visit(volume) }, node);
  lab.must('report-node-down', { node, lastSeenAt: lab.now }, 'policy:liveness');
  lab.must('remove-node', { name: 'umbra' });
  lab.must('finish-departure', { node }, 'policy:group');
  for (const { stream } of lab.lab.list('operation'))
    if (!before.has(stream)) lab.must('finish-operation', { operation: stream }, 'policy:operations');
}
