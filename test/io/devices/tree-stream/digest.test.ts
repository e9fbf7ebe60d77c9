import { execFileSync } from 'node:child_process';
import { link, lutimes, mkdir, open, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Difference, Listings } from '#io/devices/tree-stream/digest.ts';
import { compareTrees, digestTree, verifyTree } from '#io/devices/tree-stream/digest.ts';
import type { DigestDepth } from '#io/devices/tree-stream/records.ts';
import { describeReal } from '#test/real.ts';
import { call, copyTree, missingForTrees, sent, tempFolder } from './trees.ts';

describeReal('The digest of a tree', missingForTrees(), () => {
  let temp: Awaited<ReturnType<typeof tempFolder>>;
  let one: string;
  let two: string;
  beforeEach(async () => {
    temp = await tempFolder();
    [one, two] = [join(temp.path, 'one'), join(temp.path, 'two')];
    await mkdir(join(one, 'left', 'deep'), { recursive: true });
    await mkdir(join(one, 'right'));
    for (const name of ['left/a', 'left/deep/b', 'right/c']) await writeFile(join(one, name), name);
  });
  afterEach(() => temp.dispose());

  const digest = async (path: string, depth: DigestDepth = 'content') =>
    (await digestTree({ path, depth }, call)).toString('hex');
  const listings = async (path: string): Promise<Listings & { readonly asked: string[] }> => {
    const found = new Map<string, Buffer>();
    const onListing = (folder: Buffer, listing: Buffer) => void found.set(folder.toString('latin1'), listing);
    const of = await digestTree({ path, depth: 'content', onListing }, call);
    const asked: string[] = [];
    return {
      digest: of,
      asked,
      listing: async (folder) => {
        asked.push(folder.toString());
        return found.get(folder.toString('latin1'));
      },
    };
  };
  /** Changes a file and nothing that one could see without reading it. */
  const changeSecretly = async (path: string) => {
    const file = await open(path, 'r+');
    const { atime, mtime } = await file.stat();
    await file.write('X');
    await file.close();
    await lutimes(path, atime, mtime);
  };

  test('is the same for a copy, in whatever order it was made, and other for any change', async () => {
    copyTree(one, two);
    expect(await digest(two)).toBe(await digest(one));
    const whole = await digest(one);
    execFileSync('chmod', ['600', join(two, 'right', 'c')]);
    expect(await digest(two)).not.toBe(whole);
    execFileSync('chmod', ['644', join(two, 'right', 'c')]);
    expect(await digest(two)).toBe(whole);
    await changeSecretly(join(two, 'right', 'c'));
    execFileSync('touch', ['--reference', join(one, 'right', 'c'), join(two, 'right', 'c')]);
    expect(await digest(two)).not.toBe(whole);
    // Of the shape contents are no part.
    expect(await digest(two, 'shape')).toBe(await digest(one, 'shape'));
  });

  test('tells a hard link from a copy', async () => {
    await link(join(one, 'left', 'a'), join(one, 'right', 'a'));
    copyTree(one, two);
    expect(await digest(two)).toBe(await digest(one));
    await unlink(join(two, 'right', 'a'));
    execFileSync('cp', ['--preserve=all', join(two, 'left', 'a'), join(two, 'right', 'a')]);
    execFileSync('touch', ['--reference', join(one, 'right'), join(two, 'right')]);
    expect(await digest(two)).not.toBe(await digest(one));
  });

  test('does not depend on where zeros are written', async () => {
    await writeFile(join(one, 'sparse'), '');
    await truncate(join(one, 'sparse'), 1000000);
    copyTree(one, two);
    await writeFile(join(two, 'sparse'), Buffer.alloc(1_000_000));
    for (const name of ['sparse', '.']) execFileSync('touch', ['--reference', join(one, name), join(two, name)]);
    expect(await digest(two)).toBe(await digest(one));
  });

  test('is in the stream, so that the tree is read once', async () => {
    const chunks = await sent({ target: { path: one, id: 'one' } });
    const end = Buffer.from(chunks.at(-1) as Uint8Array);
    expect(end.subarray(-64, -32).toString('hex')).toBe(await digest(one));
  });

  test('may leave out fractions of seconds, for a file system that cannot keep them', async () => {
    copyTree(one, two);
    execFileSync('touch', ['--date=2020-01-01 00:00:00.5', join(one, 'right', 'c')]);
    execFileSync('touch', ['--date=2020-01-01 00:00:00', join(two, 'right', 'c')]);
    const ofBoth = async (wholeSeconds: boolean) =>
      Promise.all([one, two].map((path) => digestTree({ path, depth: 'content', wholeSeconds }, call)));
    const [a, b] = await ofBoth(true);
    expect(a).toEqual(b);
    const [c, d] = await ofBoth(false);
    expect(c).not.toEqual(d);
  });

  test('finds what was changed where it is', async () => {
    const expected = {
      digest: await digestTree({ path: one, depth: 'content' }, call),
      depth: 'content' as const,
      wholeSeconds: false,
    };
    await verifyTree(one, expected, call);
    await changeSecretly(join(one, 'left', 'deep', 'b'));
    await expect(verifyTree(one, expected, call)).rejects.toMatchObject({ code: 'DAMAGED' });
  });

  test('leads to every difference, and only into folders that differ', async () => {
    copyTree(one, two);
    await writeFile(join(one, 'left', 'deep', 'new'), '');
    await unlink(join(two, 'left', 'deep', 'b'));
    await writeFile(join(two, 'left', 'a'), 'other');
    await writeFile(join(two, 'left', 'more'), '');
    // All of it may have happened within one tick of the clock.
    for (const name of ['left', 'left/deep']) execFileSync('touch', ['--date=2001-02-03', join(two, name)]);
    const [a, b] = [await listings(one), await listings(two)];
    const found: Difference[] = [];
    for await (const difference of compareTrees(a, b)) found.push(difference);
    expect(found.map(({ path, what }) => `${path.toString()}: ${what}`).toSorted()).toEqual([
      'left/a: differs',
      'left/deep/b: only in the first',
      'left/deep/new: only in the first',
      'left/deep: metadata',
      'left/more: only in the second',
      'left: metadata',
    ]);
    expect(a.asked).toEqual(['', 'left', 'left/deep']);
  });

  test('is believed only of the listing that it is of', async () => {
    copyTree(one, two);
    await writeFile(join(two, 'left', 'a'), 'other');
    const [a, b] = [await listings(one), await listings(two)];
    const lying: Listings = { ...b, listing: a.listing };
    const compare = async () => {
      for await (const _ of compareTrees(a, lying));
    };
    await expect(compare()).rejects.toMatchObject({ code: 'DAMAGED' });
  });
});
