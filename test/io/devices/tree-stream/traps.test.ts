import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFile,
  chown,
  link,
  lstat,
  mkdir,
  open,
  readFile,
  rm,
  symlink,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { verifyTree } from '#io/devices/tree-stream/digest.ts';
import { OpenFolder } from '#io/devices/tree-stream/open-folder.ts';
import { describeReal } from '#test/real.ts';
import { posixAcl, setAttribute } from '../volumes/attributes.ts';
import { attributesIn, call, copyTree, inventory, missingForTrees, received, sent, tempFolder } from './trees.ts';

const sizeOf = (chunks: readonly Uint8Array[]): number => chunks.reduce((sum, { length }) => sum + length, 0);

describeReal('A tree that is sent', missingForTrees(), () => {
  let temp: Awaited<ReturnType<typeof tempFolder>>;
  let source: string;
  let base: string;
  let sink: string;
  beforeEach(async () => {
    temp = await tempFolder();
    [source, base, sink] = ['source', 'base', 'sink'].map((name) => join(temp.path, name)) as [string, string, string];
    await mkdir(source);
    await mkdir(sink);
  });
  afterEach(() => temp.dispose());

  const sendAll = async () => {
    const chunks = await sent({ target: { path: source, id: 'one' } });
    const got = await received(chunks, { into: sink, ids: { base: undefined, target: 'one' } });
    await expectSame();
    await verifyTree(sink, got, call);
    return chunks;
  };
  /** What is changed after `hasBase` is sent as changes. */
  const hasBase = () => {
    copyTree(source, base);
    copyTree(source, sink);
  };
  const sendChanges = async () => {
    const chunks = await sent({ target: { path: source, id: 'two' }, base: { path: base, id: 'one' } });
    await received(chunks, { into: sink, ids: { base: 'one', target: 'two' } });
    await expectSame();
    return chunks;
  };
  const expectSame = async () => {
    expect(await inventory(sink)).toEqual(await inventory(source));
    expect(attributesIn(sink)).toBe(attributesIn(source));
  };

  test('may be empty', async () => {
    expect(sizeOf(await sendAll())).toBeLessThan(300);
  });

  test('costs a few bytes when nothing has changed', async () => {
    for (let n = 0; n < 300; n++) await writeFile(join(source, `file ${n}`), `${n}`);
    hasBase();
    expect(sizeOf(await sendChanges())).toBeLessThan(200);
  });

  test('with one changed block of a large file costs that block', async () => {
    await writeFile(join(source, 'image'), randomBytes(8 * 2 ** 20));
    hasBase();
    const file = await open(join(source, 'image'), 'r+');
    await file.write('changed', 3 * 2 ** 20 + 5);
    await file.close();
    expect(sizeOf(await sendChanges())).toBeLessThan(132 * 1024);
  });

  test('keeps the holes of a file: a terabyte of them costs nothing, here and there', async () => {
    const file = await open(join(source, 'sparse'), 'w');
    await file.write('in the middle', 2 ** 39 + 77);
    await file.truncate(2 ** 40);
    await file.close();
    const chunks = await sent({ target: { path: source, id: 'one' } });
    await received(chunks, { into: sink, ids: { base: undefined, target: 'one' } });
    expect(sizeOf(chunks)).toBeLessThan(132 * 1024);
    const there = await lstat(join(sink, 'sparse'));
    expect(there.size).toBe(2 ** 40);
    expect(there.blocks * 512).toBeLessThan(1024 * 1024);
    const copy = await open(join(sink, 'sparse'));
    expect((await copy.read(Buffer.alloc(13), 0, 13, 2 ** 39 + 77)).buffer.toString()).toBe('in the middle');
    await copy.close();
  });

  test('gives room back where a file has a hole now', async () => {
    await writeFile(join(source, 'image'), randomBytes(4 * 2 ** 20));
    hasBase();
    execFileSync('fallocate', [
      '--punch-hole',
      '--offset',
      String(2 ** 20),
      '--length',
      String(2 ** 21),
      join(source, 'image'),
    ]);
    expect(sizeOf(await sendChanges())).toBeLessThan(1000);
    expect((await lstat(join(sink, 'image'))).blocks * 512).toBeLessThan(2.2 * 2 ** 20);
  });

  test('grows and shrinks a file in its place', async () => {
    await writeFile(join(source, 'grows'), 'a'.repeat(100));
    await writeFile(join(source, 'shrinks'), 'b'.repeat(300_000));
    await writeFile(join(source, 'grows by zeros'), 'c'.repeat(100));
    hasBase();
    await appendFile(join(source, 'grows'), 'a'.repeat(200_000));
    await truncate(join(source, 'shrinks'), 150000);
    await truncate(join(source, 'grows by zeros'), 400000);
    await sendChanges();
  });

  test('that grows by zeros costs none of them', async () => {
    await writeFile(join(source, 'grows'), 'c'.repeat(100));
    hasBase();
    await truncate(join(source, 'grows'), 100_000);
    expect(sizeOf(await sendChanges())).toBeLessThan(500);
  });

  test('has no file unread that was touched just before the base was taken: clocks have ticks', async () => {
    const path = join(source, 'file');
    await writeFile(path, 'x');
    const isRead = async (takenAtMs: number): Promise<boolean> => {
      execFileSync('touch', ['-a', '--date=2001-01-01', path]);
      await sent({ target: { path: source, id: 'two' }, base: { path: source, id: 'one', takenAtMs } });
      return (await lstat(path)).atimeMs > Date.parse('2002-01-01');
    };
    // Where reading leaves no trace there is nothing to see.
    if (!(await isRead(0))) return;
    expect(await isRead(Date.now())).toBe(true);
    expect(await isRead(Date.now() + 60_000)).toBe(false);
  });

  test('separates files that were linked, and links files that were not', async () => {
    await mkdir(join(source, 'folder'));
    for (const name of ['a', 'c', 'm']) await writeFile(join(source, name), `content of ${name}`);
    await link(join(source, 'a'), join(source, 'folder', 'b'));
    await link(join(source, 'a'), join(source, 'z'));
    hasBase();
    // `folder/b` becomes a file of its own, `z` stays linked to `a`, whose content changes; `c` is linked to `m`.
    await unlink(join(source, 'folder', 'b'));
    await writeFile(join(source, 'folder', 'b'), 'content of a');
    await writeFile(join(source, 'a'), 'another');
    await unlink(join(source, 'm'));
    await link(join(source, 'c'), join(source, 'm'));
    await sendChanges();
    expect(await readFile(join(sink, 'folder', 'b'), 'utf8')).toBe('content of a');
    expect(await readFile(join(sink, 'z'), 'utf8')).toBe('another');
  });

  test('never changes a file through a name that it lost', async () => {
    await writeFile(join(source, 'b'), 'shared');
    await link(join(source, 'b'), join(source, 'c'));
    hasBase();
    // The name that comes first now is another file's, and the old one lives on under the second.
    await unlink(join(source, 'b'));
    await writeFile(join(source, 'b'), 'of its own');
    await link(join(source, 'c'), join(source, 'a'));
    await sendChanges();
    expect(await readFile(join(sink, 'c'), 'utf8')).toBe('shared');
  });

  test('keeps the time of a folder whose names had to be linked anew', async () => {
    await mkdir(join(source, 'a'));
    await symlink('x', join(source, 'c'));
    hasBase();
    await link(join(source, 'c'), join(source, 'a', 'b'));
    await sendChanges();
  });

  test('has its fifos, sockets and devices, with owners, modes and several names', async () => {
    execFileSync('mknod', ['-m', '640', join(source, 'fifo'), 'p']);
    execFileSync('mknod', ['-m', '604', join(source, 'block'), 'b', '259', '70000']);
    execFileSync('mknod', ['-m', '666', join(source, 'null'), 'c', '1', '3']);
    await chown(join(source, 'fifo'), 12, 34);
    await link(join(source, 'fifo'), join(source, 'other name'));
    const server = createServer().listen(join(source, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      await sendAll();
      expect((await lstat(join(sink, 'block'), { bigint: true })).rdev).toBe(
        (await lstat(join(source, 'block'), { bigint: true })).rdev,
      );
    } finally {
      server.close();
    }
  });

  test('turns files into folders, links and back', async () => {
    await mkdir(join(source, 'folder', 'in it'), { recursive: true });
    await writeFile(join(source, 'folder', 'in it', 'file'), 'x');
    await writeFile(join(source, 'file'), 'y');
    await symlink('file', join(source, 'link'));
    hasBase();
    for (const name of ['folder', 'file', 'link']) await rm(join(source, name), { recursive: true });
    await writeFile(join(source, 'folder'), 'a file now');
    await symlink('/etc', join(source, 'file'));
    await mkdir(join(source, 'link'));
    await sendChanges();
  });

  test('keeps times to the nanosecond, also from before 1970', async () => {
    await writeFile(join(source, 'old'), '');
    await symlink('nowhere', join(source, 'link'));
    execFileSync('touch', ['--date=1960-05-06 07:08:09.123456789Z', join(source, 'old')]);
    execFileSync('touch', ['--no-dereference', '--date=2040-05-06 07:08:09.987654321Z', join(source, 'link')]);
    execFileSync('touch', ['--date=1999-01-01 00:00:00.000000001Z', source]);
    await sendAll();
    expect((await lstat(join(sink, 'old'), { bigint: true })).mtimeNs % 1_000_000_000n).toBe(-876_543_211n);
  });

  test('keeps capabilities, setuid bits and access lists, and what a folder hands down only where it did', async () => {
    await writeFile(join(source, 'program'), '#!');
    await chown(join(source, 'program'), 7, 8);
    execFileSync('chmod', ['6755', join(source, 'program')]);
    setAttribute(
      join(source, 'program'),
      'security.capability',
      Buffer.from('0100000200040000000000000000000000000000', 'hex'),
    );
    setAttribute(join(source, 'program'), 'trusted.mark', Buffer.from([0, 255]));
    await mkdir(join(source, 'shared'));
    await writeFile(join(source, 'shared', 'before'), '');
    setAttribute(join(source, 'shared'), 'system.posix_acl_default', posixAcl(1234));
    hasBase();
    await writeFile(join(source, 'shared', 'inherits'), '');
    await writeFile(join(temp.path, 'plain'), '');
    execFileSync('mv', [join(temp.path, 'plain'), join(source, 'shared', 'does not')]);
    await sendChanges();
    expect(attributesIn(sink).split('\n')).toHaveLength(4);
    await rm(sink, { recursive: true });
    await mkdir(sink);
    await sendAll();
  });

  test('may be deeper than the longest path', async () => {
    const opened = [new OpenFolder(source)];
    const step = Buffer.from('deep'.repeat(50));
    for (let n = 0; n < 30; n++) {
      const above = opened.at(-1) as OpenFolder;
      await mkdir(above.at(step));
      opened.push(above.enter(step));
    }
    await writeFile((opened.at(-1) as OpenFolder).at(Buffer.from('file')), 'at the end');
    for (const folder of opened) folder.close();
    const chunks = await sent({ target: { path: source, id: 'one' } });
    await received(chunks, { into: sink, ids: { base: undefined, target: 'one' } });
    const list = (root: string) => execFileSync('find', [root, '-printf', '%d %P %s %T@ %m\\n'], { encoding: 'utf8' });
    expect(list(sink).split('\n').slice(1)).toEqual(list(source).split('\n').slice(1));
    for (const root of [source, sink]) execFileSync('rm', ['-r', root]);
  });
});
