/** What zfs does without a word, or refuses with one that misleads: each test is one such trap, on real zfs. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { RunCommand } from '#io/devices/run.ts';
import type { Dataset } from '#io/devices/volumes/port.ts';
import { zfsVolumes } from '#io/devices/volumes/zfs/real.ts';
import { ensureZfsRoot } from '#io/devices/volumes/zfs/root.ts';
import { codeOf, patient } from '#test/contracts/volumes.ts';
import { describeReal } from '#test/real.ts';
import type { ZfsMachine, ZfsTestPool } from '#test/zfs-fixture.ts';
import { missingZfsFuse, zfsFuse, zfsPool } from '#test/zfs-fixture.ts';

const MiB = 2 ** 20;
const spec = { sizeBytes: 32 * MiB };

describeReal('zfs volumes', missingZfsFuse(), () => {
  let machine: ZfsMachine;
  let pool: ZfsTestPool;
  let of: Dataset;
  let dataset: string;
  let path: string;
  let count = 0;
  beforeAll(async () => {
    machine = await zfsFuse();
    pool = await zfsPool(machine);
  });
  afterAll(() => machine?.dispose());
  beforeEach(async () => {
    of = { pool: 'test', name: `set-${++count}` };
    dataset = `${pool.root}/${of.name}`;
    path = (await pool.volumes.create(of, spec, patient())).path;
    await machine.write(`${path}/file`, 'one');
    await pool.volumes.snapshot(of, 's', patient());
  });
  const zfs = (...args: string[]) => pool.tool('zfs', ...args);
  const read = () => machine.read(`${path}/file`);
  const destroy = (one = of) => pool.volumes.destroy(one, { scrub: false }, patient());
  /** zfs-fuse takes a moment to let go of what was mounted. */
  const destroyByHand = async (one: string) => {
    await zfs('unmount', one);
    while ((await machine.run('zfs', ['destroy', '-r', one], patient())).exitCode !== 0) await pool.settle();
  };
  const problemOf = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);

  test('guids are exact, also those that are larger than a number can be', async () => {
    for (const name of ['a', 'b', 'c']) await pool.volumes.snapshot(of, name, patient());
    for (const { name, guid } of await pool.volumes.snapshots(of, patient()))
      expect((await zfs('get', '-Hp', 'guid', `${dataset}@${name}`)).split('\t')[2]).toBe(guid);
  });

  test('nothing is mounted by itself at boot, and one command mounts it', async () => {
    expect(await zfs('get', '-Hp', 'canmount,mountpoint', dataset)).toMatch(
      /canmount\tnoauto.*\n.*mountpoint\t\/.*local/,
    );
    await pool.exportPool();
    await pool.importPool();
    await zfs('mount', '-a');
    expect(await read()).toBeUndefined();
    expect(await pool.volumes.mount(of, patient())).toMatchObject({ path });
    expect(await read()).toBe('one');
  });

  test('files below the mount point are not hidden: the volume waits until they are moved away', async () => {
    const other = { pool: 'test', name: `${of.name}-other` };
    await pool.tool('mkdir', '-p', `${pool.mountBase}/${other.name}/lost`);
    const problem = await problemOf(pool.volumes.create(other, spec, patient()));
    expect(problem).toMatchObject({ code: 'INVALID', hint: expect.stringMatching(/move that away/) });
    await pool.tool('rmdir', `${pool.mountBase}/${other.name}/lost`);
    expect(await pool.volumes.create(other, spec, patient())).toMatchObject({ sizeBytes: spec.sizeBytes });
    await destroy(other);
  });

  test('a copy of the mount in another namespace is a user too', async () => {
    const stop = await machine.use(pool.mountBase);
    const problem = await problemOf(pool.volumes.rollback(of, 's', 'stash', patient()));
    expect(problem).toMatchObject({ code: 'BUSY', message: expect.stringMatching(/in use by process \d+ at/) });
    expect([await read(), (await pool.volumes.snapshots(of, patient())).length]).toEqual(['one', 1]);
    await stop();
    await pool.volumes.rollback(of, 's', 'stash', patient());
  });

  test('a program that works in the folder keeps it from being rolled back and destroyed', async () => {
    const stop = new AbortController();
    const script = 'cd "$1" && echo ready > ready && exec sleep 100';
    const working = machine.run('sh', ['-c', script, 'sh', path], { signal: stop.signal, timeoutMs: 100_000 });
    working.catch(() => undefined);
    while ((await machine.read(`${path}/ready`)) !== 'ready\n') await pool.settle();
    expect(await codeOf(pool.volumes.rollback(of, 's', 'stash', patient()))).toBe('BUSY');
    await expect(destroy()).rejects.toMatchObject({
      code: 'BUSY',
      message: expect.stringMatching(/is in use by process \d+ \(sleep\).* open$/),
    });
    expect(await read()).toBe('one');
    stop.abort();
    await working.catch(() => undefined);
    await destroy();
  });

  test('a snapshot that somebody holds stays, and the others go', async () => {
    await pool.volumes.snapshot(of, 't', patient());
    await zfs('hold', 'backup', `${dataset}@s`);
    expect(await codeOf(pool.volumes.removeSnapshots(of, ['s', 't'], patient()))).toBe('HELD');
    expect((await pool.volumes.snapshots(of, patient())).map(({ name }) => name)).toEqual(['s']);
    expect(await codeOf(destroy())).toBe('HELD');
    await zfs('release', 'backup', `${dataset}@s`);
    await pool.volumes.removeSnapshots(of, ['s'], patient());
    expect(await pool.volumes.snapshots(of, patient())).toEqual([]);
  });

  test('a clone that somebody made keeps the volume from being destroyed, not its snapshot from being removed', async () => {
    const clone = `${pool.zpool}/their-clone-${count}`;
    await zfs('clone', '-o', 'canmount=off', `${dataset}@s`, clone);
    expect(await problemOf(destroy())).toMatchObject({ code: 'HELD', message: expect.stringContaining(clone) });
    expect(await read()).toBe('one');
    await pool.volumes.removeSnapshots(of, ['s'], patient());
    expect(await pool.volumes.snapshots(of, patient())).toEqual([]);
    await pool.volumes.snapshot(of, 's', patient());
    await zfs('destroy', clone);
    const left = await zfs('list', '-H', '-o', 'name', '-t', 'snapshot', '-r', dataset);
    expect(left).toBe(`${dataset}@s`);
  });

  test('a dataset inside of it would be missing in a snapshot, and go with it', async () => {
    await zfs('create', '-o', 'canmount=off', `${dataset}/inner`);
    expect(await codeOf(pool.volumes.snapshot(of, 't', patient()))).toBe('INVALID');
    expect(await codeOf(pool.volumes.rollback(of, 's', 't', patient()))).toBe('INVALID');
    expect(await problemOf(destroy())).toMatchObject({ code: 'HELD', message: expect.stringContaining('inner') });
    await zfs('destroy', `${dataset}/inner`);
    await destroy();
  });

  test('a dataset that somebody made in its place is not taken for it', async () => {
    const other = { pool: 'test', name: `${of.name}-theirs` };
    await zfs('create', '-o', 'canmount=off', `${pool.root}/${other.name}`);
    expect(await pool.volumes.inspect(other, patient())).toBeUndefined();
    expect(await pool.volumes.list('test', patient())).not.toContain(other.name);
    expect(await codeOf(pool.volumes.create(other, spec, patient()))).toBe('EXISTS');
    await destroy(other);
    await zfs('destroy', `${pool.root}/${other.name}`);
  });

  test('a volume whose files are gone, but not what it was before, is not made anew and empty', async () => {
    await pool.volumes.rollback(of, 's', 'stash', patient());
    await zfs('promote', `${pool.root}/.${of.name}/${await txgOfLine()}`);
    await destroyByHand(dataset);
    expect(await codeOf(pool.volumes.create(of, spec, patient()))).toBe('DAMAGED');
    expect(await pool.volumes.inspect(of, patient())).toBeUndefined();
  });
  const txgOfLine = async () => {
    const names = await zfs('list', '-H', '-o', 'name', '-r', `${pool.root}/.${of.name}`);
    return /\/(\d+)$/m.exec(names)?.[1] ?? '';
  };

  test('another dataset in the place of one that was adopted is not taken for it', async () => {
    const native = `${pool.zpool}/native-${count}`;
    const adopted = { pool: 'test', name: `${of.name}-adopted` };
    const make = () => zfs('create', '-o', `mountpoint=${machine.folder}/natives/${count}`, native);
    await make();
    await pool.volumes.adopt(native, adopted, patient());
    await destroyByHand(native);
    expect(await problemOf(pool.volumes.inspect(adopted, patient()))).toMatchObject({ code: 'DAMAGED' });
    await make();
    expect(await problemOf(pool.volumes.snapshot(adopted, 's', patient()))).toMatchObject({
      code: 'DAMAGED',
      hint: expect.stringContaining('release'),
    });
    await pool.volumes.release(adopted, patient());
    expect(await zfs('get', '-H', '-s', 'local', '-o', 'property', 'all', native)).toBe('mountpoint');
  });

  test('a dataset of another lab is not adopted', async () => {
    const native = `${pool.zpool}/elsewhere-${count}`;
    await zfs('create', '-o', 'floatlab:volume=theirs', '-o', 'canmount=off', native);
    expect(await codeOf(pool.volumes.adopt(native, { ...of, name: 'mine' }, patient()))).toBe('EXISTS');
    expect(await codeOf(pool.volumes.adopt(native, { ...of, name: 'theirs' }, patient()))).toBe('EXISTS');
  });

  test('a root that belongs to somebody else, or to another pool of this name, is not used', async () => {
    const ensure = (root: string) => ensureZfsRoot({ root, id: 'new', run: machine.run }, patient());
    expect(await ensure(pool.root)).toEqual({ id: 'the-pool-of-this-test' });
    expect(await codeOf(ensure('nopool/floatlab'))).toBe('POOL_MISSING');
    expect(await codeOf(ensure(pool.zpool))).toBe('INVALID');
    await zfs('create', '-o', 'mountpoint=none', `${pool.zpool}/data-${count}`);
    expect(await codeOf(ensure(`${pool.zpool}/data-${count}`))).toBe('EXISTS');
    const { root, mountBase } = pool;
    const stranger = zfsVolumes({ pools: [{ name: 'test', root, mountBase, id: 'another' }], run: machine.run });
    expect(await codeOf(stranger.inspect(of, patient()))).toBe('POOL_MISSING');
    expect(await stranger.pools(patient())).toMatchObject([{ state: 'unavailable' }]);
  });

  test('a daemon of zfs that is away is a pool that is away', async () => {
    const away: RunCommand = async () => ({
      stdout: '',
      stderr: 'connect: No such file or directory\nPlease make sure that the zfs-fuse daemon is running.\n',
      exitCode: 1,
    });
    const volumes = pool.open({ run: away });
    expect(await codeOf(volumes.inspect(of, patient()))).toBe('POOL_MISSING');
    expect(await volumes.pools(patient())).toMatchObject([{ name: 'test', state: 'unavailable' }]);
  });

  test('on a full pool nothing that was acknowledged is lost, and one command makes room', async () => {
    const filler = { pool: 'test', name: `${of.name}-filler` };
    const { path: folder } = await pool.volumes.create(filler, { sizeBytes: 1024 * MiB }, patient());
    expect(await machine.fits(`${folder}/big`, 300 * MiB)).toBe(false);
    // What did not fit is given back a little later: it is filled again until there is nothing left.
    for (let n = 0; Number((await zfs('get', '-Hpo', 'value', 'available', pool.zpool)).trim()) > 0; n++) {
      expect(n, 'files until it is full').toBeLessThan(200);
      await machine.fits(`${folder}/more-${n}`, MiB);
      await pool.settle().catch(() => undefined);
    }
    expect(await codeOf(pool.volumes.snapshot(of, 't', patient()))).toBe('NO_SPACE');
    expect(await codeOf(pool.volumes.create({ ...of, name: 'new' }, spec, patient()))).toBe('NO_SPACE');
    expect([await read(), (await pool.volumes.snapshots(of, patient())).map(({ name }) => name)]).toEqual([
      'one',
      ['s'],
    ]);
    await destroy(filler);
    await pool.volumes.snapshot(of, 't', patient());
  });
});
