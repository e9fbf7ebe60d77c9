/** What files under a root promise, real or simulated. */
import { pack, type Pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Call } from '#io/devices/call.ts';
import type { RestorePlan, TreePort } from '#io/devices/tree/port.ts';

export interface TreeUnderTest {
  readonly port: TreePort;
  /** Where a volume is, with an app that writes to it, */
  readonly live: string;
  /** and one of its snapshots: both empty. */
  readonly snapshot: string;
  write(root: string, path: string, text: string): Promise<void>;
  read(root: string, path: string): Promise<string | undefined>;
  folder(root: string, path: string): Promise<void>;
  link(root: string, path: string, target: string): Promise<void>;
  fifo(root: string, path: string): Promise<void>;
  dispose(): Promise<void>;
}

export const call = (some: Partial<Call> = {}): Call => ({
  signal: new AbortController().signal,
  timeoutMs: 20_000,
  progress() {},
  ...some,
});

export async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

export const never = new AbortController().signal;

export function bytesOf(tar: Pack): AsyncIterable<Uint8Array> {
  return (async function* () {
    for await (const chunk of tar) yield chunk as Uint8Array;
  })();
}

export async function* cutAt(tar: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of tar) {
    if (left <= 0) return;
    yield chunk.subarray(0, left);
    left -= chunk.length;
  }
}

export const plan = (some: Partial<RestorePlan>): RestorePlan => ({
  id: 'r1',
  snapshot: 'monday',
  paths: [],
  overwrite: false,
  ...some,
});

export function treeContract(title: string, make: () => Promise<TreeUnderTest>): void {
  describe(`${title} keep their promises:`, () => {
    let at: TreeUnderTest;
    beforeEach(async () => {
      at = await make();
    });
    afterEach(() => at.dispose());

    const names = async (path = '', after?: string): Promise<readonly string[]> =>
      (
        await at.port.list(at.live, path, { limit: 100, ...(after === undefined ? {} : { after }) }, call())
      ).entries.map(({ name }) => name);

    describe('a folder', () => {
      beforeEach(async () => {
        await at.write(at.live, 'b.txt', 'bb');
        await at.write(at.live, 'a/inner.txt', 'inner');
        await at.link(at.live, 'link', 'b.txt');
        await at.fifo(at.live, 'pipe');
      });

      test('is listed by name, with what each thing is', async () => {
        const { self, entries, more } = await at.port.list(at.live, '', { limit: 100 }, call());
        expect(self.kind).toBe('folder');
        expect(more).toBe(false);
        expect(entries.map(({ name, kind }) => [name, kind])).toEqual([
          ['a', 'folder'],
          ['b.txt', 'file'],
          ['link', 'link'],
          ['pipe', 'fifo'],
        ]);
        expect(entries[1]).toMatchObject({ sizeBytes: 2 });
        expect(entries[2]).toMatchObject({ target: 'b.txt' });
      });

      test('is listed page by page, and nothing is lost or told twice', async () => {
        const first = await at.port.list(at.live, '', { limit: 2 }, call());
        expect(first.more).toBe(true);
        expect(first.entries.map(({ name }) => name)).toEqual(['a', 'b.txt']);
        expect(await names('', 'b.txt')).toEqual(['link', 'pipe']);
        expect(await names('', 'pipe')).toEqual([]);
        // What the page ended with may have gone.
        expect(await names('', 'c')).toEqual(['link', 'pipe']);
      });

      test('that is in another one is listed by its path', async () => {
        expect(await names('a')).toEqual(['inner.txt']);
      });

      test('that is none says what it is, and has nothing in it', async () => {
        const { self, entries } = await at.port.list(at.live, 'b.txt', { limit: 100 }, call());
        expect([self.kind, entries]).toEqual(['file', []]);
        expect((await at.port.list(at.live, 'link', { limit: 100 }, call())).self).toMatchObject({ kind: 'link' });
      });

      test('that is not there is MISSING; so is one whose root is gone', async () => {
        const no = { code: 'MISSING' };
        await expect(at.port.list(at.live, 'nothing', { limit: 1 }, call())).rejects.toMatchObject(no);
        await expect(at.port.list(`${at.live}-gone`, '', { limit: 1 }, call())).rejects.toMatchObject(no);
      });

      test.each(['..', 'a/../..', '/etc', 'a//b'])('is never one outside: %s is refused', async (path) => {
        await expect(at.port.list(at.live, path, { limit: 1 }, call())).rejects.toMatchObject({ code: 'INVALID' });
      });

      test('behind a link is not entered', async () => {
        await at.link(at.live, 'out', '..');
        await expect(at.port.list(at.live, 'out/b.txt', { limit: 1 }, call())).rejects.toMatchObject({
          code: 'INVALID',
        });
      });
    });

    describe('a file', () => {
      const text = (path: string, from: number, to: number): Promise<string> =>
        textOf(at.port.read(at.live, path, { from, to }, never));

      test('is read as a whole, or a part of it', async () => {
        await at.write(at.live, 'a/b.txt', '0123456789');
        expect(await text('a/b.txt', 0, 10)).toBe('0123456789');
        expect(await text('a/b.txt', 3, 6)).toBe('345');
        expect(await text('a/b.txt', 8, 100)).toBe('89');
      });

      test('that is a folder, a link, a pipe or nothing is not read', async () => {
        await at.write(at.live, 'a/b.txt', 'x');
        await at.link(at.live, 'link', 'a/b.txt');
        await at.fifo(at.live, 'pipe');
        for (const path of ['a', 'link', 'pipe'])
          await expect(text(path, 0, 1)).rejects.toMatchObject({ code: 'INVALID' });
        await expect(text('none', 0, 1)).rejects.toMatchObject({ code: 'MISSING' });
      });
    });

    describe('what differs', () => {
      const diff = async (path = '', after?: string, limit = 100) =>
        at.port.diff(
          at.snapshot,
          at.live,
          { path, limit, content: true, ...(after === undefined ? {} : { after }) },
          call(),
        );
      const short = async (path = ''): Promise<readonly string[]> =>
        (await diff(path)).items.map(({ change, path: of, what }) => `${change} ${of}${what ? ` ${what}` : ''}`);
      const both = async (path: string, text: string): Promise<void> => {
        await at.write(at.snapshot, path, text);
        await at.write(at.live, path, text);
      };

      test('is nothing where nothing does', async () => {
        await both('a/b.txt', 'same');
        expect(await short()).toEqual([]);
      });

      test('is told in the order of names, a folder that came or went as one', async () => {
        await both('a/same.txt', 'same');
        await at.write(at.snapshot, 'a/other.txt', 'one');
        await at.write(at.live, 'a/other.txt', 'two');
        await at.write(at.live, 'new/x/1.txt', '1');
        await at.write(at.live, 'new/2.txt', '2');
        await at.write(at.snapshot, 'old.txt', 'old');
        await at.write(at.snapshot, 'turned', 'file');
        await at.link(at.live, 'turned', 'old.txt');
        expect(await short()).toEqual([
          'changed a/other.txt content',
          'added new',
          'removed old.txt',
          'changed turned kind',
        ]);
        expect(await short('a')).toEqual(['changed a/other.txt content']);
        expect(await short('new/2.txt')).toEqual(['added new']);
      });

      test('has a link that leads elsewhere', async () => {
        await at.link(at.snapshot, 'l', 'one');
        await at.link(at.live, 'l', 'two');
        expect(await short()).toEqual(['changed l content']);
      });

      test('comes page by page, whatever the size of a page', async () => {
        for (const name of ['a/1', 'a/2', 'b', 'c/d/e', 'c/f', 'z']) {
          await at.write(at.snapshot, name, 'was');
          await at.write(at.live, name, `is ${name}`);
        }
        await at.write(at.live, 'c/added/x', 'x');
        const all = (await diff()).items.map(({ path }) => path);
        expect(all).toEqual(['a/1', 'a/2', 'b', 'c/added', 'c/d/e', 'c/f', 'z']);
        for (const limit of [1, 2, 3]) {
          const paths: string[] = [];
          for (let more = true; more;) {
            const page = await diff('', paths.at(-1), limit);
            paths.push(...page.items.map(({ path }) => path));
            more = page.more;
          }
          expect(paths).toEqual(all);
        }
      });
    });

    describe('a restore', () => {
      beforeEach(async () => {
        await at.write(at.snapshot, 'a/one.txt', 'one');
        await at.write(at.snapshot, 'a/deep/two.txt', 'two');
        await at.write(at.snapshot, 'b.txt', 'as it was');
      });
      const restore = (some: Partial<RestorePlan>) => at.port.restore(at.snapshot, at.live, plan(some), call());
      const now = (path: string) => at.read(at.live, path);

      test('brings back what is gone, to where it was', async () => {
        expect(await restore({ paths: ['a/one.txt', 'b.txt'] })).toMatchObject({
          files: 2,
          bytes: 12,
          written: [
            { path: 'a/one.txt', as: 'a/one.txt' },
            { path: 'b.txt', as: 'b.txt' },
          ],
        });
        expect(await now('a/one.txt')).toBe('one');
        expect(await now('a/deep/two.txt')).toBeUndefined();
      });

      test('brings a folder back with everything in it', async () => {
        expect((await restore({ paths: ['a'] })).files).toBe(2);
        expect(await now('a/deep/two.txt')).toBe('two');
      });

      test('never takes the place of what is there, unless that is wanted', async () => {
        await at.write(at.live, 'b.txt', 'newer');
        expect((await restore({ paths: ['b.txt'] })).written).toEqual([{ path: 'b.txt', as: 'b.txt.restored-monday' }]);
        expect(await now('b.txt')).toBe('newer');
        expect(await now('b.txt.restored-monday')).toBe('as it was');
        expect((await restore({ id: 'r2', paths: ['b.txt'] })).written[0]?.as).toBe('b.txt.restored-monday-2');
        await restore({ id: 'r3', paths: ['b.txt'], overwrite: true });
        expect(await now('b.txt')).toBe('as it was');
      });

      test('that may overwrite leaves what the snapshot does not know', async () => {
        await at.write(at.live, 'a/one.txt', 'newer');
        await at.write(at.live, 'a/since.txt', 'since then');
        await restore({ paths: ['a'], overwrite: true });
        expect(await now('a/one.txt')).toBe('one');
        expect(await now('a/since.txt')).toBe('since then');
      });

      test('puts things into a folder when one is named, and makes it', async () => {
        expect((await restore({ paths: ['a/deep/two.txt', 'b.txt'], into: 'back/here' })).written).toEqual([
          { path: 'a/deep/two.txt', as: 'back/here/two.txt' },
          { path: 'b.txt', as: 'back/here/b.txt' },
        ]);
        expect(await now('back/here/two.txt')).toBe('two');
      });

      test('of what the snapshot does not have is MISSING, and nothing is written', async () => {
        await expect(restore({ paths: ['b.txt', 'none'] })).rejects.toMatchObject({ code: 'MISSING' });
        expect(await now('b.txt')).toBeUndefined();
        expect(await at.port.isEmpty(at.live, call())).toBe(true);
      });

      test('of a pipe is INVALID, and nothing is written', async () => {
        await at.fifo(at.snapshot, 'pipe');
        await expect(restore({ paths: ['b.txt', 'pipe'] })).rejects.toMatchObject({ code: 'INVALID' });
        expect(await at.port.isEmpty(at.live, call())).toBe(true);
      });

      test('leaves pipes out, and says how many', async () => {
        await at.fifo(at.snapshot, 'a/pipe');
        expect(await restore({ paths: ['a'] })).toMatchObject({ files: 2, skipped: 1 });
      });
    });

    describe('an archive', () => {
      test('is given up at once when that is asked for, although no byte comes', async () => {
        const ending = new AbortController();
        const silent = (async function* (): AsyncGenerator<Uint8Array> {
          yield new Uint8Array(512);
          await new Promise(() => {});
        })();
        const unpacked = at.port.unpack(at.live, silent, call({ signal: ending.signal }));
        setTimeout(() => ending.abort(), 50);
        await expect(unpacked).rejects.toMatchObject({ code: 'ABORTED' });
      });

      test('that was packed unpacks to the same', async () => {
        await at.write(at.snapshot, 'a/one.txt', 'one');
        await at.link(at.snapshot, 'a/link', 'one.txt');
        await at.write(at.snapshot, 'b.txt', 'bb'.repeat(50_000));
        const { files } = await at.port.unpack(at.live, at.port.pack(at.snapshot, '', never), call());
        expect(files).toBe(3);
        expect(await at.port.diff(at.snapshot, at.live, { path: '', limit: 10, content: true }, call())).toEqual({
          items: [],
          more: false,
        });
      });

      test('of a folder has its names alone', async () => {
        await at.write(at.snapshot, 'a/b/one.txt', 'one');
        await at.port.unpack(at.live, at.port.pack(at.snapshot, 'a/b', never), call());
        expect(await at.read(at.live, 'one.txt')).toBe('one');
      });

      test.each(['../out', '/etc/out', 'a/../../out'])('with %s in it is refused', async (name) => {
        const tar = pack();
        tar.entry({ name }, 'out');
        tar.finalize();
        await expect(at.port.unpack(at.live, bytesOf(tar), call())).rejects.toMatchObject({ code: 'INVALID' });
      });

      test('that is cut short is refused, wherever it was cut', async () => {
        for (const at2 of [700, 1024, 1536]) {
          const tar = pack();
          tar.entry({ name: 'a' }, 'a'.repeat(512));
          tar.entry({ name: 'b' }, 'b');
          tar.finalize();
          await expect(at.port.unpack(at.live, cutAt(bytesOf(tar), at2), call())).rejects.toMatchObject({
            code: 'INVALID',
          });
          await at.port.clear(at.live, call());
        }
      });

      test('whose sender fails is refused with what that one said', async () => {
        const tar = pack();
        tar.entry({ name: 'a' }, 'a'.repeat(5000));
        const broken = (async function* () {
          yield* cutAt(bytesOf(tar), 3000);
          throw Object.assign(new Error('the link is lost'), { code: 'LINK_LOST' });
        })();
        await expect(at.port.unpack(at.live, broken, call())).rejects.toThrow('the link is lost');
      });

      test('is cleared away with everything that there is', async () => {
        await at.write(at.live, 'a/b', 'x');
        expect(await at.port.isEmpty(at.live, call())).toBe(false);
        await at.port.clear(at.live, call());
        expect(await at.port.isEmpty(at.live, call())).toBe(true);
      });
    });
  });
}
