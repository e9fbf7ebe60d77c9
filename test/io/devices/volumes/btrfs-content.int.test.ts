/** What is in btrfs volumes, on a real pool: received, compressed, and gone for good. */
import { existsSync } from 'node:fs';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { codeOf, patient } from '#test/contracts/volumes.ts';
import { missingBtrfs } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { MiB, btrfsPair, size } from './btrfs-pair.ts';
import { trimmableDisks } from './trimmable-disks.ts';

describeReal('the content of btrfs volumes', missingBtrfs(), () => {
  const pair = btrfsPair();

  test('what was received in part is no snapshot, keeps its name, and goes with the dataset', async () => {
    const { pool, of, other, count, home, btrfs } = pair();
    const stream = join(pool.folder, `stream-${count}`);
    await writeFile(join(home(other), 'live', 'big'), Buffer.alloc(MiB, 'x'));
    await pool.volumes.snapshot(other, 'part', patient());
    await btrfs('send', '-q', '-f', stream, join(home(other), 'snapshots', 'part'));
    await truncate(stream, MiB / 2);
    await expect(btrfs('receive', '-q', '-f', stream, join(home(), 'snapshots'))).rejects.toThrow('ended with');
    expect(existsSync(join(home(), 'snapshots', 'part'))).toBe(true);
    expect((await pool.volumes.snapshots(of, patient())).map(({ name }) => name)).toEqual(['s']);
    expect(await codeOf(pool.volumes.snapshot(of, 'part', patient()))).toBe('EXISTS');
    expect(await codeOf(pool.volumes.snapshotPath(of, 'part', patient()))).toBe('MISSING');
    expect(
      await codeOf(pool.volumes.clone(of, 'part', { ...of, name: `new-${count}` }, { sizeBytes: size }, patient())),
    ).toBe('MISSING');
    await pool.volumes.destroy(of, { scrub: false }, patient());
    expect(existsSync(home())).toBe(false);
  });

  test('a received snapshot that was writable for a while is not the one any more that was sent', async () => {
    const { pool, of, other, count, home, btrfs } = pair();
    const stream = join(pool.folder, `stream-${count}`);
    const [sent] = await pool.volumes.snapshots(other, patient());
    await btrfs('send', '-q', '-f', stream, join(home(other), 'snapshots', 's'));
    await pool.volumes.removeSnapshots(of, ['s'], patient());
    await btrfs('receive', '-q', '-f', stream, join(home(), 'snapshots'));
    const received = join(home(), 'snapshots', 's');
    await btrfs('property', 'set', '-f', '-ts', received, 'ro', 'false');
    await btrfs('property', 'set', '-ts', received, 'ro', 'true');
    const [now] = await pool.volumes.snapshots(of, patient());
    expect(now?.name).toBe('s');
    expect(now?.guid).not.toBe(sent?.guid);
  });

  test('what begins with a received snapshot has identities of its own', async () => {
    const { pool, of, other, count, home, btrfs } = pair();
    const stream = join(pool.folder, `stream-${count}`);
    const [sent] = await pool.volumes.snapshots(other, patient());
    await btrfs('send', '-q', '-f', stream, join(home(other), 'snapshots', 's'));
    await pool.volumes.removeSnapshots(of, ['s'], patient());
    await btrfs('receive', '-q', '-f', stream, join(home(), 'snapshots'));
    const clone = { ...of, name: `clone-${count}` };
    await pool.volumes.clone(of, 's', clone, { sizeBytes: size }, patient());
    await pool.volumes.rollback(of, 's', 't', patient());
    const own = [];
    for (const one of [of, clone])
      for (const name of ['a', 'b']) own.push((await pool.volumes.snapshot(one, name, patient())).guid);
    expect(new Set([...own, sent?.guid]).size).toBe(5);
  });

  test('the files of a compressed dataset are compressed, also after a rollback and in a clone', async () => {
    const { pool, of, count, home } = pair();
    const compressed = { ...of, name: `compressed-${count}` };
    const spec = { sizeBytes: size, compression: 'zstd' } as const;
    await pool.volumes.create(compressed, spec, patient());
    await pool.volumes.snapshot(compressed, 's', patient());
    await pool.volumes.rollback(compressed, 's', 't', patient());
    const clone = { ...of, name: `clone-${count}` };
    await pool.volumes.clone(compressed, 's', clone, { sizeBytes: size }, patient());
    for (const { name } of [compressed, clone]) {
      const file = join(home({ ...of, name }), 'live', 'file');
      await writeFile(file, Buffer.alloc(4 * MiB, 'x'), { flush: true });
      expect(await pool.volumes.inspect({ ...of, name }, patient())).toMatchObject({ compression: 'zstd' });
      expect((await pool.volumes.inspect({ ...of, name }, patient()))?.usedBytes).toBeLessThan(MiB);
    }
  });

  test('a pool in a file cannot promise that nothing is left, and does not try', async () => {
    const { pool, of, home } = pair();
    const [info] = await pool.volumes.pools(patient());
    expect(info?.can.scrubbedDestroy).toBe(false);
    expect(await codeOf(pool.volumes.destroy(of, { scrub: true }, patient()))).toBe('UNSUPPORTED');
    expect(await readFile(join(home(), 'live', 'file'), 'utf8')).toBe(of.name);
  });

  test('what was destroyed and scrubbed cannot be read from the disk; what was only destroyed can', async () => {
    const { pool, of, other, home, btrfs } = pair();
    const sys = await trimmableDisks(pool);
    const volumes = pool.open({ sys });
    expect(await volumes.pools(patient())).toMatchObject([{ can: { scrubbedDestroy: true } }]);
    const secret = (name: string) => `the secret of ${name}, `.repeat(400);
    for (const { name } of [of, other]) await writeFile(join(home({ ...of, name }), 'live', 'file'), secret(name));
    await pool.volumes.snapshot(other, 'secret', patient());
    const onDisk = async (name: string) => (await readFile(pool.image())).includes(secret(name).slice(0, 1000));
    await volumes.destroy(of, { scrub: false }, patient());
    await btrfs('subvolume', 'sync', pool.mountpoint);
    await btrfs('filesystem', 'sync', pool.mountpoint);
    expect([await onDisk(of.name), await onDisk(other.name)]).toEqual([true, true]);
    await volumes.destroy(other, { scrub: true }, patient());
    expect(await onDisk(other.name)).toBe(false);
  });

  test('what the mount compresses with is told of a dataset that does not say', async () => {
    const { pool, of, count } = pair();
    expect(await pool.volumes.inspect(of, patient())).toMatchObject({ compression: 'off' });
    await pool.tool('mount', '-o', 'remount,compress=zlib', pool.mountpoint);
    expect(await pool.volumes.inspect(of, patient())).toMatchObject({ compression: 'gzip' });
    await pool.volumes.create({ ...of, name: `plain-${count}` }, { sizeBytes: size, compression: 'off' }, patient());
    expect(await pool.volumes.inspect({ ...of, name: `plain-${count}` }, patient())).toMatchObject({
      compression: 'off',
    });
    await pool.tool('mount', '-o', 'remount,compress=lzo', pool.mountpoint);
    expect((await pool.volumes.inspect(of, patient()))?.compression).toBeUndefined();
  });
});
