import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyTree } from '#io/devices/tree-stream/digest.ts';
import { RecordWriter } from '#io/devices/tree-stream/record-writer.ts';
import { missingBtrfs, tempPool } from '#test/pool-fixture.ts';
import type { TempPool } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { attributesIn, call, inventory, missingForTrees, received, sent, tempFolder } from './trees.ts';

describeReal('Between snapshots of btrfs and another file system', missingBtrfs() ?? missingForTrees(), () => {
  let pool: TempPool;
  let temp: Awaited<ReturnType<typeof tempFolder>>;
  beforeAll(async () => {
    pool = await tempPool();
    temp = await tempFolder();
  });
  afterAll(async () => {
    await temp.dispose();
    await pool.dispose();
  });

  test('changes are found without reading what is as it was, and all of them', async () => {
    const live = join(pool.mountpoint, 'live');
    const sink = join(temp.path, 'sink');
    await pool.tool('btrfs', 'subvolume', 'create', live);
    await mkdir(sink);
    await mkdir(join(live, 'folder'));
    for (let n = 0; n < 50; n++) await writeFile(join(live, 'folder', `file ${n}`), `content ${n}`);
    await writeFile(join(live, 'image'), randomBytes(2 ** 20));
    // Of the same moment to the kernel's clock as the snapshot, and changed right behind it.
    const racing = await open(join(live, 'racing'), 'w');
    await racing.write('before');
    const snapshot = async (name: string) => {
      const path = join(pool.mountpoint, name);
      await pool.tool('btrfs', 'subvolume', 'snapshot', '-r', live, path);
      return { path, id: name, takenAtMs: Date.now() };
    };
    const first = await snapshot('first');
    await racing.write('behind', 0);
    await racing.close();
    await received(await sent({ target: first }), { into: sink, ids: { base: undefined, target: 'first' } });
    expect(await inventory(sink)).toEqual(await inventory(first.path));

    const image = await open(join(live, 'image'), 'r+');
    await image.write('new', 700_000);
    await image.close();
    await rename(join(live, 'folder', 'file 7'), join(live, 'file 7'));
    execFileSync('chown', ['5:6', join(live, 'folder', 'file 8')]);
    const second = await snapshot('second');
    // One who trusts all times until now reads only what was touched.
    for (const takenAtMs of [first.takenAtMs, Date.now() + 60_000]) {
      const chunks = await sent({ target: second, base: { ...first, takenAtMs } });
      expect(chunks.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(135 * 1024);
      if (takenAtMs !== first.takenAtMs) continue;
      const got = await received(chunks, { into: sink, ids: { base: 'first', target: 'second' } });
      await verifyTree(sink, got, call);
    }
    expect(await inventory(sink)).toEqual(await inventory(second.path));
    expect(attributesIn(sink)).toBe(attributesIn(second.path));
  });

  test('a volume that is full says so, and one that is mounted inside is not part of the tree', async () => {
    const [source, full] = [join(temp.path, 'source'), join(temp.path, 'full')];
    await mkdir(join(source, 'mounted'), { recursive: true });
    await mkdir(full);
    await writeFile(join(source, 'large'), randomBytes(2 ** 21));
    await pool.tool('mount', '-t', 'tmpfs', '-o', 'size=1M', 'floatlab-test', full);
    await pool.tool('mount', '-t', 'tmpfs', '-o', 'size=1M', 'floatlab-test', join(source, 'mounted'));
    try {
      await writeFile(join(source, 'mounted', 'not yours'), '');
      const chunks = await sent({ target: { path: source, id: 'one' } });
      const ids = { base: undefined, target: 'one' };
      await expect(received(chunks, { into: full, ids })).rejects.toMatchObject({ code: 'NO_SPACE' });
      const sink = join(temp.path, 'sink of source');
      await mkdir(sink);
      await received(chunks, { into: sink, ids });
      expect((await inventory(sink)).filter((line) => line.includes('not yours'))).toEqual([]);
      // Nor does a stream get into it.
      const writer = new RecordWriter({ base: 'one', target: 'two' });
      writer.enter(Buffer.from('mounted'));
      writer.remove(Buffer.from('not yours'));
      writer.leave(undefined);
      writer.leave(undefined);
      writer.finish({ depth: 'shape', wholeSeconds: false, digest: Buffer.alloc(32) });
      const entering = received(writer.frames, { into: source, ids: { base: 'one', target: 'two' } });
      await expect(entering).rejects.toMatchObject({ code: 'DAMAGED' });
      expect(await readdir(join(source, 'mounted'))).toEqual(['not yours']);
    } finally {
      for (const path of [full, join(source, 'mounted')]) await pool.tool('umount', path);
    }
  });
});
