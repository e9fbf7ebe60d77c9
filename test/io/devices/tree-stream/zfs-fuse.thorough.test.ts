import { readdirSync, readlinkSync } from 'node:fs';
import { chown, link, mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyTree } from '#io/devices/tree-stream/digest.ts';
import { describeReal } from '#test/real.ts';
import type { ZfsTestPool } from '#test/zfs-fixture.ts';
import { missingZfsFuse, zfsFuse, zfsPool } from '#test/zfs-fixture.ts';
import { posixAcl, setAttribute } from '../volumes/attributes.ts';
import { call, copyTree, inventory, missingForTrees, received, sent, tempFolder } from './trees.ts';

describeReal('A tree that is sent to zfs-fuse and back', missingZfsFuse() ?? missingForTrees(), () => {
  let pool: ZfsTestPool;
  let temp: Awaited<ReturnType<typeof tempFolder>>;
  beforeAll(async () => {
    pool = await zfsPool(await zfsFuse());
    temp = await tempFolder();
  });
  afterAll(async () => {
    await pool.machine.dispose();
    await temp.dispose();
  });

  /** Its mounts are seen by its own processes only; through them a path there is one here. */
  const seen = async (path: string): Promise<string> => {
    const mounts = (await pool.tool('readlink', '/proc/self/ns/mnt')).trim();
    const pid = readdirSync('/proc').find((name) => {
      try {
        return /^\d+$/.test(name) && readlinkSync(`/proc/${name}/ns/mnt`) === mounts;
      } catch {
        return false;
      }
    });
    return join('/proc', String(pid), 'root', path);
  };

  /** It keeps no fractions of seconds. */
  const inSeconds = async (root: string) =>
    (await inventory(root)).map((line) => line.replace(/\d{9}(","\d*","[^"]*"\])$/, '$1'));

  test('is the same there, and after changes, and here again', async () => {
    const [source, base, back] = ['source', 'base', 'back'].map((name) => join(temp.path, name)) as [
      string,
      string,
      string,
    ];
    for (const path of [source, back]) await mkdir(path);
    await mkdir(join(source, 'folder'));
    await writeFile(join(source, 'image'), randomBytes(2 ** 20));
    await writeFile(join(source, 'folder', 'file'), 'content');
    await link(join(source, 'folder', 'file'), join(source, 'linked'));
    await symlink('nowhere', Buffer.concat([Buffer.from(`${source}/`), Buffer.from([0xff, 0x0a])]));
    await chown(join(source, 'linked'), 12, 34);
    const { path } = await pool.volumes.create({ pool: 'test', name: 'sink' }, { sizeBytes: 64 * 2 ** 20 }, call);
    const sink = await seen(path);

    const whole = await sent({ target: { path: source, id: 'one' }, wholeSeconds: true });
    const gotWhole = await received(whole, { into: sink, ids: { base: undefined, target: 'one' } });
    expect(await inSeconds(sink)).toEqual(await inSeconds(source));
    await verifyTree(sink, gotWhole, call);

    copyTree(source, base);
    const image = await open(join(source, 'image'), 'r+');
    await image.write(Buffer.alloc(300_000), 0, 300_000, 200_000);
    await image.close();
    await writeFile(join(source, 'linked'), 'other');
    const changes = await sent({
      target: { path: source, id: 'two' },
      base: { path: base, id: 'one' },
      wholeSeconds: true,
    });
    const gotChanges = await received(changes, { into: sink, ids: { base: 'one', target: 'two' } });
    expect(await inSeconds(sink)).toEqual(await inSeconds(source));
    await verifyTree(sink, gotChanges, call);

    const again = await sent({ target: { path: sink, id: 'two' } });
    const gotBack = await received(again, { into: back, ids: { base: undefined, target: 'two' } });
    expect(await inSeconds(back)).toEqual(await inSeconds(source));
    await verifyTree(back, gotBack, call);
  });

  test('with access lists is refused, because zfs-fuse cannot keep them', async () => {
    const source = join(temp.path, 'with a list');
    await mkdir(source);
    setAttribute(source, 'system.posix_acl_access', posixAcl(5));
    const { path } = await pool.volumes.create({ pool: 'test', name: 'second' }, { sizeBytes: 64 * 2 ** 20 }, call);
    const chunks = await sent({ target: { path: source, id: 'one' } });
    const refused = received(chunks, { into: await seen(path), ids: { base: undefined, target: 'one' } });
    await expect(refused).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });
});
