/** Subvolumes that were adopted, on a real pool: nothing in their folder is ours, and the daemon may die at any step. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Dataset, VolumePort } from '#io/devices/volumes/port.ts';
import { codeOf, patient } from '#test/contracts/volumes.ts';
import type { TempPool } from '#test/pool-fixture.ts';
import { missingBtrfs, tempPool } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { dies, dyingAt } from './crash.ts';

const MiB = 2 ** 20;
const adoptSteps = ['folders', 'noted', 'synced'];
const rollbackSteps = [
  ...['planned', 'stashed', 'cloned', 'limited', 'moved-aside'],
  ...['noted', 'moved-in', 'kept', 'recorded', 'removed', 'cleared'],
];
/** What differs from a rollback of a dataset that FloatLab made. */
const stepsInPlace = ['cloned', 'limited', 'moved-aside', 'noted', 'moved-in', 'removed'];
const releaseSteps = ['trashed', 'forgotten', 'returned', 'deleted', 'emptied'];

describeReal('btrfs subvolumes that were adopted', missingBtrfs(), () => {
  let pool: TempPool;
  let of: Dataset;
  /** Somebody's folder, with their subvolume `data` in it that says "one". */
  let theirs: string;
  let data: string;
  let count = 0;
  beforeAll(async () => {
    pool = await tempPool();
  });
  afterAll(() => pool?.dispose());
  beforeEach(async () => {
    of = { pool: 'test', name: `set-${++count}` };
    theirs = join(pool.mountpoint, `theirs-${count}`);
    data = join(theirs, 'data');
    await mkdir(theirs);
    await btrfs('subvolume', 'create', data);
    await writeFile(join(data, 'file'), 'one');
  });
  const btrfs = (...args: string[]) => pool.tool('btrfs', ...args);
  const home = () => join(pool.mountpoint, 'floatlab', 'volumes', of.name);
  const says = (...path: string[]) => readFile(join(...path, 'file'), 'utf8');
  const names = async (volumes: VolumePort) => (await volumes.snapshots(of, patient())).map(({ name }) => name);
  const refusal = async (native: string) => {
    const code = await codeOf(pool.volumes.adopt(native, of, patient()));
    expect(existsSync(home())).toBe(false);
    return code;
  };

  /** Adopted; its snapshot `old` says "one", and itself says "two". */
  const prepare = async () => {
    await pool.volumes.adopt(data, of, patient());
    await pool.volumes.snapshot(of, 'old', patient());
    await writeFile(join(data, 'file'), 'two');
  };
  const expectUntouched = async (volumes: VolumePort) => {
    expect(await names(volumes)).toEqual(['old']);
    expect(await says(data)).toBe('two');
    expect(await readdir(theirs)).toEqual(['data']);
  };
  const expectRolledBack = async (volumes: VolumePort) => {
    expect(await volumes.inspect(of, patient())).toMatchObject({ path: data, adopted: data });
    expect(await names(volumes)).toEqual(['old', 'stash']);
    expect([await says(data), await says(home(), 'snapshots', 'stash')]).toEqual(['one', 'two']);
    expect(await readdir(theirs)).toEqual(['data']);
    expect((await readdir(home())).toSorted()).toEqual(['adopted.json', 'rolled-back.json', 'snapshots']);
  };

  test('the steps are the ones that are tested here', async () => {
    const steps: string[] = [];
    const volumes = pool.open({ step: (step) => void steps.push(step) });
    await volumes.adopt(data, of, patient());
    expect(steps.splice(0)).toEqual(adoptSteps);
    await volumes.snapshot(of, 'old', patient());
    await volumes.rollback(of, 'old', 'stash', patient());
    expect(steps.splice(0)).toEqual(rollbackSteps);
    await volumes.release(of, patient());
    expect(steps.splice(0)).toEqual(releaseSteps);
  });

  test.each(adoptSteps)('an adoption that dies after "%s" is there or not, and can be repeated', async (step) => {
    await dies(pool.open(dyingAt(step)).adopt(data, of, patient()));
    const volumes = pool.open();
    const isThere = step !== 'folders';
    expect((await volumes.list('test', patient())).includes(of.name)).toBe(isThere);
    expect((await volumes.inspect(of, patient()))?.adopted).toBe(isThere ? data : undefined);
    expect(await volumes.adopt(data, of, patient())).toMatchObject({ path: data, adopted: data });
    expect(await says(data)).toBe('one');
    expect((await readdir(home())).toSorted()).toEqual(['adopted.json', 'snapshots']);
  });

  test('an adoption that died before it was noted can be given up for a dataset of our own', async () => {
    await dies(pool.open(dyingAt('folders')).adopt(data, of, patient()));
    expect((await pool.volumes.create(of, { sizeBytes: MiB }, patient())).adopted).toBeUndefined();
    await pool.volumes.destroy(of, { scrub: false }, patient());
    expect(await says(data)).toBe('one');
  });

  test.each(stepsInPlace)('a rollback in place that dies after "%s" happened whole or not at all', async (step) => {
    await prepare();
    await dies(pool.open(dyingAt(step)).rollback(of, 'old', 'stash', patient()));
    const volumes = pool.open();
    expect(await volumes.list('test', patient())).toContain(of.name);
    const decided = rollbackSteps.indexOf(step) >= rollbackSteps.indexOf('moved-aside');
    await (decided ? expectRolledBack(volumes) : expectUntouched(volumes));
    await volumes.rollback(of, 'old', 'stash', patient());
    await expectRolledBack(volumes);
  });

  test('a power cut after any step of a rollback in place leaves all of it or nothing', async () => {
    await prepare();
    await btrfs('filesystem', 'sync', pool.mountpoint);
    const photographs: string[] = [];
    const volumes = pool.open({
      step: async (step) => {
        if (['moved-aside', 'noted', 'moved-in'].includes(step)) photographs.push(await pool.photograph());
      },
    });
    await volumes.rollback(of, 'old', 'stash', patient());
    const outcomes: boolean[] = [];
    for (const photograph of photographs) {
      await pool.restore(photograph);
      const done = (await names(pool.volumes)).includes('stash');
      outcomes.push(done);
      await (done ? expectRolledBack(pool.volumes) : expectUntouched(pool.volumes));
    }
    // Before the note is changed, that the old one is aside is on disk.
    expect(outcomes).toEqual([expect.any(Boolean), true, true]);
  });

  test.each(releaseSteps)('a release that dies after "%s" is finished by a repetition', async (step) => {
    await prepare();
    await pool.volumes.create(of, { sizeBytes: 32 * MiB }, patient());
    await dies(pool.open(dyingAt(step)).release(of, patient()));
    const volumes = pool.open();
    expect(await volumes.inspect(of, patient())).toBeUndefined();
    await volumes.release(of, patient());
    expect(await says(data)).toBe('two');
    expect(await readdir(theirs)).toEqual(['data']);
    expect(existsSync(home())).toBe(false);
    expect(await readdir(join(pool.mountpoint, 'floatlab', 'trash'))).toEqual([]);
    expect(await btrfs('qgroup', 'show', '--raw', '-re', '-f', data)).toMatch(/^0\/\d+ +\d+ +\d+ +none +none/m);
  });

  test('what was given back has the quota that it had before', async () => {
    await btrfs('qgroup', 'limit', String(48 * MiB), data);
    expect(await pool.volumes.adopt(data, of, patient())).toMatchObject({ sizeBytes: 48 * MiB });
    await pool.volumes.create(of, { sizeBytes: 32 * MiB }, patient());
    await pool.volumes.release(of, patient());
    expect(await btrfs('qgroup', 'show', '--raw', '-re', '-f', data)).toContain(` ${48 * MiB} `);
  });

  test('another subvolume in its place is not taken for it, and nothing is made where it is missing', async () => {
    await prepare();
    const calls = [
      () => pool.volumes.inspect(of, patient()),
      () => pool.volumes.create(of, { sizeBytes: MiB }, patient()),
      () => pool.volumes.snapshot(of, 't', patient()),
      () => pool.volumes.rollback(of, 'old', 'stash', patient()),
      () => pool.volumes.adopt(data, of, patient()),
    ];
    const aside = join(theirs, 'aside');
    await rename(data, aside);
    for (const call of calls) expect(await codeOf(call()), call.toString()).toBe('DAMAGED');
    await mkdir(data);
    for (const call of calls) expect(await codeOf(call()), call.toString()).toBe('DAMAGED');
    await pool.tool('rmdir', data);
    await btrfs('subvolume', 'snapshot', aside, data);
    for (const call of calls) expect(await codeOf(call()), call.toString()).toBe('DAMAGED');
    expect(await pool.volumes.list('test', patient())).toContain(of.name);
    await pool.volumes.release(of, patient());
    expect([await says(data), await says(aside)]).toEqual(['two', 'two']);
    expect(await pool.volumes.inspect(of, patient())).toBeUndefined();
  });

  test('one whose note is spoilt says so, and hides no other dataset', async () => {
    await prepare();
    await writeFile(join(home(), 'adopted.json'), 'nonsense');
    expect(await codeOf(pool.volumes.inspect(of, patient()))).toBe('DAMAGED');
    expect(await codeOf(pool.volumes.create(of, { sizeBytes: MiB }, patient()))).toBe('DAMAGED');
    expect(await pool.volumes.list('test', patient())).toContain(of.name);
    const changes = await pool.volumes.changes('test', patient());
    expect(changes.get(of.name)).toMatchObject({ changed: true });
    expect(await says(data)).toBe('two');
    // It may be about whatever is adopted next: nothing is, until somebody has looked.
    const other = { ...of, name: 'other' };
    expect(await codeOf(pool.volumes.adopt(data, other, patient()))).toBe('DAMAGED');
    await rm(join(home(), 'adopted.json'));
    expect(await pool.volumes.adopt(data, other, patient())).toMatchObject({ path: data });
  });

  test('nothing is adopted while what was adopted cannot be read', async () => {
    const trash = join(pool.mountpoint, 'floatlab', 'trash');
    await rename(trash, `${trash}-aside`).catch(() => undefined);
    await symlink('trash', trash);
    try {
      expect(await codeOf(pool.volumes.adopt(data, of, patient()))).toBe('FAILED');
    } finally {
      await rm(trash);
      await rename(`${trash}-aside`, trash).catch(() => undefined);
    }
    expect(await pool.volumes.adopt(data, of, patient())).toMatchObject({ path: data });
  });

  test('one that cannot be looked at is not called lost', async () => {
    await prepare();
    await rename(theirs, `${theirs}-aside`);
    await symlink(basename(theirs), theirs);
    expect(await codeOf(pool.volumes.inspect(of, patient()))).toBe('FAILED');
    await rm(theirs);
    expect(await codeOf(pool.volumes.inspect(of, patient()))).toBe('DAMAGED');
    await rename(`${theirs}-aside`, theirs);
    await expectUntouched(pool.volumes);
  });

  test('what stands in the way of a rollback, in a folder that is not ours, is left alone', async () => {
    await prepare();
    const inTheWay = join(theirs, `.floatlab-${of.name}-next`);
    await btrfs('subvolume', 'create', inTheWay);
    expect(await codeOf(pool.volumes.rollback(of, 'old', 'stash', patient()))).toBe('EXISTS');
    expect(existsSync(inTheWay)).toBe(true);
    await btrfs('subvolume', 'delete', inTheWay);
    await pool.volumes.rollback(of, 'old', 'stash', patient());
    await expectRolledBack(pool.volumes);
  });

  test('it may be reached through another mount, and is not lost while that is away', async () => {
    const place = join(pool.folder, `mounted-${count}`);
    await mkdir(place);
    const mount = () => pool.tool('mount', '--bind', theirs, place);
    await mount();
    try {
      const path = join(place, 'data');
      expect(await pool.volumes.adopt(path, of, patient())).toMatchObject({ path });
      await pool.volumes.snapshot(of, 'old', patient());
      await writeFile(join(path, 'file'), 'two');
      expect((await pool.volumes.changes('test', patient())).get(of.name)?.since).toBeDefined();
      await pool.volumes.rollback(of, 'old', 'stash', patient());
      expect([await says(path), await says(data)]).toEqual(['one', 'one']);
      for (const step of ['cloned', 'moved-aside', 'recorded']) {
        await writeFile(join(path, 'file'), 'three');
        await dies(pool.open(dyingAt(step)).rollback(of, 'old', `stash-${step}`, patient()));
        await pool.tool('umount', place);
        expect(await codeOf(pool.volumes.inspect(of, patient())), step).toBe('DAMAGED');
        expect(await codeOf(pool.volumes.create(of, { sizeBytes: MiB }, patient()))).toBe('DAMAGED');
        await mount();
        expect(await pool.volumes.inspect(of, patient())).toMatchObject({ path });
        expect(await says(path)).toBe(step === 'cloned' ? 'three' : 'one');
        expect(await readdir(theirs)).toEqual(['data']);
      }
      await pool.volumes.release(of, patient());
      expect(await says(data)).toBe('one');
    } finally {
      await pool.tool('umount', place);
    }
  });

  test('what cannot be rolled back in place, or is not whole, is not adopted', async () => {
    const inTheirs = (name: string) => join(theirs, name);
    await symlink(data, inTheirs('link'));
    expect(await refusal(inTheirs('link'))).toBe('INVALID');
    await symlink(theirs, inTheirs('folder-link'));
    expect(await refusal(join(inTheirs('folder-link'), 'data'))).toBe('INVALID');
    expect(await refusal(`${data}/`)).toBe('INVALID');
    expect(await refusal(join(data, 'file', 'below'))).toBe('MISSING');
    expect(await refusal(pool.mountpoint)).toBe('INVALID');
    expect(await refusal(pool.folder)).toBe('INVALID');
    await btrfs('subvolume', 'snapshot', '-r', data, inTheirs('read-only'));
    expect(await refusal(inTheirs('read-only'))).toBe('INVALID');
    const place = join(pool.folder, `bound-${count}`);
    await mkdir(place);
    await pool.tool('mount', '--bind', data, place);
    expect(await refusal(place)).toBe('INVALID');
    await pool.tool('umount', place);
    await btrfs('subvolume', 'create', join(data, 'inner'));
    expect(await refusal(data)).toBe('INVALID');
    await btrfs('subvolume', 'delete', join(data, 'inner'));
    await mkdir(join(pool.mountpoint, 'floatlab', 'volumes', 'nobody'), { recursive: true });
    const inOurs = join(pool.mountpoint, 'floatlab', 'volumes', 'nobody', 'their-data');
    await btrfs('subvolume', 'create', inOurs);
    expect(await refusal(inOurs)).toBe('INVALID');
    expect(await pool.volumes.adopt(data, of, patient())).toMatchObject({ path: data });
  });

  /** As btrfs-progs before 5.14 left it when a received snapshot was made writable. */
  test('what has the identity of another snapshot is not adopted: all its snapshots would be that one', async () => {
    const setReceived = 0xc0c89425;
    const program = `open(my $d, '<', $ARGV[0]) or die; my $b = ('x' x 16) . ("\\0" x 184); ioctl($d, ${setReceived}, $b) or die "$!"`;
    await pool.tool('perl', '-e', program, data);
    expect(await btrfs('subvolume', 'show', data)).toMatch(/Received UUID:\s+78787878-/);
    expect(await refusal(data)).toBe('INVALID');
    await btrfs('subvolume', 'snapshot', data, join(theirs, 'own'));
    expect(await pool.volumes.adopt(join(theirs, 'own'), of, patient())).toMatchObject({
      adopted: join(theirs, 'own'),
    });
    const [a, b] = [await pool.volumes.snapshot(of, 'a', patient()), await pool.volumes.snapshot(of, 'b', patient())];
    expect(a.guid).not.toBe(b.guid);
  });
});
