/** One real folder becomes what another one is, in two passes, on a real btrfs. */
import { execFileSync } from 'node:child_process';
import { link, mkdir, readFile, rename, rm, symlink, utimes, writeFile, lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Call } from '#io/devices/call.ts';
import { realContent } from '#io/devices/content/real.ts';
import { run, type RunCommand } from '#io/devices/run.ts';
import { missingBtrfs, tempPool, type TempPool } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';

const call = (): Call => ({ signal: new AbortController().signal, timeoutMs: 60_000, progress: () => {} });

const graceMs = 20;

describeReal('the content of a volume that moves', missingBtrfs(), () => {
  const content = realContent(run, graceMs);
  let pool: TempPool;
  let count = 0;

  beforeAll(async () => {
    pool = await tempPool();
  });
  afterAll(() => pool.dispose());

  /** Two datasets; the second is made now, as in a move. */
  async function pair(fill: (from: string) => Promise<void>): Promise<{ readonly from: string; readonly to: string }> {
    const make = async () =>
      (await pool.volumes.create({ pool: 'test', name: `one-${++count}` }, { sizeBytes: 2 ** 28 }, call())).path;
    const from = await make();
    await fill(from);
    // What was there before is older than the second one by more than the grace.
    await setTimeout(2 * graceMs);
    return { from, to: await make() };
  }

  /** Everything that a copy keeps: names, kinds, owners, modes, times, links, holes, attributes, content. */
  async function shown(root: string): Promise<string> {
    const format = '%P|%y|%U:%G|%m|%n|%s|%l|%T@\n';
    const lines = execFileSync('find', [root, '-printf', format], { encoding: 'latin1' })
      .split('\n')
      // A folder's size is how it came to be.
      .map((line) => line.replace(/^([^|]*\|d\|[^|]*\|[^|]*\|[^|]*)\|\d+/, '$1|'));
    const sums = execFileSync('find', [root, '-type', 'f', '-exec', 'sha256sum', '{}', '+'], { encoding: 'latin1' });
    const attributes = execFileSync('find', [root, '-exec', 'python3', '-c', listAttributes, '{}', '+'], {
      encoding: 'latin1',
    });
    return [
      lines.toSorted().join('\n'),
      sums.split('\n').toSorted().join('\n'),
      attributes.split('\n').toSorted().join('\n'),
    ]
      .join('\n')
      .replaceAll(root, '');
  }

  test('is copied with owners, modes, times, links, holes, attributes and names that are no text', async () => {
    const { from, to } = await pair(async (root) => {
      await mkdir(join(root, 'a/b'), { recursive: true });
      await writeFile(join(root, 'a/page'), 'one', { mode: 0o640 });
      await link(join(root, 'a/page'), join(root, 'a/b/again'));
      await symlink('../nowhere', join(root, 'a/away'));
      await writeFile(Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from([0xe9])]), 'latin');
      const sparse = await open(join(root, 'sparse'), 'w');
      await sparse.write('x', 8 * 2 ** 20);
      await sparse.close();
      execFileSync('python3', ['-c', 'import os,sys; os.mkfifo(sys.argv[1])', join(root, 'pipe')]);
      execFileSync('chown', ['33:34', join(root, 'a/page'), join(root, 'a')]);
      execFileSync('chmod', ['2750', join(root, 'a')]);
      setAttribute(join(root, 'a/page'), 'user.note', 'kept');
      setAttribute(join(root, 'a'), 'user.note', 'also');
      await utimes(join(root, 'a/b'), 1e9, 1e9);
    });
    await content.copy(from, to, call());
    expect(await content.finish(from, to, call())).toEqual({ entries: 8, copied: 0 });
    expect(await shown(to)).toBe(await shown(from));
    expect((await lstat(join(to, 'sparse'))).blocks).toBeLessThan(1000);
    expect((await lstat(join(to, 'a/page'))).ino).toBe((await lstat(join(to, 'a/b/again'))).ino);
  });

  test('copies in the second pass only what has changed, and removes what is gone', async () => {
    const { from, to } = await pair(async (root) => {
      await mkdir(join(root, 'old/deep'), { recursive: true });
      for (let n = 0; n < 50; n++) await writeFile(join(root, `old/file-${n}`), `${n}`);
      await writeFile(join(root, 'first'), 'one');
      await link(join(root, 'first'), join(root, 'second'));
    });
    await content.copy(from, to, call());
    await writeFile(join(from, 'old/file-7'), 'changed');
    await rm(join(from, 'old/file-8'));
    await rename(join(from, 'old/deep'), join(from, 'deep'));
    await writeFile(join(from, 'deep/new file\nwith a break'), 'new');
    await writeFile(join(from, 'first'), 'two');
    await rm(join(from, 'old/file-9'));
    await mkdir(join(from, 'old/file-9'), { mode: 0o700 });
    const { copied } = await content.finish(from, to, call());
    expect(copied).toBe(4);
    expect(await shown(to)).toBe(await shown(from));
  });

  test('is not fooled by a program that gives a file its old size and time', async () => {
    const { from, to } = await pair((root) => writeFile(join(root, 'page'), 'one'));
    await content.copy(from, to, call());
    const [page, like] = [join(from, 'page'), join(pool.folder, 'like')];
    execFileSync('touch', ['--reference', page, like]);
    await writeFile(page, 'two');
    execFileSync('touch', ['--reference', like, page]);
    await content.finish(from, to, call());
    expect(await readFile(join(to, 'page'), 'utf8')).toBe('two');
  });

  test('is the same whatever happened between the passes, and however often either was cut off', async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'a/x', 'a/y', 'b/x', 'd e');
    const change = fc.oneof(
      fc.record({ do: fc.constant('write' as const), name, text: fc.string({ maxLength: 20 }) }),
      fc.record({ do: fc.constant('mkdir' as const), name }),
      fc.record({ do: fc.constant('remove' as const), name }),
      fc.record({ do: fc.constant('link' as const), name, to: name }),
      fc.record({ do: fc.constant('rename' as const), name, to: name }),
      fc.record({ do: fc.constant('chmod' as const), name, mode: fc.constantFrom('700', '755', '2775') }),
    );
    const changes = fc.array(change, { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(changes, changes, fc.nat({ max: 6 }), async (before, between, cutAfter) => {
        const { from, to } = await pair((root) => apply(root, before));
        await content.copy(from, to, call());
        await apply(from, between);
        await cutOff(cutAfter)
          .finish(from, to, call())
          .catch(() => undefined);
        await content.finish(from, to, call());
        expect(await shown(to)).toBe(await shown(from));
      }),
      { numRuns: 6 },
    );
  });

  test('says what is not the same when somebody goes on writing', async () => {
    const { from, to } = await pair((root) => writeFile(join(root, 'page'), 'one'));
    const meddling = realContent(async (file, args, options) => {
      const ran = await run(file, args, options);
      if (file === 'sync' && args.includes(to)) await writeFile(join(from, 'page'), 'more than before');
      return ran;
    }, graceMs);
    await content.copy(from, to, call());
    await expect(meddling.finish(from, to, call())).rejects.toMatchObject({ code: 'DAMAGED' });
  });

  test('tells a place that cannot be written to from one that is not there', async () => {
    const { from } = await pair(() => Promise.resolve());
    expect(await content.reach(from, call())).toBe('writable');
    expect(await content.reach(join(from, 'nothing'), call())).toBe('absent');
    await pool.tool('mount', '-o', 'remount,ro', pool.mountpoint);
    expect(await content.reach(from, call())).toBe('read-only');
    await pool.tool('mount', '-o', 'remount,rw', pool.mountpoint);
  });

  /** The n-th program that it starts is its last. */
  function cutOff(after: number) {
    let started = 0;
    const dying: RunCommand = (file, args, options) =>
      started++ < after ? run(file, args, options) : Promise.reject(new Error('the daemon was killed'));
    return realContent(dying, graceMs);
  }
});

type Change =
  | { readonly do: 'write'; readonly name: string; readonly text: string }
  | { readonly do: 'mkdir' | 'remove'; readonly name: string }
  | { readonly do: 'link' | 'rename'; readonly name: string; readonly to: string }
  | { readonly do: 'chmod'; readonly name: string; readonly mode: string };

/** What cannot be done is left out. */
async function apply(root: string, changes: readonly Change[]): Promise<void> {
  for (const one of changes) {
    const path = join(root, one.name);
    await act(root, path, one).catch(() => undefined);
  }
}

async function act(root: string, path: string, one: Change): Promise<void> {
  switch (one.do) {
    case 'write':
      return writeFile(path, one.text);
    case 'mkdir':
      return mkdir(path);
    case 'remove':
      return rm(path, { recursive: true });
    case 'link':
      return link(path, join(root, one.to));
    case 'rename':
      return rename(path, join(root, one.to));
    case 'chmod':
      execFileSync('chmod', [one.mode, path], { stdio: 'ignore' });
  }
}

const listAttributes =
  'import os,sys\nfor p in sys.argv[1:]:\n' +
  ' for a in sorted(os.listxattr(p,follow_symlinks=False)): print(repr(p),a,os.getxattr(p,a,follow_symlinks=False))';

function setAttribute(path: string, attribute: string, value: string): void {
  const program = 'import os,sys; os.setxattr(sys.argv[1],sys.argv[2],sys.argv[3].encode())';
  execFileSync('python3', ['-c', program, path, attribute, value]);
}
