/** Volumes that are deleted, recovered, purged: given commands, when one, then what it drafts or why it is refused. */
import { describe, expect, test } from 'vitest';
import type { StreamId } from '#events/envelope.ts';
import { purgePolicy } from '#actors/policies/purge.ts';
import { recoverableMs } from '#actors/volume/commands.ts';
import { workOf } from '#actors/registry.ts';
import { TestLab } from '../test-lab.ts';

const spec = { sizeBytes: 2 ** 30 };

/** A lab with volumes that are ready. */
function withVolumes(...names: readonly string[]): TestLab {
  const lab = TestLab.ready();
  for (const name of names) {
    lab.must('create-volume', { name, spec });
    lab.must('place-volume', { volume: lab.volume(name), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  }
  lab.provision();
  return lab;
}

const nobody = { get: () => undefined };
const purges = (lab: TestLab, volume: StreamId<'volume'>) => purgePolicy.propose(volume, lab.lab, nobody, lab.now);

describe('a volume whose end something stands in the way of', () => {
  const problem = { code: 'BUSY', message: '/x is in use by process 7 (sleep)', hint: 'Stop it.' };
  const held = (lab: TestLab, name: string, message = problem.message) => {
    const volume = lab.volume(name);
    const input = { volume, visit: lab.visit(volume), problem: { ...problem, message } };
    return lab.run('report-volume-held', input, 'node:atlas');
  };

  test('says what it is, goes on, and is told of another reason once', () => {
    const lab = withVolumes('data');
    lab.must('delete-volume', { name: 'data', purge: true });
    const visit = lab.visit(lab.volume('data'));
    expect(held(lab, 'data').events.map(({ type }) => type)).toEqual(['volume.delayed']);
    expect(held(lab, 'data').events).toEqual([]);
    expect(held(lab, 'data', 'another').events).toHaveLength(1);
    const volume = lab.lab.get(lab.volume('data'));
    expect(volume).toMatchObject({
      state: 'deleting',
      visit,
      context: { delay: { message: 'another' }, delayLasts: true },
    });
    expect(volume && workOf(volume, lab.lab)?.work).toBe('destroy-dataset');
  });

  test('waits no more once it has failed, or when nothing is asked of it', () => {
    const lab = withVolumes('data', 'other');
    expect(held(lab, 'other').events).toEqual([]);
    lab.must('delete-volume', { name: 'data', purge: true });
    held(lab, 'data');
    const volume = lab.volume('data');
    lab.must('report-volume-failed', { volume, visit: lab.visit(volume), problem }, 'node:atlas');
    expect(lab.lab.get(volume)).toMatchObject({ state: 'failed', context: { delay: null, delayedAt: null } });
  });
});

describe('a volume that is deleted', () => {
  test('is kept for a week under another name, and its own is free', () => {
    const lab = withVolumes('data');
    const volume = lab.volume('data');
    expect(lab.types('delete-volume', { name: 'data' })).toEqual(['operation.started', 'volume.discarded']);
    expect(lab.volume('data-deleted')).toBe(volume);
    expect(lab.lab.get(volume)?.context.discarded).toEqual({ name: 'data', purgeAt: lab.now + recoverableMs });
    lab.must('create-volume', { name: 'data', spec });
    expect(lab.volume('data')).not.toBe(volume);
  });

  test('asks for no work until it is purged', () => {
    const lab = withVolumes('data');
    const volume = lab.volume('data');
    lab.must('delete-volume', { name: 'data' });
    const discarded = lab.lab.get(volume);
    expect(discarded && workOf(discarded, lab.lab)).toBeUndefined();
    expect(purges(lab, volume)).toEqual([]);
    expect(lab.run('purge-volume', { volume }, 'policy:purge').events).toEqual([]);
    lab.now += recoverableMs;
    expect(purges(lab, volume)).toMatchObject([{ name: 'purge-volume', input: { volume } }]);
    expect(lab.types('purge-volume', { volume }, 'policy:purge')).toEqual(['volume.deletion-requested']);
  });

  test('is not taken for the app that had it, also under the name that this looks for: it would be purged with the app on it', () => {
    const lab = TestLab.ready();
    const compose =
      'name: photos\nservices: { web: { image: nginx, volumes: ["data:/data"] } }\nvolumes: { data: {} }\n';
    lab.running(compose);
    lab.must('remove-app', { name: 'photos' });
    const instance = lab.instance('photos');
    lab.must('stop-instance', { instance, because: 'it goes' }, 'policy:rollout');
    lab.must('report-instance-stopped', { instance, visit: lab.visit(instance) }, 'node:atlas');
    lab.must('delete-volume', { name: 'photos-data' });
    lab.must('rename-volume', { name: 'photos-data-deleted', to: 'photos-data' });
    expect(lab.run('deploy-app', { compose }).rejected).toMatchObject({
      code: 'NOT_NOW',
      hint: expect.stringContaining('floatlab volume recover photos-data --as photos-data'),
    });
    lab.must('recover-volume', { name: 'photos-data', as: 'photos-data' });
    expect(lab.types('deploy-app', { compose })).toContain('volume.attached');
  });

  test('is due exactly when nobody can recover it any more', () => {
    const lab = withVolumes('data');
    lab.must('delete-volume', { name: 'data', keepForMs: 3_600_000 });
    const volume = lab.volume('data-deleted');
    expect(purgePolicy.dueAt?.(volume, lab.lab, nobody)).toBe(lab.now + 3_600_000);
    lab.must('recover-volume', { name: 'data-deleted' });
    expect(purgePolicy.dueAt?.(volume, lab.lab, nobody)).toBeUndefined();
  });

  test('comes back with its name and its snapshots, and its node looks after it again', () => {
    const lab = withVolumes('data');
    lab.snapshotTaken('data', 'monday');
    lab.must('delete-volume', { name: 'data' });
    expect(lab.types('recover-volume', { name: 'data-deleted' })).toEqual(['operation.started', 'volume.recovered']);
    const volume = lab.lab.get(lab.volume('data'));
    expect(volume?.context.discarded).toBeNull();
    expect(volume && workOf(volume, lab.lab)?.work).toBe('create-dataset');
    lab.provision();
    expect(lab.lab.get(lab.volume('data'))?.state).toBe('ready');
    expect(lab.lab.get(lab.snapshot('data', 'monday'))?.state).toBe('available');
  });

  test('comes back under another name where its own is taken', () => {
    const lab = withVolumes('data');
    lab.must('delete-volume', { name: 'data' });
    lab.must('create-volume', { name: 'data', spec });
    const { rejected } = lab.run('recover-volume', { name: 'data-deleted' });
    expect(rejected).toMatchObject({ code: 'NAME_TAKEN', hint: expect.stringContaining('--as') });
    lab.must('recover-volume', { name: 'data-deleted', as: 'old' });
    expect(lab.lab.get(lab.volume('old'))?.state).toBe('changing');
  });

  test('may be deleted again and again, each of them is kept', () => {
    const lab = TestLab.ready();
    for (let n = 0; n < 3; n++) {
      lab.must('create-volume', { name: 'data', spec });
      lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
      lab.provision();
      lab.must('delete-volume', { name: 'data' });
    }
    const names = lab.lab.list('volume').map(({ context }) => context.metadata.name);
    expect(names.toSorted()).toEqual(['data-deleted', 'data-deleted-2', 'data-deleted-3']);
  });

  test('keeps a name that is valid, however long its own is', () => {
    const name = 'x'.repeat(63);
    const lab = withVolumes(name);
    lab.must('delete-volume', { name });
    expect(lab.lab.list('volume')[0]?.context.metadata.name).toBe(`${'x'.repeat(55)}-deleted`);
  });

  test('takes no snapshots and cannot be changed', () => {
    const lab = withVolumes('data');
    lab.must('delete-volume', { name: 'data' });
    expect(lab.run('take-snapshot', { name: 'data-deleted' }).rejected?.code).toBe('NOT_NOW');
    expect(lab.run('change-volume', { name: 'data-deleted', sizeBytes: 2 ** 31 }).rejected?.code).toBe('NOT_NOW');
  });

  test('still counts for the room of its pool', () => {
    const lab = withVolumes('data');
    lab.must('change-volume', { name: 'data', sizeBytes: 70 * 2 ** 30 });
    lab.provision();
    lab.must('delete-volume', { name: 'data' });
    lab.must('create-volume', { name: 'more', spec: { sizeBytes: 20 * 2 ** 30 } });
    const place = { volume: lab.volume('more'), node: 'node:atlas' as const, pool: 'main' };
    expect(lab.run('place-volume', place, 'policy:placement').rejected?.code).toBe('NOT_NOW');
  });

  test('is gone at once when it never had any data', () => {
    const lab = TestLab.ready();
    lab.must('create-volume', { name: 'data', spec });
    expect(lab.types('delete-volume', { name: 'data' })).toEqual(['operation.started', 'volume.deleted']);
    lab.must('create-volume', { name: 'data', spec });
    lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
    expect(lab.types('delete-volume', { name: 'data' })).toContain('volume.deletion-requested');
  });

  test('is kept when it failed with data in it: while it was changed, or went back', () => {
    const problem = { code: 'FAILED', message: 'the disk does not answer' };
    const lab = withVolumes('data', 'photos');
    const failing = (name: string) => {
      const volume = lab.volume(name);
      lab.must('report-volume-failed', { volume, visit: lab.visit(volume), problem }, 'node:atlas');
      expect(lab.types('delete-volume', { name })).toContain('volume.discarded');
    };
    lab.must('change-volume', { name: 'data', sizeBytes: 2 ** 31 });
    failing('data');
    lab.must('take-snapshot', { name: 'photos', as: 'old' });
    const snapshot = lab.snapshot('photos', 'old');
    const taken = { snapshot, visit: lab.visit(snapshot), guid: 'g', takenAt: lab.now };
    lab.must('report-snapshot-taken', taken, 'node:atlas');
    lab.must('rollback-volume', { name: 'photos', snapshot: 'old' });
    const before = lab.lab.get(lab.volume('photos'))?.context.rollback;
    failing('photos');

    // What the roll-back has put aside is not forgotten meanwhile: it goes on where it was.
    lab.must('recover-volume', { name: 'photos-deleted' });
    const photos = lab.volume('photos');
    const recovered = lab.lab.get(photos);
    expect(recovered && workOf(recovered, lab.lab)).toMatchObject({
      work: 'rollback-dataset',
      input: { to: 'old', stash: before?.stash },
    });
    const stash = { name: before?.stash ?? '', guid: 'kept', takenAt: lab.now };
    lab.must('report-volume-rolled-back', { volume: photos, visit: lab.visit(photos), stash }, 'node:atlas');
    expect(lab.lab.get(photos)).toMatchObject({ state: 'ready', context: { rollback: null, discarded: null } });
    expect(lab.lab.get(lab.snapshot('photos', stash.name))?.context.guid).toBe('kept');
  });

  test('goes for ever when that is what somebody wants, and says to its node that nothing may be left to be read', () => {
    const lab = withVolumes('data', 'secret');
    expect(lab.types('delete-volume', { name: 'data', purge: true })).toContain('volume.deletion-requested');
    lab.must('delete-volume', { name: 'secret' });
    lab.must('delete-volume', { name: 'secret-deleted', scrub: true });
    const secret = lab.lab.get(lab.volume('secret-deleted'));
    expect(secret && workOf(secret, lab.lab)?.input).toMatchObject({ scrub: true });
  });

  test('of an app is deleted with it, and can be recovered for a new one', () => {
    const lab = TestLab.ready();
    const compose = `name: photos\nservices:\n  web: { image: nginx, volumes: ["data:/data"] }\nvolumes: { data: {} }\n`;
    lab.must('deploy-app', { compose, start: false });
    lab.must(
      'place-volume',
      { volume: lab.volume('photos-data'), node: 'node:atlas', pool: 'main' },
      'policy:placement',
    );
    lab.provision();
    const first = lab.volume('photos-data');
    expect(lab.types('remove-app', { name: 'photos', withVolumes: true })).toContain('volume.discarded');
    lab.must('recover-volume', { name: 'photos-data-deleted' });
    lab.provision();
    lab.must('deploy-app', { compose, start: false });
    expect(lab.lab.get(lab.app('photos'))?.context.volumes).toEqual({ data: first });
  });
});

describe('a volume', () => {
  test('is called otherwise, as long as nothing else is called so', () => {
    const lab = withVolumes('data', 'other');
    const volume = lab.volume('data');
    expect(lab.run('rename-volume', { name: 'data', to: 'other' }).rejected?.code).toBe('NAME_TAKEN');
    expect(lab.run('rename-volume', { name: 'data', to: 'data' }).events).toEqual([]);
    lab.must('rename-volume', { name: 'data', to: 'photos' });
    expect(lab.volume('photos')).toBe(volume);
    expect(lab.run('rename-volume', { name: 'data', to: 'x' }).rejected?.code).toBe('NOT_FOUND');
  });

  test('gets and loses labels, and the same labels again are nothing', () => {
    const lab = withVolumes('data');
    lab.must('label-volume', { name: 'data', labels: { team: 'home', tier: 'gold' } });
    expect(lab.run('label-volume', { name: 'data', labels: { team: 'home' } }).events).toEqual([]);
    lab.must('label-volume', { name: 'data', labels: { tier: null } });
    expect(lab.lab.get(lab.volume('data'))?.context.metadata.labels).toEqual({ team: 'home' });
  });

  test('gets another owner, mode and size by its node; what it keeps needs nobody', () => {
    const lab = withVolumes('data');
    lab.must('change-volume', { name: 'data', owner: { uid: 999, gid: 999 }, mode: 0o750 });
    const changing = lab.lab.get(lab.volume('data'));
    expect(changing?.state).toBe('changing');
    expect(changing && workOf(changing, lab.lab)?.input).toMatchObject({
      spec: { ...spec, owner: { uid: 999, gid: 999 }, mode: 0o750 },
    });
    lab.provision();
    lab.must('change-volume', { name: 'data', keep: 'last:3' });
    expect(lab.lab.get(lab.volume('data'))?.state).toBe('ready');
    lab.must('change-volume', { name: 'data', keep: '' });
    expect(lab.lab.get(lab.volume('data'))?.context.spec).not.toHaveProperty('keep');
  });

  test.each([{ recordSizeBytes: 2 ** 14 }, { compression: 'zstd' as const }])(
    'does not change what is fixed once it is made: %j',
    (fixed) => {
      const lab = withVolumes('data');
      expect(lab.run('change-volume', { name: 'data', ...fixed }).rejected).toMatchObject({ code: 'FIXED' });
      lab.must('create-volume', { name: 'new', spec });
      lab.must('change-volume', { name: 'new', ...fixed });
      expect(lab.lab.get(lab.volume('new'))?.context.spec).toEqual({ ...spec, ...fixed });
    },
  );

  test.each([
    [{ mode: 0o10000 }],
    [{ owner: { uid: -1, gid: 0 } }],
    [{ recordSizeBytes: 3000 }],
    [{ recordSizeBytes: 2 ** 21 }],
    [{ compression: 'rar' }],
  ])('is refused with %j', (wrong) => {
    const lab = TestLab.ready();
    const input = { name: 'data', spec: { ...spec, ...wrong } };
    expect(lab.run('create-volume', input as never).rejected?.code).toBe('INVALID');
  });
});
