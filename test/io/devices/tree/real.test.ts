import { existsSync } from 'node:fs';
import {
  chmod,
  chown,
  lchown,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realTree } from '#io/devices/tree/real.ts';
import { run } from '#io/devices/run.ts';
import { bytesOf, call, never, plan, textOf, treeContract } from '#test/contracts/tree.ts';

treeContract('real trees', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'floatlab-tree-'));
  const [live, snapshot] = [join(folder, 'live'), join(folder, 'snapshot')];
  await mkdir(live);
  await mkdir(snapshot);
  const ready = (root: string, path: string) => mkdir(dirname(join(root, path)), { recursive: true });
  return {
    port: realTree,
    live,
    snapshot,
    async write(root, path, text) {
      await ready(root, path);
      await writeFile(join(root, path), text);
    },
    read: (root, path) => readFile(join(root, path), 'utf8').catch(() => undefined),
    folder: async (root, path) => void (await mkdir(join(root, path), { recursive: true })),
    link: (root, path, target) => symlink(target, join(root, path)),
    fifo: async (root, path) => {
      await ready(root, path);
      await run('mkfifo', [join(root, path)], call());
    },
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
});

/** Where a hundred thousand files are made in a second, if there is such a place. */
const inMemory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

describe('a real tree', () => {
  let folder: string;
  let live: string;
  let snapshot: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(inMemory, 'floatlab-tree-'));
    [live, snapshot] = [join(folder, 'live'), join(folder, 'snapshot')];
    await mkdir(live);
    await mkdir(snapshot);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }), 60_000);
  const listed = async (path = '', root = live) => (await realTree.list(root, path, { limit: 1000 }, call())).entries;
  const tool = async (file: string, ...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await run(file, args, call());
    if (exitCode !== 0) throw new Error(stderr);
    return stdout;
  };

  test('has names of 255 bytes that are no UTF-8, and they come back as the same bytes', async () => {
    const name = Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from('\n%41'), Buffer.alloc(249, 0xe9)]);
    expect(name).toHaveLength(255);
    await writeFile(Buffer.concat([Buffer.from(`${snapshot}/`), name]), 'content');
    const [entry] = await listed('', snapshot);
    const path = entry?.name ?? '';
    expect(await textOf(realTree.read(snapshot, path, { from: 0, to: 100 }, never))).toBe('content');
    await realTree.restore(snapshot, live, plan({ paths: [path] }), call());
    expect((await readdir(live, { encoding: 'buffer' })).map((one) => one.toString('hex'))).toEqual([
      name.toString('hex'),
    ]);
    // There is no room for what is added to the name: it is cut.
    const { written } = await realTree.restore(snapshot, live, plan({ id: 'again', paths: [path] }), call());
    expect(written[0]?.as).toMatch(/\.restored-monday$/);
    expect(await readdir(live)).toHaveLength(2);
    const { items } = await realTree.diff(snapshot, live, { path: '', limit: 10, content: true }, call());
    expect(items.map(({ change }) => change)).toEqual(['added']);
  });

  test('has paths that are longer than a call of the kernel takes', async () => {
    const parts = Array.from({ length: 16 }, (_, n) => `${n}`.padEnd(254, 'd'));
    const tar = pack();
    tar.entry({ name: `${parts.join('/')}/f.txt` }, 'deep');
    tar.finalize();
    await realTree.unpack(snapshot, bytesOf(tar), call());
    const path = `${parts.join('/')}/f.txt`;
    expect(path.length).toBeGreaterThan(4000);
    expect(await textOf(realTree.read(snapshot, path, { from: 0, to: 10 }, never))).toBe('deep');
    await realTree.restore(snapshot, live, plan({ paths: [parts[0] ?? ''] }), call());
    expect(await textOf(realTree.read(live, path, { from: 0, to: 10 }, never))).toBe('deep');
    for (const root of [live, snapshot]) await realTree.clear(root, call());
    expect(await listed()).toEqual([]);
  });

  test('never leads out by a folder that an app exchanges for a link, again and again, while it is read and restored', async () => {
    const outside = join(folder, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'f.txt'), 'of the host');
    await mkdir(join(live, 'a'));
    await writeFile(join(live, 'a', 'f.txt'), 'of the volume');
    await mkdir(join(snapshot, 'a'));
    await writeFile(join(snapshot, 'a', 'f.txt'), 'of the snapshot');
    let isOver = false;
    const app = (async () => {
      while (!isOver) {
        await rename(join(live, 'a'), join(live, 'b')).catch(() => {});
        await symlink(outside, join(live, 'a')).catch(() => {});
        await unlink(join(live, 'a')).catch(() => {});
        await rename(join(live, 'b'), join(live, 'a')).catch(() => {});
      }
    })();
    const seen = new Set<string>();
    for (let n = 0; n < 150; n++) {
      const read = textOf(realTree.read(live, 'a/f.txt', { from: 0, to: 100 }, never));
      seen.add(await read.catch((error: { code?: string }) => error.code ?? 'none'));
      await realTree.list(live, 'a', { limit: 10 }, call()).catch(() => {});
      if (n % 10 === 0)
        await realTree
          .restore(snapshot, live, plan({ id: `r${n}`, paths: ['a/f.txt'], overwrite: true }), call())
          .catch(() => {});
    }
    isOver = true;
    await app;
    expect(seen).not.toContain('of the host');
    for (const one of seen) expect(['of the volume', 'of the snapshot', 'INVALID', 'MISSING']).toContain(one);
    expect(await readFile(join(outside, 'f.txt'), 'utf8')).toBe('of the host');
    expect(await readdir(outside)).toEqual(['f.txt']);
  }, 60_000);

  test('restores owner, mode, times, holes, links and extended attributes', async () => {
    const at = (path: string): string => join(snapshot, 'd', path);
    await mkdir(at(''));
    await writeFile(at('f'), 'file');
    await link(at('f'), at('same'));
    await symlink('f', at('l'));
    await tool('truncate', '--size', '50M', at('holes'));
    await chmod(at('f'), 0o640);
    await chmod(at(''), 0o2750);
    if (process.getuid?.() === 0) {
      await chown(at('f'), 1234, 4321);
      await lchown(at('l'), 77, 88);
      await chown(at(''), 99, 98);
    }
    const long = new Date('2020-02-02T02:02:02Z');
    for (const path of ['f', 'holes', '']) await utimes(at(path), long, long);
    await tool(
      'python3',
      '-c',
      'import os,sys; [os.setxattr(p, "user.note", b"kept") for p in sys.argv[1:]]',
      at('f'),
      at(''),
    );
    const { files, bytes } = await realTree.restore(snapshot, live, plan({ paths: ['d'] }), call());
    expect({ files, bytes }).toMatchObject({ files: 4 });
    const back = (path: string): string => join(live, 'd', path);
    for (const path of ['f', 'l', 'holes', '']) {
      const [was, is] = [await lstat(at(path)), await lstat(back(path))];
      expect([path, is.mode, is.uid, is.gid]).toEqual([path, was.mode, was.uid, was.gid]);
      if (path !== 'l') expect([path, is.mtimeMs]).toEqual([path, was.mtimeMs]);
    }
    expect((await lstat(back('f'))).nlink).toBe(2);
    expect((await lstat(back('holes'))).blocks).toBe(0);
    const noted = await tool(
      'python3',
      '-c',
      'import os,sys; print([os.getxattr(p, "user.note").decode() for p in sys.argv[1:]])',
      back('f'),
      back(''),
    );
    expect(noted.trim()).toBe("['kept', 'kept']");
    expect((await readdir(live)).toSorted()).toEqual(['d']);
  });

  test('gives up a restore that was killed: nothing of it is left, unless everything had been copied', async () => {
    await mkdir(join(live, '.floatlab-restoring-g', '0'), { recursive: true });
    await writeFile(join(live, '.floatlab-restoring-g', '0', 'half'), 'x');
    await mkdir(join(live, '.floatlab-restored-done'));
    const before = (await readdir(live)).filter((name) => name !== '.floatlab-restoring-g');
    expect(await realTree.giveUp(live, 'g', call())).toBe(true);
    expect(await realTree.giveUp(live, 'g', call())).toBe(true);
    expect(await realTree.giveUp(live, 'done', call())).toBe(false);
    expect(await readdir(live)).toEqual(before);
  });

  test('goes on with a restore that was killed between two steps', async () => {
    await mkdir(join(snapshot, 'd'));
    for (const name of ['1', '2', '3']) await writeFile(join(snapshot, 'd', name), name);
    const paths = ['d/1', 'd/2', 'd/3'];
    // What a killed one has left: copies that were not finished, and others that were.
    await mkdir(join(live, '.floatlab-restoring-k', '0'), { recursive: true });
    await writeFile(join(live, '.floatlab-restoring-k', '0', 'half'), 'half');
    await realTree.restore(snapshot, live, plan({ id: 'k', paths }), call());
    expect((await readdir(live)).toSorted()).toEqual(['d']);
    await rm(join(live, 'd'), { recursive: true });
    await mkdir(join(live, '.floatlab-restored-k'));
    await writeFile(join(live, '.floatlab-restored-k', '1'), '2');
    const items = paths.map((path) => ({ path, as: path }));
    const counts = { files: 3, bytes: 3, skipped: 0 };
    await writeFile(join(live, '.floatlab-restored-k', 'plan.json'), JSON.stringify({ items, counts }));
    await mkdir(join(live, 'd'));
    await writeFile(join(live, 'd', '1'), '1');
    const { written } = await realTree.restore(snapshot, live, plan({ id: 'k', paths }), call());
    expect(written.map(({ as }) => as)).toEqual(paths);
    expect((await readdir(join(live, 'd'))).toSorted()).toEqual(['1', '2']);
    expect((await readdir(live)).toSorted()).toEqual(['d']);
  });

  test('does not put a file back twice when it was killed right after it had put it back', async () => {
    await writeFile(join(snapshot, 'f'), 'text');
    const staging = join(live, '.floatlab-restored-k');
    await mkdir(staging);
    await writeFile(join(staging, '0'), 'text');
    await writeFile(join(staging, 'plan.json'), JSON.stringify({ counts: { files: 1, bytes: 4, skipped: 0 } }));
    await link(join(staging, '0'), join(live, 'f'));
    const { written } = await realTree.restore(snapshot, live, plan({ id: 'k', paths: ['f'] }), call());
    expect(written).toEqual([{ path: 'f', as: 'f' }]);
    expect(await readdir(live)).toEqual(['f']);
  });

  test('takes nothing out of the volume for an app that writes into a restore which was cut off', async () => {
    const staging = join(live, '.floatlab-restored-k');
    await writeFile(join(snapshot, 'f'), 'text');
    await mkdir(join(staging, '0'), { recursive: true });
    await writeFile(join(staging, '0', 'escaped'), 'out');
    const counts = { files: 1, bytes: 4, skipped: 0 };
    const told = JSON.stringify({ items: [{ path: 'f', as: '..' }], counts });
    await writeFile(join(staging, 'plan.json'), told);
    await realTree.restore(snapshot, live, plan({ id: 'k', paths: ['f'], overwrite: true }), call());
    expect((await readdir(folder)).toSorted()).toEqual(['live', 'snapshot']);

    // Nor does it read another file of the machine for it.
    await mkdir(staging);
    await writeFile(join(folder, 'secret'), told);
    await symlink(join(folder, 'secret'), join(staging, 'plan.json'));
    const asked = realTree.restore(snapshot, live, plan({ id: 'k', paths: ['f'] }), call());
    await expect(asked).rejects.toMatchObject({ code: 'INVALID' });
    await unlink(join(staging, 'plan.json'));
    await writeFile(join(staging, 'plan.json'), 'root:x:0');
    const refused = realTree.restore(snapshot, live, plan({ id: 'k', paths: ['f'] }), call());
    await expect(refused).rejects.toMatchObject({ code: 'DAMAGED', message: expect.not.stringContaining('root') });
  });

  test('says so when it cannot keep the attributes of a folder', async () => {
    await mkdir(join(snapshot, 'd'));
    const programs = join(folder, 'bin');
    await mkdir(programs);
    await symlink('/bin/false', join(programs, 'tar'));
    const path = process.env['PATH'];
    process.env['PATH'] = programs;
    try {
      const asked = realTree.restore(snapshot, live, plan({ paths: ['d'] }), call());
      await expect(asked).rejects.toMatchObject({ code: 'FAILED' });
    } finally {
      process.env['PATH'] = path;
    }
    expect(await readdir(live)).toEqual([]);
  });

  test('packs and unpacks what restores keep, pipes too, and leaves the times of folders', async () => {
    await mkdir(join(snapshot, 'd'));
    await writeFile(join(snapshot, 'd', 'f'), 'f');
    await tool('mkfifo', join(snapshot, 'd', 'pipe'));
    await tool('truncate', '--size', '1T', join(snapshot, 'huge'));
    const long = new Date('2020-02-02T02:02:02Z');
    await utimes(join(snapshot, 'd'), long, long);
    await realTree.unpack(live, realTree.pack(snapshot, '', never), call());
    expect((await stat(join(live, 'd'))).mtimeMs).toBe(long.getTime());
    expect(await stat(join(live, 'huge'))).toMatchObject({ size: 2 ** 40, blocks: 0 });
    expect((await lstat(join(live, 'd', 'pipe'))).isFIFO()).toBe(true);
    expect(await realTree.diff(snapshot, live, { path: '', limit: 10, content: false }, call())).toEqual({
      items: [],
      more: false,
    });
    // Two that are nothing but holes are the same, whatever their times.
    await utimes(join(live, 'huge'), long, long);
    expect((await realTree.diff(snapshot, live, { path: '', limit: 10, content: false }, call())).items).toEqual([]);
  });

  test('is told apart by mode, owner and content, and not by a time alone', async () => {
    for (const root of [live, snapshot]) await writeFile(join(root, 'f'), 'same');
    await utimes(join(live, 'f'), new Date(1000), new Date(1000));
    const items = async (content = false) =>
      (await realTree.diff(snapshot, live, { path: '', limit: 10, content }, call())).items.map(({ what }) => what);
    expect(await items()).toEqual([]);
    await chmod(join(live, 'f'), 0o600);
    expect(await items()).toEqual(['attributes']);
    await writeFile(join(live, 'f'), 'else');
    for (const root of [live, snapshot]) await utimes(join(root, 'f'), new Date(1000), new Date(1000));
    expect(await items()).toEqual(['attributes']);
    expect(await items(true)).toEqual(['content']);
  });

  test('stops when nobody wants the answer any more', async () => {
    await writeFile(join(live, 'f'), 'x'.repeat(1_000_000));
    const stop = new AbortController();
    const read = realTree.read(live, 'f', { from: 0, to: 1_000_000 }, stop.signal)[Symbol.asyncIterator]();
    await read.next();
    stop.abort();
    await expect(read.next()).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(
      realTree.diff(snapshot, live, { path: '', limit: 1, content: true }, call({ signal: stop.signal })),
    ).rejects.toMatchObject({ code: 'ABORTED' });
    const packing = realTree.pack(live, '', stop.signal)[Symbol.asyncIterator]();
    await expect(packing.next()).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('lists a folder of 30,000 entries by pages, and compares two of 10,000, in seconds', async () => {
    const make =
      'import os,sys\nfor n in range(int(sys.argv[2])): os.close(os.open(f"{sys.argv[1]}/{n:06}", os.O_CREAT | os.O_WRONLY))';
    await mkdir(join(live, 'many'));
    await tool('python3', '-c', make, join(live, 'many'), '30000');
    const startedAt = performance.now();
    const page = await realTree.list(live, 'many', { limit: 1000, after: '015000' }, call());
    const listMs = performance.now() - startedAt;
    expect([page.entries[0]?.name, page.entries.length, page.more]).toEqual(['015001', 1000, true]);
    for (const root of [live, snapshot]) {
      await mkdir(join(root, 'some'));
      await tool('python3', '-c', make, join(root, 'some'), '10000');
    }
    await writeFile(join(live, 'some', '009999'), 'other');
    const comparedAt = performance.now();
    const options = { path: 'some', limit: 10, content: false };
    const { items } = await realTree.diff(snapshot, live, options, call({ timeoutMs: 60_000 }));
    const diffMs = performance.now() - comparedAt;
    expect(items.map(({ path }) => path)).toEqual(['some/009999']);
    expect(listMs).toBeLessThan(10_000);
    expect(diffMs).toBeLessThan(20_000);
    if (process.env['FLOATLAB_FIGURES'] !== undefined) process.stderr.write(`${JSON.stringify({ listMs, diffMs })}\n`);
  }, 120_000);
});
