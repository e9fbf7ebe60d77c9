/** Backups as a lab makes them, in virtual time: from a snapshot to another place, read back, and home again. */
import { describe, expect, test } from 'vitest';
import type { ActorState } from '#actors/actor.ts';
import { counts } from '#actors/backup/known.ts';
import { labMetrics } from '#io/daemon/metrics.ts';
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

describe('a store that misbehaves', () => {
  const alerts = (one: OneMachine): readonly string[] => one.world.wired.lab.rows('alerts').map(([, { rule }]) => rule);

  test.each<[string, SimFault, (call: SimCall) => boolean]>([
    ['says that it has packs, and keeps none', 'lie', ({ op, key }) => op === 'put' && key.startsWith('packs/')],
    [
      'says that it has the manifest, and does not',
      'lie',
      ({ op, key }) => op === 'put' && key.startsWith('manifests/'),
    ],
    ['turns bits over in what it is given', 'flip', ({ op, key }) => op === 'put' && key.startsWith('packs/')],
    ['is full', 'full', ({ op }) => op === 'put'],
  ])('%s: no backup counts until it does what it says', async (_, fault, isHit) => {
    const one = await labWithVolume();
    await withTarget(one);
    one.world.targets.user = { fault: (call) => (isHit(call) ? fault : undefined) };
    await one.must('create-backup', { name: 'photos', to: 'usb' });
    await one.clock.run(hourMs);
    expect(backups(one).filter((it) => counts(it))).toEqual([]);
    expect(alerts(one).filter((rule) => rule.startsWith('backup-'))).not.toEqual([]);
    one.world.targets.user = {};
    if (only(one)?.context.retryAt === null) await one.must('create-backup', { name: 'photos', to: 'usb' });
    await one.until('one is whole', () => backups(one).some((it) => counts(it)), 3 * hourMs);
    const good = backups(one).find((it) => counts(it))?.context.metadata.name ?? '';
    await one.must('restore-backup', { name: good, as: 'again' });
    await one.until('it is back', () => one.lab.list('transfer').length === 0);
    expect(files(one, 'again')).toEqual({ 'a.jpg': 'first' });
  });

  test('that lists what was there when it was opened keeps nobody from what counts', async () => {
    const one = await labWithVolume();
    await withTarget(one, { keep: 'last:1' });
    one.world.targets.user = { fault: ({ op }) => (op === 'list' ? 'stale' : undefined) };
    for (const text of ['second', 'third']) {
      write(one, 'photos', 'a.jpg', text);
      await one.must('create-backup', { name: 'photos', to: 'usb' });
      await one.until('one more counts', () => backups(one).every((it) => counts(it)), 3 * hourMs);
    }
    await one.must('prune-backup-target', { name: 'usb' });
    await one.until('it is pruned', () => target(one)?.state === 'ready' && target(one)?.context.prunedAt !== null);
    one.world.targets.user = {};
    const newest = backups(one).toSorted((a, b) => b.context.requestedAt - a.context.requestedAt)[0];
    await one.must('restore-backup', { name: newest?.context.metadata.name ?? '', as: 'again' });
    await one.until('it is back', () => one.lab.list('transfer').length === 0);
    expect(files(one, 'again')).toEqual({ 'a.jpg': 'third' });
  });

  test('that loses what it had acknowledged is found out by the next verification, and by the next backup', async () => {
    const one = await labWithVolume();
    await withTarget(one, { verifyEveryMs: hourMs });
    await backedUp(one);
    const objects = one.world.targets.at(place);
    for (const pack of objects.keys('packs/')) objects.lose(pack);
    await one.until('that is found', () => only(one)?.state === 'damaged', 2 * hourMs);
    expect(alerts(one)).toContain('backup-damaged');
    await one.must('create-backup', { name: 'photos', to: 'usb' });
    await one.until('the next one is whole', () => backups(one).some((it) => counts(it)), hourMs);
    expect(alerts(one)).not.toContain('backup-damaged');
  });
});

describe('a restore as a test', () => {
  const scratches = (one: OneMachine): number =>
    one.world.machines.flatMap(({ volumes }) => volumes.contents()).filter(({ of }) => of.name.startsWith('scratch-'))
      .length;

  test('says what came back, and leaves nothing behind', async () => {
    const one = await labWithVolume();
    write(one, 'photos', 'album/b.jpg', 'second');
    await withTarget(one);
    await backedUp(one);
    await one.must('verify-backup', { name: nameOf(one), restore: true });
    await one.until('it is being restored', () => only(one)?.state === 'testing');
    expect(one.lab.list('volume')).toHaveLength(1);
    await one.until('it is over', () => only(one)?.state === 'verified');
    expect(only(one)?.context).toMatchObject({
      ...{ scratchPool: null, failedTest: null },
      restoreTest: { files: 2, bytes: 11, digest: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown },
    });
    expect(scratches(one)).toBe(0);
    await one.until('its operation is over', () => one.lab.list('operation').length === 0);
    expect((await one.told()).some((line) => /came back as it was backed up: 2 files/.test(line))).toBe(true);
  });

  test('comes by itself when its time has come, and keeps what is proven', async () => {
    const one = await labWithVolume();
    await withTarget(one, { keep: 'last:1', testRestoreEveryMs: 3 * hourMs });
    await one.must('create-schedule', { name: 'nightly', volume: 'photos', backupTo: 'usb', cron: '0 * * * *' });
    const tests = async () => (await one.told()).filter((line) => line.includes('is restored as a test')).length;
    await one.clock.run(3.5 * hourMs);
    expect(await tests()).toBe(1);
    // The newest, and the one that is known to come back.
    expect(backups(one).filter(({ context }) => context.restoreTest !== null)).toHaveLength(1);
    expect(backups(one).filter(({ state }) => state === 'verified')).toHaveLength(2);
    await one.clock.run(1.5 * hourMs);
    expect(await tests()).toBe(2);
  });

  test.each([50, 200, 400, 800])(
    'that was cut off after %i ms is done again, and leaves nothing behind',
    async (afterMs) => {
      const one = await labWithVolume();
      await withTarget(one);
      await backedUp(one);
      await one.must('verify-backup', { name: nameOf(one), restore: true });
      await one.until('it is being restored', () => only(one)?.state === 'testing');
      await one.clock.run(afterMs);
      await one.restart();
      await one.until(
        'it is over',
        () => only(one)?.state === 'verified' && only(one)?.context.restoreTest !== null,
        hourMs,
      );
      expect(scratches(one)).toBe(0);
    },
  );

  test('of one that is damaged says so, and leaves nothing behind', async () => {
    const one = await labWithVolume();
    await withTarget(one);
    await backedUp(one);
    const objects = one.world.targets.at(place);
    const [pack = ''] = objects.keys('packs/');
    objects.flip(pack, 8 * 40);
    await one.must('verify-backup', { name: nameOf(one), restore: true });
    await one.until('that is found', () => only(one)?.state === 'damaged');
    expect(scratches(one)).toBe(0);
  });
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

test('a target in a pool of another node takes backups, which come back from there', async () => {
  const one = await labWithVolume(2);
  const home = volume(one, 'photos')?.context.node;
  const other = one.lab.list('node').find(({ stream }) => stream !== home);
  const [pool] = other?.context.facts.pools ?? [];
  if (!other || !pool) throw new Error('there is no other pool');
  const store = { kind: 'pool' as const, node: other.context.metadata.name, pool: pool.name, sizeBytes: GiB };
  await one.must('add-backup-target', { name: 'usb', store });
  await one.until('the target is looked at', () => target(one)?.state === 'ready');
  const made = one.world.machines.flatMap(({ volumes }) => volumes.contents()).map(({ of }) => of.name);
  expect(made).toContain('backups-usb');
  await backedUp(one);
  await one.must('restore-backup', { name: nameOf(one), as: 'photos-again' });
  await one.until('it is back', () => one.lab.list('transfer').length === 0);
  expect(files(one, 'photos-again')).toEqual({ 'a.jpg': 'first' });
});

test('how old the newest good backup is, is told to whoever collects figures', async () => {
  const one = await labWithVolume();
  await withTarget(one);
  const metrics = labMetrics(one.world.wired.lab, 'test');
  const figures = async () => (await metrics()).split('\n').filter((line) => line.startsWith('floatlab_backup_'));
  await backedUp(one);
  await one.clock.run(2 * hourMs);
  const [lag = '', test = ''] = await figures();
  expect(lag).toMatch(/^floatlab_backup_lag_seconds\{namespace="default",volume="photos",target="usb"\} /);
  // Time goes on with events alone: those of the backup are the last.
  expect(Number(lag.split(' ').at(-1))).toBeLessThan(2 * 3600 + 60);
  expect(test).toMatch(/\+Inf$|Infinity$/);
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
