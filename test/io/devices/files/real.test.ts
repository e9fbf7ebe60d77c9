import {
  chown,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pack, type Pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import { inRoot } from '#io/devices/files/folder.ts';
import { realFiles as filesOf } from '#io/devices/files/real.ts';
import { run } from '#io/devices/run.ts';
import { call, file, filesContract } from '#test/contracts/files.ts';

const host = 'of the host';
const realFiles = filesOf();
let folder: string;
let root: string;
const at = (...path: string[]): string => join(root, ...path);
const secret = (): string => join(folder, 'secret');

async function prepare(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'floatlab-files-'));
  root = join(folder, 'live');
  await mkdir(root);
  await writeFile(secret(), host);
}
const dispose = (): Promise<void> => rm(folder, { recursive: true, force: true });

filesContract('real files', async () => {
  await prepare();
  return {
    port: realFiles,
    root,
    read: (path) => readFile(at(path), 'utf8').catch(() => undefined),
    async write(path, text) {
      await mkdir(dirname(at(path)), { recursive: true });
      await writeFile(at(path), text);
    },
    remove: (path) => rm(at(path)),
    link: (path) => symlink(folder, at(path)),
    dispose,
  };
});

const ensure = (...files: ReturnType<typeof file>[]) =>
  realFiles.ensure(root, { files, folders: [], revision: 2 }, call());
const pipe = (path: string) => run('mkfifo', [at(path)], { signal: call().signal, timeoutMs: 5000 });

function bytesOf(tar: Pack): AsyncIterable<Uint8Array> {
  tar.finalize();
  return tar as AsyncIterable<unknown> as AsyncIterable<Uint8Array>;
}

describe('what a hostile app puts in the way', () => {
  beforeEach(prepare);
  afterEach(dispose);

  test('pipes stop nobody: neither in the place of the notes nor of a file nor of what is written beside it', async () => {
    for (const path of ['.floatlab-files.json', 'app.conf', 'app.conf.floatlab-new', 'b']) await pipe(path);
    // Four that wait would end all work on files of this process.
    expect(await ensure(file('app.conf', 'one'), file('b', 'two'))).toHaveLength(2);
    expect(await readFile(at('app.conf'), 'utf8')).toBe('one');
    expect((await lstat(at('app.conf.floatlab-kept-2'))).isFIFO()).toBe(true);
    expect(await readFile(at('.floatlab-files.json'), 'utf8')).toContain('app.conf');
  }, 5000);

  test('notes that are huge, spoilt or a link are no notes', async () => {
    const spoil: readonly (() => Promise<unknown>)[] = [
      () => run('truncate', ['-s', '20G', at('.floatlab-files.json')], { signal: call().signal, timeoutMs: 5000 }),
      () => writeFile(at('.floatlab-files.json'), '{"app.conf":{"written":["x"]}}'),
      () => writeFile(at('.floatlab-files.json'), '{"app.conf":{"written":[],"kept":{"as":"../secret","revision":2}}}'),
      () => symlink(secret(), at('.floatlab-files.json')),
    ];
    for (const [n, how] of spoil.entries()) {
      await rm(at('.floatlab-files.json'), { force: true });
      await how();
      await writeFile(at('app.conf'), `by the app ${n}`);
      const kept = await ensure(file('app.conf', `new ${n}`));
      expect(kept).toHaveLength(1);
      expect(await readFile(at(kept[0]?.keptAs ?? ''), 'utf8')).toBe(`by the app ${n}`);
    }
    expect(await readFile(secret(), 'utf8')).toBe(host);
  });

  test('a link where the new file is written beside its place leads nowhere', async () => {
    await symlink(secret(), at('app.conf.floatlab-new'));
    await ensure(file('app.conf', 'one'));
    expect(await readFile(secret(), 'utf8')).toBe(host);
    expect((await lstat(at('app.conf'))).isFile()).toBe(true);
    // A second name of a file that the app may not write is not written through either.
    await link(secret(), at('b.floatlab-new'));
    await ensure(file('b', 'two'));
    expect(await readFile(secret(), 'utf8')).toBe(host);
  });

  test('a file that the app has grown beyond measure is not read', async () => {
    await ensure(file('app.conf', 'one'));
    await run('truncate', ['-s', '20G', at('app.conf')], { signal: call().signal, timeoutMs: 5000 });
    expect(await ensure(file('app.conf', 'two'))).toHaveLength(1);
  });

  test('a folder where a file shall be is refused, and says what to do', async () => {
    await mkdir(at('app.conf'));
    await expect(ensure(file('app.conf', 'one'))).rejects.toMatchObject({
      code: 'EXISTS',
      hint: 'Remove the folder or rename the file.',
    });
  });
});

describe('files', () => {
  beforeEach(prepare);
  afterEach(dispose);

  test('notes of the first version are understood: nobody’s changes are replaced by an upgrade', async () => {
    const one = '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed';
    await writeFile(at('.floatlab-files.json'), JSON.stringify({ 'app.conf': one }));
    await writeFile(at('app.conf'), 'by the app');
    expect(await ensure(file('app.conf', 'one'))).toEqual([]);
    expect(await readFile(at('app.conf'), 'utf8')).toBe('by the app');
  });

  test('a call that was cancelled or has no time left does nothing', async () => {
    const wanted = { files: [file('app.conf', 'one')], folders: ['data'], revision: 1 };
    const cancelled = realFiles.ensure(root, wanted, call({ signal: AbortSignal.abort() }));
    await expect(cancelled).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(realFiles.ensure(root, wanted, call({ timeoutMs: 0 }))).rejects.toMatchObject({ code: 'TIMED_OUT' });
    expect(await readdir(root)).toEqual([]);
  });

  test('that are not wanted any more in the middle of it are left', async () => {
    const stop = new AbortController();
    const last = {
      ...file('two', ''),
      get bytes(): Uint8Array {
        throw new Error('it went on');
      },
    };
    const one = {
      ...file('one', ''),
      get bytes() {
        stop.abort();
        return Buffer.from('one');
      },
    };
    const wanted = { files: [one, last], folders: [], revision: 1 };
    await expect(realFiles.ensure(root, wanted, call({ signal: stop.signal }))).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });

  test('of a volume that is not there are waited for: its pool may come back', async () => {
    const gone = join(folder, 'gone');
    await expect(realFiles.check(gone, '.', call())).rejects.toMatchObject({ code: 'POOL_MISSING', retry: 'always' });
    await expect(realFiles.ensure(gone, { files: [], folders: ['a'], revision: 1 }, call())).rejects.toMatchObject({
      code: 'POOL_MISSING',
    });
  });

  test('that are to be mounted and are not there are MISSING, by their name', async () => {
    await expect(realFiles.check(root, 'data/web', call())).rejects.toMatchObject({
      code: 'MISSING',
      message: expect.stringContaining('data/web is not in') as unknown,
    });
  });

  test('keep their owner when they are written anew', async () => {
    await ensure(file('app.conf', 'one'));
    if (process.getuid?.() === 0) await chown(at('app.conf'), 472, 472);
    const before = await stat(at('app.conf'));
    await ensure(file('app.conf', 'two', { mode: 0o600 }));
    expect(await stat(at('app.conf'))).toMatchObject({ uid: before.uid, gid: before.gid, mode: 0o100600 });
  });
});

describe('an open folder', () => {
  beforeEach(prepare);
  afterEach(dispose);

  test('makes no file where anything is, and removes what is in it without leaving it', async () => {
    await mkdir(join(folder, 'precious'));
    await writeFile(join(folder, 'precious', 'file'), host);
    await mkdir(at('inner', 'deep'), { recursive: true });
    await symlink(join(folder, 'precious'), at('inner', 'deep', 'link'));
    await pipe('inner/pipe');
    await symlink(secret(), at('link'));
    await inRoot(root, async (open) => {
      await expect(open.create('link', 0o600)).rejects.toMatchObject({ code: 'EEXIST' });
      await open.removeTree('inner');
      await open.removeTree('link');
      await open.removeTree('never');
    });
    expect(await readdir(root)).toEqual([]);
    expect(await readFile(join(folder, 'precious', 'file'), 'utf8')).toBe(host);
  });

  test('is still that folder when another one has taken its name', async () => {
    await mkdir(at('config'));
    await inRoot(root, (open) =>
      open.below(['config'], 'leave', async (config) => {
        await rename(at('config'), at('old'));
        await symlink(folder, at('config'));
        await (await config.create('app.conf', 0o600)).close();
        expect(await config.read('secret', 100)).toBeUndefined();
      }),
    );
    expect(await readdir(at('old'))).toEqual(['app.conf']);
  });
});

describe('an empty volume', () => {
  beforeEach(prepare);
  afterEach(dispose);

  const [uid, gid] = process.getuid?.() === 0 ? [472, 0] : [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const own = { uid, gid };
  const mtime = new Date(1_600_000_000_000);

  /** As an engine packs a folder of an image. */
  function image(base = 'grafana/'): AsyncIterable<Uint8Array> {
    const tar = pack();
    const name = (path: string): string => `${base}${path}`;
    tar.entry({ ...own, name: base, type: 'directory', mode: 0o750 });
    tar.entry({ ...own, name: name('plugins/'), type: 'directory', mode: 0o2775 });
    tar.entry({ ...own, name: name('plugins/a\\b'), mode: 0o4755, mtime }, 'x'.repeat(300_000));
    tar.entry({ ...own, name: name('plugins/same'), type: 'link', linkname: name('plugins/a\\b') });
    tar.entry({ ...own, name: name('etc'), type: 'symlink', linkname: '/etc' });
    tar.entry({ ...own, name: name('empty'), mode: 0o600, mtime }, '');
    return bytesOf(tar);
  }
  const fill = (tar: AsyncIterable<Uint8Array> | undefined, some = {}) =>
    realFiles.fill(root, () => Promise.resolve(tar), call(some));

  async function isAsTheImage(): Promise<void> {
    expect((await readdir(root)).toSorted()).toEqual(['empty', 'etc', 'plugins']);
    expect(await stat(root)).toMatchObject({ ...own, mode: 0o40750 });
    expect(await stat(at('plugins'))).toMatchObject({ ...own, mode: 0o42775 });
    const program = await stat(at('plugins', 'a\\b'));
    expect(program).toMatchObject({ ...own, mode: 0o104755, size: 300_000, nlink: 2, mtime });
    expect((await stat(at('plugins', 'same'))).ino).toBe(program.ino);
    expect(await readlink(at('etc'))).toBe('/etc');
    expect(await lstat(at('etc'))).toMatchObject(own);
  }

  test('begins with what the image has there: files, owners and modes, its own included', async () => {
    await fill(image());
    await isAsTheImage();
    await dispose();
    await prepare();
    await fill(image('./'));
    await isAsTheImage();
  });

  test('is filled once: nothing is written over what is there', async () => {
    await writeFile(at('data'), 'mine');
    let asked = 0;
    const content = () => Promise.resolve(++asked > 0 ? image() : undefined);
    await realFiles.fill(root, content, call());
    expect([asked, await readdir(root)]).toEqual([0, ['data']]);
  });

  test('that two services ask for at the same time is filled once', async () => {
    let asked = 0;
    const files = realFiles;
    const content = () => Promise.resolve(++asked > 0 ? image() : undefined);
    await Promise.all([files.fill(root, content, call()), files.fill(root, content, call())]);
    expect(asked).toBe(1);
    await isAsTheImage();
  });

  test('stays empty when the image has nothing there, or a file', async () => {
    await fill(undefined);
    const tar = pack();
    tar.entry({ name: 'grafana' }, 'a file');
    await fill(bytesOf(tar));
    expect(await readdir(root)).toEqual([]);
  });

  test('that was half filled is filled anew: what breaks off, is cancelled or takes too long leaves nothing that counts', async () => {
    const bytes: Uint8Array[] = [];
    for await (const chunk of image()) bytes.push(chunk);
    const all = Buffer.concat(bytes);
    const engineGone = new IoError('ENGINE_UNREACHABLE', { op: 'x', target: 'y', message: 'it went away' });
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield all.subarray(0, 200_000);
      await Promise.reject(engineGone);
    }
    await expect(fill(broken())).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
    const stop = new AbortController();
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield all.subarray(0, 200_000);
      setTimeout(() => stop.abort(), 50);
      await new Promise(() => {});
    }
    await expect(fill(endless(), { signal: stop.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(fill(endless(), { timeoutMs: 100 })).rejects.toMatchObject({ code: 'TIMED_OUT' });
    async function* short(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(all.subarray(0, 200_000));
    }
    await expect(fill(short())).rejects.toMatchObject({ code: 'FAILED' });
    expect(await readdir(root)).toEqual(['.floatlab-filling']);
    await fill(image());
    await isAsTheImage();
  });

  test('is left at once when nobody waits for it any more, whatever is being unpacked then', async () => {
    const bytes: Uint8Array[] = [];
    for await (const chunk of image()) bytes.push(chunk);
    for (let pieces = 0; pieces < 60; pieces++) {
      const stop = new AbortController();
      async function* cutOff(): AsyncGenerator<Uint8Array> {
        for (const [n, one] of Buffer.concat(bytes)
          .toString('latin1')
          .match(/[^]{1,4096}/g)
          ?.entries() ?? []) {
          if (n === pieces) setImmediate(() => stop.abort());
          yield await Promise.resolve(Buffer.from(one, 'latin1'));
        }
        await new Promise(() => {});
      }
      await expect(fill(cutOff(), { signal: stop.signal })).rejects.toMatchObject({ code: 'ABORTED' });
    }
    await fill(image());
    await isAsTheImage();
  });

  test('whose content was unpacked when the power went gets the rest of it, and keeps what was made meanwhile', async () => {
    await fill(image());
    // As a crash in the middle of the last step leaves it.
    await mkdir(at('.floatlab-filling', 'whole'), { recursive: true });
    await writeFile(at('.floatlab-filling', 'whole', 'late'), 'from the image');
    await writeFile(at('.floatlab-filling', 'whole', 'empty'), 'from the image');
    await writeFile(at('empty'), 'by an app');
    await mkdir(at('.floatlab-filling', 'whole', 'plugins'));
    await fill(undefined);
    expect((await readdir(root)).toSorted()).toEqual(['empty', 'etc', 'late', 'plugins']);
    expect((await readdir(at('plugins'))).toSorted()).toEqual(['a\\b', 'same']);
    expect(await readFile(at('empty'), 'utf8')).toBe('by an app');
    expect(await readFile(at('late'), 'utf8')).toBe('from the image');
  });

  test('is not left by a link that is in the way', async () => {
    await mkdir(join(folder, 'precious'));
    await writeFile(join(folder, 'precious', 'file'), host);
    await symlink(join(folder, 'precious'), at('.floatlab-filling'));
    await fill(image());
    await isAsTheImage();
    const tar = pack();
    tar.entry({ name: 'd/', type: 'directory' });
    tar.entry({ name: 'd/out', type: 'symlink', linkname: folder });
    tar.entry({ name: 'd/out/secret' }, 'overwritten');
    await dispose();
    await prepare();
    await expect(fill(bytesOf(tar))).rejects.toMatchObject({ code: 'INVALID' });
    const up = pack();
    up.entry({ name: 'd/', type: 'directory' });
    up.entry({ name: 'd/../../secret' }, 'overwritten');
    await expect(fill(bytesOf(up))).rejects.toMatchObject({ code: 'INVALID' });
    expect(await readFile(secret(), 'utf8')).toBe(host);
  });
});

describe('a path of the machine that a container is to be given', () => {
  const look = (path: string, more: { create?: boolean; mayBeLink?: boolean } = {}, own: readonly string[] = []) =>
    filesOf(() => Promise.resolve(own)).checkHost({ path, create: false, mayBeLink: false, ...more }, call());

  beforeEach(prepare);
  afterEach(dispose);

  test('is a folder or a file that is there', async () => {
    await look(root);
    await look(secret());
    await expect(look(at('gone'))).rejects.toMatchObject({ code: 'MISSING', hint: expect.stringContaining('Make') });
    await expect(look(join(secret(), 'below'))).rejects.toMatchObject({ code: 'INVALID' });
  });

  test('is made, with the folders above it, where that is asked for', async () => {
    await look(at('a', 'b'), { create: true });
    expect((await stat(at('a', 'b'))).isDirectory()).toBe(true);
    await look(secret(), { create: true });
    expect(await readFile(secret(), 'utf8')).toBe(host);
  });

  test('is reached by no link, at its end or on the way', async () => {
    await symlink(folder, at('link'));
    for (const path of [at('link'), at('link', 'live'), at('link', 'new')])
      await expect(look(path, { create: true })).rejects.toMatchObject({
        code: 'INVALID',
        message: expect.stringContaining(`${at('link')} is a symbolic link`),
      });
  });

  test('of the system may be a link, and what it leads to must be there', async () => {
    await symlink(secret(), at('localtime'));
    await look(at('localtime'), { mayBeLink: true });
    await symlink(at('nowhere'), at('broken'));
    await expect(look(at('broken'), { mayBeLink: true })).rejects.toMatchObject({ code: 'MISSING' });
  });

  test('is not in a folder of FloatLab, holds none, and leads into none', async () => {
    const own = [at('own')];
    await mkdir(at('own'));
    await symlink(at('own'), at('way-in'));
    for (const path of [root, at('own'), at('own', 'x')])
      await expect(look(path, {}, own)).rejects.toMatchObject({ code: 'INVALID' });
    await expect(look(at('way-in'), { mayBeLink: true }, own)).rejects.toMatchObject({ code: 'INVALID' });
    await mkdir(at('owner'));
    await look(at('owner'), {}, own);
  });
});
