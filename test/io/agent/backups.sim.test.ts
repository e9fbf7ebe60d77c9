/** Backups as a lab makes them, in virtual time: from a snapshot to another place, read back, and home again. */
import { describe, expect, test } from 'vitest';
import type { ActorState } from '#actors/actor.ts';
import type { SimCall, SimFault } from '#io/devices/backup/store/sim.ts';
import { OneMachine } from './one-machine.ts';

const GiB = 2 ** 30;
const hourMs = 3_600_000;
const place = '/mnt/usb';

async function labWithVolume(nodes = 1): Promise<OneMachine> {
  const one = await OneMachine.started(1, nodes);
  await one.must('create-volume', { name: 'photos', spec: { sizeBytes: GiB } });
  await one.until('the volume is ready', () => volume(one, 'photos')?.state === 'ready');
  write(one, 'photos', 'a.jpg', 'first');
  return one;
}

async function withTarget(one: OneMachine, more: object = {}): Promise<void> {
  await one.must('add-backup-target', { name: 'usb', store: { kind: 'directory', path: place }, ...more });
  await one.until('the target is looked at', () => ['ready', 'unreachable'].includes(target(one)?.state ?? ''));
}

const volume = (one: OneMachine, name: string) => one.lab.byName('volume', 'default', name);
const target = (one: OneMachine) => one.lab.byName('backup-target', 'system', 'usb');
const backups = (one: OneMachine): readonly ActorState<'backup'>[] => one.lab.list('backup');
const only = (one: OneMachine): ActorState<'backup'> | undefined => backups(one)[0];
const nameOf = (one: OneMachine): string => only(one)?.context.metadata.name ?? '';

const machineOf = (one: OneMachine, name: string) => {
  const node = volume(one, name)?.context.node;
  const machine = one.world.machines.find(({ id }) => `node:${id}` === node);
  if (!machine) throw new Error(`volume ${name} is nowhere`);
  return machine;
};
const pathOf = (one: OneMachine, name: string): string => volume(one, name)?.context.path ?? '';
const write = (one: OneMachine, name: string, file: string, text: string): void =>
  machineOf(one, name).volumes.writeAt(pathOf(one, name), file, text);
const files = (one: OneMachine, name: string): Record<string, string> =>
  Object.fromEntries(machineOf(one, name).volumes.filesAt(pathOf(one, name)) ?? []);

async function backedUp(one: OneMachine): Promise<void> {
  await one.must('create-backup', { name: 'photos', to: 'usb' });
  await one.until(`it was read back (it is ${only(one)?.state})`, () =>
    backups(one).every(({ state }) => state === 'verified'),
  );
}

describe('a backup', () => {
  test('is written from a snapshot, counts once it was read back, and leaves no snapshot behind', async () => {
    const one = await labWithVolume();
    await withTarget(one);
    await backedUp(one);
    expect(only(one)?.context).toMatchObject({ problem: null, snapshot: null });
    expect(one.world.targets.at(place).keys('manifests/')).toHaveLength(1);
    await one.until('its snapshot is gone', () => one.lab.list('snapshot').length === 0);
    await one.until('its operation is over', () => one.lab.list('operation').length === 0);
    const told = (await one.told()).filter((line) => line.startsWith('Backup '));
    expect(told.at(-1)).toMatch(/^Backup photos-2026-06-01-\S+ was read back and is whole/);
  });

  test('comes back as a new volume, and into the old one, which keeps what it held', async () => {
    const one = await labWithVolume();
    await withTarget(one);
    await backedUp(one);
    write(one, 'photos', 'a.jpg', 'spoiled');
    await one.must('restore-backup', { name: nameOf(one), as: 'photos-again' });
    await one.until('it is back', () => one.lab.list('transfer').length === 0);
    expect(files(one, 'photos-again')).toEqual({ 'a.jpg': 'first' });
    await one.must('restore-backup', { name: nameOf(one), to: 'photos', replace: true });
    await one.until('it is back', () => one.lab.list('transfer').length === 0);
    expect(files(one, 'photos')).toEqual({ 'a.jpg': 'first' });
    expect(one.lab.list('snapshot').map(({ context }) => context.reason)).toContain('import');
  });

  test('gives back one path alone', async () => {
    const one = await labWithVolume();
    write(one, 'photos', 'album/b.jpg', 'second');
    await withTarget(one);
    await backedUp(one);
    await one.must('restore-backup', { name: nameOf(one), as: 'some', path: 'album' });
    await one.until('it is back', () => one.lab.list('transfer').length === 0);
    expect(files(one, 'some')).toEqual({ 'album/b.jpg': 'second' });
  });

  test('of a volume on another node than its restore comes out of the same target', async () => {
    const one = await labWithVolume(3);
    await withTarget(one);
    await backedUp(one);
    await one.must('restore-backup', { name: nameOf(one), as: 'photos-again' });
    await one.until('it is back', () => one.lab.list('transfer').length === 0);
    expect(files(one, 'photos-again')).toEqual({ 'a.jpg': 'first' });
  });

  test('that is canceled leaves neither a snapshot nor anything in the target', async () => {
    const one = await labWithVolume();
    await withTarget(one);
    one.world.targets.user = { fault: () => new Promise(() => undefined) };
    await one.must('create-backup', { name: 'photos', to: 'usb' });
    await one.until('it is written', () => only(one)?.state === 'writing');
    one.world.targets.user = {};
    await one.must('cancel-backup', { name: nameOf(one) });
    await one.until('it is gone', () => backups(one).length === 0 && one.lab.list('snapshot').length === 0);
    expect(one.world.targets.at(place).keys('manifests/')).toEqual([]);
    expect(await one.told()).toContainEqual(expect.stringContaining('The backup was canceled.'));
  });

  test('that a store lied about is damaged, and the next one is whole', async () => {
    const one = await labWithVolume();
    await withTarget(one);
    await backedUp(one);
    const objects = one.world.targets.at(place);
    const [pack = ''] = objects.keys('packs/');
    objects.flip(pack, 8 * 40);
    await one.must('verify-backup', { name: nameOf(one) });
    await one.until('that is found', () => only(one)?.state === 'damaged');
    expect(only(one)?.context).toMatchObject({ verifiedAt: null, problem: { code: 'DAMAGED' } });
    await one.must('create-backup', { name: 'photos', to: 'usb' });
    await one.until('the next one is whole', () => backups(one).some(({ state }) => state === 'verified'));
  });

  test.each([1, 2, 3, 5, 8, 13, 21])(
    'goes on after the daemon died at call %i of its store, and is whole in the end',
    async (at) => {
      const one = await labWithVolume();
      await withTarget(one);
      let [calls, isDead] = [0, false];
      const fault = (_: SimCall): SimFault | undefined => {
        if (isDead || ++calls !== at) return undefined;
        isDead = true;
        return at % 2 === 0 ? 'die-after' : 'die-before';
      };
      one.world.targets.user = { fault };
      await one.must('create-backup', { name: 'photos', to: 'usb' });
      await one.clock.runUntil(() => isDead, 60_000);
      one.world.targets.user = {};
      await one.restart();
      await one.until(`it is verified (it is ${only(one)?.state})`, () => only(one)?.state === 'verified', hourMs);
      expect(one.world.targets.at(place).keys('manifests/')).toHaveLength(1);
      await one.must('restore-backup', { name: nameOf(one), as: 'again' });
      await one.until('it is back', () => one.lab.list('transfer').length === 0);
      expect(files(one, 'again')).toEqual({ 'a.jpg': 'first' });
    },
  );
});

describe('a target', () => {
  test('that is not there says so, and is used by itself once it is', async () => {
    const one = await labWithVolume();
    one.world.targets.away.add(place);
    await withTarget(one);
    expect(target(one)?.context.problem).toMatchObject({ code: 'POOL_MISSING', hint: 'Is its disk mounted?' });
    await expect(one.must('create-backup', { name: 'photos', to: 'usb' })).rejects.toThrow('cannot be used');
    one.world.targets.away.clear();
    await one.until('it is found again', () => target(one)?.state === 'ready', hourMs);
    await backedUp(one);
  });

  test('that goes away during a backup fails it, and it is tried again without anybody', async () => {
    const one = await labWithVolume();
    await withTarget(one);
    one.world.targets.away.add(place);
    await one.must('create-backup', { name: 'photos', to: 'usb' });
    await one.until('it fails', () => (only(one)?.context.failures ?? 0) > 1, hourMs);
    expect(only(one)?.state === 'failed' || only(one)?.state === 'writing').toBe(true);
    one.world.targets.away.clear();
    await one.until('it is whole', () => only(one)?.state === 'verified', 2 * hourMs);
  });

  test('keeps what its policy says, and a prune frees what nobody needs any more', async () => {
    const one = await labWithVolume();
    await withTarget(one, { keep: 'last:2' });
    await one.must('create-schedule', { name: 'nightly', volume: 'photos', backupTo: 'usb', cron: '0 * * * *' });
    for (let hour = 0; hour < 5; hour++) {
      write(one, 'photos', 'a.jpg', `as of hour ${hour}`);
      await one.clock.run(hourMs);
    }
    await one.until(
      'two are left',
      () => backups(one).length === 2 && backups(one).every((it) => it.state === 'verified'),
    );
    expect(one.world.targets.at(place).keys('manifests/')).toHaveLength(2);
    await one.must('prune-backup-target', { name: 'usb' });
    await one.until('it is pruned', () => target(one)?.state === 'ready' && target(one)?.context.prunedAt !== null);
  });

  test('that is away for long makes its schedule fall behind, until a backup was read back', async () => {
    const one = await labWithVolume();
    await withTarget(one);
    await one.must('create-schedule', { name: 'nightly', volume: 'photos', backupTo: 'usb', cron: '0 * * * *' });
    await one.clock.run(2 * hourMs);
    one.world.targets.away.add(place);
    const schedule = () => one.lab.byName('schedule', 'default', 'nightly');
    await one.until('it falls behind', () => schedule()?.context.behindSince !== null, 5 * hourMs);
    // One waits for the target, and no queue grows behind it.
    expect(backups(one).filter(({ state }) => state !== 'verified')).toHaveLength(1);
    one.world.targets.away.clear();
    await one.until('it catches up', () => schedule()?.context.behindSince === null, 3 * hourMs);
  });

  test('is forgotten with its backups, and found again with them', async () => {
    const one = await labWithVolume();
    await withTarget(one);
    await backedUp(one);
    await one.must('remove-backup-target', { name: 'usb' });
    expect(backups(one)).toEqual([]);
    await withTarget(one);
    await one.until('it is read back', () => only(one)?.state === 'verified');
    expect(only(one)?.context).toMatchObject({
      volumeName: 'photos',
      volume: null,
      lab: expect.stringMatching(/^simulated\//) as unknown,
    });
    await one.must('restore-backup', { name: nameOf(one), as: 'again' });
    await one.until('it is back', () => one.lab.list('transfer').length === 0);
    expect(files(one, 'again')).toEqual({ 'a.jpg': 'first' });
  });

  test('reads the newest backup back again when its time has come', async () => {
    const one = await labWithVolume();
    await withTarget(one, { verifyEveryMs: hourMs });
    await backedUp(one);
    const before = only(one)?.context.verifiedAt ?? 0;
    await one.clock.run(1.2 * hourMs);
    expect(only(one)?.context.verifiedAt).toBeGreaterThan(before + hourMs / 2);
  });
});

test('an app and its volumes are backed up as one set, with its compose file', async () => {
  const one = await OneMachine.started();
  const compose =
    'name: shop\nservices:\n  web:\n    image: nginx\n    volumes: [data:/data, db:/db]\nvolumes: { data: {}, db: {} }\n';
  await one.must('deploy-app', { compose });
  await one.untilApp('shop', 'running');
  await withTarget(one);
  await one.must('back-up-app', { name: 'shop', to: 'usb' });
  await one.until(
    'both are read back',
    () => backups(one).length === 2 && backups(one).every((it) => it.state === 'verified'),
  );
  const [first, second] = backups(one).map(({ context }) => context);
  expect(first?.set).toEqual(second?.set);
  expect(first?.set?.size).toBe(2);
  expect([first?.app, second?.app]).toEqual(
    expect.arrayContaining([
      { name: 'shop', key: 'data' },
      { name: 'shop', key: 'db' },
    ]),
  );
});
