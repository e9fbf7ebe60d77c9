/** What can be called off while it runs. Restores, exports and imports are in `../transfer/transfers.test.ts`. */
import { describe, expect, test } from 'vitest';
import type { StreamId } from '#events/envelope.ts';
import { TestLab } from '../test-lab.ts';

const node = 'node:atlas';

function labWithVolumes(...names: readonly string[]): TestLab {
  const lab = TestLab.ready();
  for (const name of names) {
    lab.must('create-volume', { name, spec: { sizeBytes: 2 ** 30 } });
    lab.must('place-volume', { volume: lab.volume(name), node, pool: 'main' }, 'policy:placement');
    lab.provision();
  }
  return lab;
}

function addTarget(lab: TestLab): void {
  lab.must('add-backup-target', { name: 'usb', store: { kind: 'directory', path: '/mnt/usb' } });
  const target = lab.lab.byName('backup-target', 'system', 'usb')?.stream as StreamId<'backup-target'>;
  const looked = { target, visit: lab.visit(target), repository: '0f'.repeat(16), backups: 0 };
  lab.must('report-backup-target-checked', looked, node);
}

/** The newest operation of a command. */
const asked = (lab: TestLab, command: string) =>
  lab.lab
    .list('operation')
    .filter(({ context }) => context.command === command)
    .toSorted((one, other) => one.context.startedAt - other.context.startedAt)
    .at(-1);
const named = (lab: TestLab, command: string): string => asked(lab, command)?.context.metadata.name ?? '';

test('a move to another node stays where it was', () => {
  const lab = labWithVolumes('photos');
  lab.join('vega');
  lab.must('move-volume', { name: 'photos', node: 'vega' });
  expect(lab.types('cancel-operation', { id: named(lab, 'move-volume') })).toEqual([
    'volume.handover-abandoned',
    'operation.failed',
  ]);
  expect(lab.lab.get(lab.volume('photos'))).toMatchObject({ state: 'ready', context: { node, handover: null } });
});

test('a backup goes again, and whoever waits for it hears so', () => {
  const lab = labWithVolumes('photos');
  addTarget(lab);
  lab.must('create-backup', { name: 'photos', to: 'usb' });
  const id = named(lab, 'create-backup');
  expect(lab.types('cancel-operation', { id })).toContain('operation.failed');
  expect(lab.lab.list('backup').filter(({ state }) => state === 'writing' || state === 'waiting')).toEqual([]);
  expect(lab.run('cancel-operation', { id }).rejected?.code).toBe('NOT_FOUND');
});

describe('a roll-back', () => {
  const compose = `name: wiki
services: { web: { image: nginx, volumes: ["data:/data"] } }
volumes: { data: {} }
x-floatlab: { size: 1GiB }
`;
  function rolledBack(): TestLab {
    const lab = TestLab.ready();
    lab.running(compose);
    lab.snapshotTaken('wiki-data', 'old');
    lab.must('rollback-volume', { name: 'wiki-data', snapshot: 'old' });
    return lab;
  }

  test('that waits for its app is called off, and the app goes on', () => {
    const lab = rolledBack();
    expect(lab.types('cancel-operation', { id: named(lab, 'rollback-volume') })).toEqual([
      'volume.rollback-abandoned',
      'operation.failed',
      'app.resumed',
    ]);
    expect(lab.lab.get(lab.volume('wiki-data'))).toMatchObject({ state: 'ready', context: { rollback: null } });
  });

  test('that has begun is not, in the words of its own command', () => {
    const lab = rolledBack();
    const instance = lab.instance('wiki');
    lab.must('stop-instance', { instance, because: 'a volume is rolled back' }, 'policy:rollout');
    lab.must('report-instance-stopped', { instance, visit: lab.visit(instance) }, node);
    lab.must('drain-volume', { volume: lab.volume('wiki-data') }, 'policy:rollout');
    const refused = lab.run('cancel-operation', { id: named(lab, 'rollback-volume') }).rejected;
    expect(refused).toEqual(lab.run('cancel-rollback', { name: 'wiki-data' }).rejected);
    expect(refused?.code).toBe('NOT_NOW');
  });
});

test('what cannot be undone half way is not called off', () => {
  const lab = labWithVolumes('photos');
  lab.must('change-volume', { name: 'photos', sizeBytes: 2 ** 31 });
  expect(lab.run('cancel-operation', { id: named(lab, 'change-volume') }).rejected?.code).toBe('UNSUPPORTED');
});
