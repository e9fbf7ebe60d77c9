/** A lab that is lost: another one reads its target with the kit and the recovery key, and brings its apps back. */
import { expect, test } from 'vitest';
import { backupKeyOf } from '#io/devices/backup/format/keys.ts';
import { SimTargets } from '#io/devices/backup/targets/sim.ts';
import { makeKit, openKit } from '#io/backup-kit/kit.ts';
import { makeRecoveryKey } from '#io/pki/recovery-key.ts';
import { wrapSecrets } from '#io/pki/sealed-secrets.ts';
import { OneMachine } from './one-machine.ts';

const place = '/mnt/share';
const compose =
  'name: shop\nservices:\n  web:\n    image: nginx\n    env_file: [.env]\n    volumes: [data:/data, db:/db]\nvolumes: { data: {}, db: {} }\n';
const env = { '.env': { content: Buffer.from('PASSWORD=secret').toString('base64'), mode: 0o600 } };

const filesOf = (one: OneMachine, volume: string): Map<string, string> => {
  const { path } = one.lab.byName('volume', 'default', volume)?.context ?? {};
  const [machine] = one.world.machines;
  const files = machine?.volumes.filesAt(path ?? '');
  if (!files) throw new Error(`${volume} has no files`);
  return files as Map<string, string>;
};
const write = (one: OneMachine, volume: string, file: string, text: string): void => {
  const { path } = one.lab.byName('volume', 'default', volume)?.context ?? {};
  one.world.machines[0]?.volumes.writeAt(path ?? '', file, text);
};

async function lostLab(targets: SimTargets, dataKey: Uint8Array): Promise<{ kit: string; recoveryKey: string }> {
  const one = await OneMachine.started(1, 1, { targets, backupKey: backupKeyOf(dataKey) });
  await one.must('deploy-app', { compose, files: env });
  await one.untilApp('shop', 'running');
  write(one, 'shop-data', 'orders.csv', 'three');
  write(one, 'shop-db', 'table', 'rows');
  await one.must('add-backup-target', { name: 'share', store: { kind: 'directory', path: place } });
  await one.until('it is there', () => one.lab.byName('backup-target', 'system', 'share')?.state === 'ready');
  await one.must('back-up-app', { name: 'shop', to: 'share' });
  await one.until('it is backed up', () => one.lab.list('backup').every(({ state }) => state === 'verified'));
  const recoveryKey = makeRecoveryKey();
  const kit = await makeKit({
    lab: one.lab,
    dataKey,
    sealed: wrapSecrets(recoveryKey, { data_key: Buffer.from(dataKey).toString('base64url') }),
    nowMs: one.clock.now(),
    blob: (address) => one.world.blobs.get(address),
  });
  one.world.crash('power');
  return { kit, recoveryKey };
}

test('a lab that is gone comes back in another one: apps, files and volumes', async () => {
  const targets = new SimTargets();
  const { kit, recoveryKey } = await lostLab(targets, new Uint8Array(32).fill(7));
  expect(kit).not.toContain('secret');
  const { store, secrets } = openKit(kit, recoveryKey, undefined);
  const two = await OneMachine.started(2, 1, { targets, backupKey: new Uint8Array(32).fill(9) });

  // Without the key of the lab that made them nothing is to be had there.
  await two.must('add-backup-target', { name: 'wrong', store: { kind: 'directory', path: place } });
  await two.until('it is refused', () => two.lab.byName('backup-target', 'system', 'wrong')?.state === 'unreachable');
  expect(two.lab.byName('backup-target', 'system', 'wrong')?.context).toMatchObject({
    problem: { code: 'PERMISSION' },
    retryAt: null,
  });
  await two.must('remove-backup-target', { name: 'wrong' });

  if (store.kind !== 'directory') throw new Error('the kit names another store');
  await two.must('add-backup-target', { name: 'old', store: { kind: 'directory', path: store.path }, secrets });
  await two.until('its backups are found', () => two.lab.list('backup').length === 2);
  const found = two.lab.list('backup').map(({ context }) => context);
  expect(found.map(({ volumeName }) => volumeName).toSorted()).toEqual(['shop-data', 'shop-db']);
  await expect(two.must('remove-backup', { name: found[0]?.metadata.name ?? '' })).rejects.toThrow('only read here');

  for (const { metadata, volumeName } of found)
    await two.must('restore-backup', { name: metadata.name, as: volumeName });
  await two.until('they are back', () => two.lab.list('transfer').length === 0);
  const stream = two.lab.list('backup')[0]?.stream ?? 'backup:none';
  const files = await two.await(two.world.wired.backupFiles.app(stream, new AbortController().signal));
  expect(files).toEqual({ compose, files: env });
  await two.must('deploy-app', { compose: files.compose ?? '', files: { ...files.files } });
  await two.untilApp('shop', 'running');
  expect(filesOf(two, 'shop-data').get('orders.csv')).toBe('three');
  expect(filesOf(two, 'shop-db').get('table')).toBe('rows');
  // Nothing was written where the other lab's backups are.
  expect(targets.at(place).keys('manifests/')).toHaveLength(2);
});

test('a kit says what is wrong with it, or with what it is opened with', async () => {
  const { kit, recoveryKey } = await lostLab(new SimTargets(), new Uint8Array(32).fill(7));
  expect(() => openKit(kit, makeRecoveryKey(), undefined)).toThrow('not the one that the secrets were sealed with');
  expect(() => openKit(kit, recoveryKey, 'usb')).toThrow('the kit has no target usb');
  expect(() => openKit('{}', recoveryKey, undefined)).toThrow('this is no kit');
  expect(() => openKit('hello', recoveryKey, undefined)).toThrow('it is not JSON');
  expect(() =>
    openKit(kit.replace('"floatlabBackupKit": 1', '"floatlabBackupKit": 2'), recoveryKey, undefined),
  ).toThrow('later version');
});
