/**
 * The driver on the OpenZFS of a kernel: what it does there otherwise than on zfs-fuse, which has the whole contract.
 * Its machine is emulated and slow, so each test tells one long story.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Dataset } from '#io/devices/volumes/port.ts';
import { codeOf, patient as inMoments } from '#test/contracts/volumes.ts';
import { describeReal } from '#test/real.ts';
import type { ZfsMachine, ZfsTestPool } from '#test/zfs-fixture.ts';
import { missingOpenZfs, openZfs, zfsPool } from '#test/zfs-fixture.ts';

const MiB = 2 ** 20;
/** The machine is slow where others are at work. */
const patient = () => ({ ...inMoments(), timeoutMs: 110_000 });
const spec = { sizeBytes: 32 * MiB };
const db: Dataset = { pool: 'test', name: 'db' };
const web: Dataset = { pool: 'test', name: 'web' };
const copy: Dataset = { pool: 'test', name: 'copy' };

describeReal('volumes on OpenZFS', missingOpenZfs(), () => {
  let machine: ZfsMachine;
  let pool: ZfsTestPool;
  beforeAll(async () => {
    machine = await openZfs();
    pool = await zfsPool(machine, 128 * MiB);
  });
  afterAll(() => machine?.dispose());

  const pathOf = (of: Dataset) => `${pool.mountBase}/${of.name}`;
  const write = async (of: Dataset, text: string) => machine.write(`${pathOf(of)}/file`, text);
  const read = async (of: Dataset) => machine.read(`${pathOf(of)}/file`);
  const names = async (of: Dataset) => (await pool.volumes.snapshots(of, patient())).map(({ name }) => name);
  const taken = async (of: Dataset, name: string) => (await pool.volumes.snapshot(of, name, patient())).guid;

  test('the pool says what it can, as this zfs and its disks can', async () => {
    const [info] = await pool.volumes.pools(patient());
    expect(info).toMatchObject({ name: 'test', driver: 'zfs', state: 'online' });
    expect(info?.can).toEqual({
      ...{ quota: true, changes: true, recordSize: true, copyOnWrite: true, together: true },
      compression: ['off', 'lz4', 'zstd', 'gzip'],
      // Files can forget, but this zfs does not trim what is smaller than 32 KiB.
      scrubbedDestroy: false,
    });
  });

  test('volumes are made as asked for, and what has changed since a snapshot is known of all at once', async () => {
    const wanted = { ...spec, owner: { uid: 999, gid: 70 }, mode: 0o2750, recordSizeBytes: 16_384 };
    const { path } = await pool.volumes.create(db, { ...wanted, compression: 'zstd' }, patient());
    expect(await pool.tool('stat', '-c', '%u %g %a', path)).toBe('999 70 2750');
    expect(await pool.volumes.create(web, spec, patient())).toMatchObject({ sizeBytes: spec.sizeBytes });
    expect(await pool.volumes.inspect(db, patient())).toMatchObject({ recordSizeBytes: 16_384, compression: 'zstd' });
    await write(db, 'one');
    const changes = () => pool.settle().then(() => pool.volumes.changes('test', patient()));
    expect((await changes()).get('db')).toMatchObject({ since: undefined, changed: true });
    const together = await pool.volumes.snapshotTogether([web, db], 'old', patient());
    const [ofWeb, ofDb] = together.map(({ guid }) => guid);
    await write(web, 'later');
    const found = await changes();
    expect([found.get('db'), found.get('web')]).toMatchObject([
      { since: ofDb, changed: false },
      { since: ofWeb, changed: true },
    ]);
    await pool.tool('zfs', 'snapshot', `${pool.root}/web@theirs`);
    expect((await changes()).get('web')).toMatchObject({ since: ofWeb, changed: true });
    await pool.tool('zfs', 'destroy', `${pool.root}/web@theirs`);
    expect((await pool.volumes.snapshotTogether([web, db], 'old', patient())).map(({ guid }) => guid)).toEqual([
      ofWeb,
      ofDb,
    ]);
  });

  test('marks tell that the same blocks were written again, where all that zfs counts stays the same', async () => {
    const again = async () => {
      const dd = ['if=/dev/urandom', `of=${pathOf(web)}/blocks`, 'bs=131072', 'count=4', 'conv=notrunc'];
      await pool.tool('dd', ...dd);
      await pool.settle();
      await pool.settle();
      const counted = await pool.tool('zfs', 'get', '-Hp', '-o', 'value', 'written,referenced', `${pool.root}/web`);
      return { counted, mark: (await pool.volumes.changes('test', patient())).get('web')?.mark };
    };
    const [first, second, third] = [await again(), await again(), await again()];
    expect(third.counted).toBe(second.counted);
    expect(new Set([first.mark, second.mark, third.mark]).size).toBe(3);
    expect((await pool.volumes.changes('test', patient())).get('web')?.mark).toBe(third.mark);
  });

  test('what could be adopted is told, and why not where not', async () => {
    const make = (...args: string[]) => pool.tool('zfs', 'create', ...args);
    await make('-o', 'mountpoint=/run/test/photos', `${pool.zpool}/photos`);
    await make('-o', 'mountpoint=none', `${pool.zpool}/nowhere`);
    await make('-o', 'mountpoint=/run/test/nest', `${pool.zpool}/nest`);
    await make(`${pool.zpool}/nest/inner egg`);
    await make('-s', '-V', '1M', `${pool.zpool}/zvol`);
    await make('-o', 'floatlab:pool=another', '-o', 'canmount=off', `${pool.zpool}/other-floatlab`);
    await make(`${pool.zpool}/other-floatlab/theirs`);
    const own = [{ path: '/run/test/nest/inner egg/lab', what: 'the data directory of FloatLab' }];
    const told = await pool.open({ ownPlaces: () => own }).candidates('test', patient());
    expect(told.map(({ native, path, why }) => [native.slice(pool.zpool.length), path, why])).toEqual([
      ['', undefined, expect.stringContaining('has no mountpoint')],
      ['/nest', '/run/test/nest', expect.stringContaining('has datasets of its own (inner egg)')],
      ['/nest/inner egg', '/run/test/nest/inner egg', expect.stringContaining('holds the data directory of FloatLab')],
      ['/nowhere', undefined, expect.stringContaining('has no mountpoint')],
      ['/photos', '/run/test/photos', undefined],
    ]);
    expect(told.every(({ usedBytes }) => usedBytes !== undefined && usedBytes > 0)).toBe(true);
    for (const native of ['other-floatlab', 'other-floatlab/theirs', 'zvol'])
      expect(await codeOf(pool.volumes.adopt(`${pool.zpool}/${native}`, copy, patient())), native).toBe('INVALID');
    for (const name of ['photos', 'nowhere', 'nest', 'zvol', 'other-floatlab'])
      await pool.tool('zfs', 'destroy', '-r', `${pool.zpool}/${name}`);
  });

  test('what was written since each snapshot is told, and of what is left behind it is unknown', async () => {
    const bytes = 512 * 1024;
    await taken(web, 'before');
    await pool.tool('dd', 'if=/dev/urandom', `of=${pathOf(web)}/since`, 'bs=131072', 'count=4');
    await taken(web, 'after');
    await pool.settle();
    const since = (name: string) => pool.volumes.writtenSince(web, name, patient());
    const told = (await since('before')) ?? 0;
    expect(told).toBeGreaterThanOrEqual(bytes);
    expect(told).toBeLessThan(2 * bytes);
    expect(await since('after')).toBeLessThan(bytes / 4);
    const written = await pool.tool('zfs', 'get', '-Hp', '-o', 'value', 'written@before', `${pool.root}/web`);
    expect(told).toBe(Number(written));
    expect(await codeOf(since('none'))).toBe('MISSING');
    await pool.volumes.rollback(web, 'before', 'left', patient());
    await pool.settle();
    expect([await since('after'), await since('left')]).toEqual([undefined, undefined]);
    expect(await since('before')).toBeLessThan(bytes / 4);
    await pool.volumes.removeSnapshots(web, ['before', 'after', 'left'], patient());
  });

  test('a roll-back keeps what is newer, and paths of snapshots stay', async () => {
    await write(db, 'two');
    await taken(db, 'newer');
    const newer = await pool.volumes.snapshotPath(db, 'newer', patient());
    await write(db, 'three');
    await pool.volumes.rollback(db, 'old', 'stash', patient());
    expect([await read(db), await names(db)]).toEqual(['one', ['old', 'newer', 'stash']]);
    expect(await machine.read(`${newer}/file`)).toBe('two');
    expect(await pool.tool('stat', '-c', '%u %g %a', pathOf(db))).toBe('999 70 2750');
    expect(await pool.volumes.inspect(db, patient())).toMatchObject({ recordSizeBytes: 16_384, compression: 'zstd' });
    await pool.volumes.removeSnapshots(db, ['newer'], patient());
    expect(await names(db)).toEqual(['old', 'stash']);
  });

  test('a clone and its parent do not hold each other back', async () => {
    await pool.volumes.clone(db, 'old', copy, spec, patient());
    await pool.volumes.removeSnapshots(db, ['old'], patient());
    expect(await names(db)).toEqual(['stash']);
    await pool.volumes.destroy(db, { scrub: false }, patient());
    expect([await read(copy), await names(copy)]).toEqual(['one', []]);
    expect(await pool.volumes.list('test', patient())).toEqual(['copy', 'web']);
    const left = await pool.tool('zfs', 'list', '-H', '-o', 'name', '-t', 'all', '-r', pool.root);
    expect(left.split('\n').filter((name) => name.includes('db') || name.includes('@.'))).toEqual([]);
  });

  test('what is held, in use or of other tools stays, and the refusal says why', async () => {
    await taken(copy, 'held');
    await pool.tool('zfs', 'hold', 'backup', `${pool.root}/copy@held`);
    const refusal = await pool.volumes.removeSnapshots(copy, ['held'], patient()).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'HELD', message: expect.stringContaining('backup') });
    await pool.tool('zfs', 'release', 'backup', `${pool.root}/copy@held`);
    const stop = await machine.use(pathOf(copy));
    expect(await codeOf(pool.volumes.rollback(copy, 'held', 'stash', patient()))).toBe('BUSY');
    await stop();
    expect(await read(copy)).toBe('one');
  });

  test('what was adopted is rolled back in place and given back', async () => {
    await pool.tool(
      'zfs',
      'create',
      '-o',
      'mountpoint=/run/test/native',
      '-o',
      'their:note=kept',
      `${pool.zpool}/native`,
    );
    await machine.write('/run/test/native/file', 'native');
    const of: Dataset = { pool: 'test', name: 'adopted' };
    await pool.volumes.adopt(`${pool.zpool}/native`, of, patient());
    await taken(of, 'old');
    await machine.write('/run/test/native/file', 'two');
    await pool.volumes.rollback(of, 'old', 'stash', patient());
    expect(await machine.read('/run/test/native/file')).toBe('native');
    expect(await names(of)).toEqual(['old', 'stash']);
    await pool.volumes.release(of, patient());
    expect(await machine.read('/run/test/native/file')).toBe('native');
    expect(await pool.tool('zfs', 'list', '-H', '-o', 'name', '-t', 'all', '-r', `${pool.zpool}/native`)).toBe(
      `${pool.zpool}/native`,
    );
    const own = await pool.tool(
      'zfs',
      'get',
      '-H',
      '-s',
      'local',
      '-o',
      'property,value',
      'all',
      `${pool.zpool}/native`,
    );
    expect(own.split('\n').toSorted()).toEqual(['canmount\ton', 'mountpoint\t/run/test/native', 'their:note\tkept']);
  });

  test('a volume that is destroyed with scrubbing cannot be read from the disks', async () => {
    expect(await codeOf(pool.volumes.destroy(web, { scrub: true }, patient()))).toBe('UNSUPPORTED');
    const secret = 'a secret that nobody may find again\n'.repeat(200);
    await write(web, secret);
    await pool.settle();
    const found = () =>
      machine
        .run('grep', ['-c', '-F', 'nobody may find again', `${machine.folder}/disks/one`], patient())
        .then(({ stdout }) => Number(stdout));
    expect(await found()).toBeGreaterThan(0);
    await pool.tool('sh', '-c', 'echo 512 > /sys/module/zfs/parameters/zfs_trim_extent_bytes_min');
    await pool.volumes.destroy(web, { scrub: true }, patient());
    expect(await found()).toBe(0);
  });

  test('a pool that is read-only says so, what is in it can be read, and snapshots have a path', async () => {
    await pool.exportPool();
    await pool.importPool('-o', 'readonly=on');
    expect(await pool.volumes.pools(patient())).toMatchObject([{ state: 'degraded' }]);
    expect(await codeOf(pool.volumes.snapshot(copy, 't', patient()))).toBe('READ_ONLY');
    await pool.volumes.mount(copy, patient());
    expect(await read(copy)).toBe('one');
    // No clone can be made there; the kernel of a small machine may not mount what is in `.zfs`.
    expect(await pool.volumes.snapshotPath(copy, 'held', patient())).toBe(`${pathOf(copy)}/.zfs/snapshot/held`);
  });
});
