/** What every directory promises, real or simulated. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Directory } from '#io/stores/directory.ts';

export interface DirectoryUnderTest {
  /** Opens the same files. */
  open(): Promise<Directory>;
  dispose(): Promise<void>;
}

export function directoryContract(title: string, setup: () => Promise<DirectoryUnderTest>): void {
  describe(`${title} keeps the promises of a directory:`, { timeout: 30_000 }, () => {
    let subject: DirectoryUnderTest;
    let directory: Directory;
    beforeEach(async () => {
      subject = await setup();
      directory = await subject.open();
    });
    afterEach(async () => {
      await directory.close();
      await subject.dispose();
    });

    test('it begins empty, and what is not there is said to be missing', async () => {
      expect(await directory.list()).toEqual([]);
      expect(await directory.read('none')).toBeUndefined();
      await expect(contentOf(directory, 'none')).rejects.toMatchObject({ name: 'StoreError', code: 'MISSING' });
      await expect(directory.sync('none')).rejects.toMatchObject({ code: 'MISSING' });
      await expect(directory.rename('none', 'other')).rejects.toMatchObject({
        code: 'MISSING',
        message: expect.stringContaining('none'),
        hint: expect.stringMatching(/\w/),
      });
      await directory.delete('none');
    });

    test('a whole file takes the place of what was there', async () => {
      await directory.replace('a', bytes('first, and long'));
      await directory.replace('a', bytes('second'));
      await directory.replace('empty', bytes(''));
      expect(text(await directory.read('a'))).toBe('second');
      expect(text(await directory.read('empty'))).toBe('');
      expect(await directory.list()).toEqual([
        { name: 'a', sizeBytes: 6 },
        { name: 'empty', sizeBytes: 0 },
      ]);
    });

    test('bytes are written in place, within a file and right behind it, and never behind a hole', async () => {
      await directory.writeAt('a', 0, bytes('hello'));
      await directory.writeAt('a', 5, bytes(' world'));
      await directory.writeAt('a', 1, bytes('a'));
      expect(text(await directory.read('a'))).toBe('hallo world');
      const leaving = directory.writeAt('a', 12, bytes('!'));
      await expect(leaving).rejects.toMatchObject({ code: 'FAILED', message: expect.stringContaining('hole') });
      await expect(directory.writeAt('new', 1, bytes('!'))).rejects.toMatchObject({ code: 'FAILED' });
      await directory.sync('a');
      await directory.writeAt('a', 11, bytes('!'));
      expect(text(await directory.read('a'))).toBe('hallo world!');
    });

    test('what is written after a replacement goes into the new file', async () => {
      await directory.writeAt('a', 0, bytes('old'));
      await directory.replace('a', bytes('new'));
      await directory.writeAt('a', 3, bytes('er'));
      await directory.sync('a');
      expect(text(await directory.read('a'))).toBe('newer');
    });

    test('a mistake of the caller breaks nothing', async () => {
      await expect(directory.writeAt('a', 9, bytes('!'))).rejects.toMatchObject({ code: 'FAILED' });
      await expect(directory.sync('none')).rejects.toMatchObject({ code: 'MISSING' });
      await expect(directory.replace('../a', bytes('x'))).rejects.toMatchObject({ code: 'FAILED' });
      await directory.replace('a', bytes('x'));
      expect(text(await directory.read('a'))).toBe('x');
    });

    test('a file goes by its new name, in the place of what had that name', async () => {
      await directory.writeAt('part', 0, bytes('new'));
      await directory.sync('part');
      await directory.replace('whole', bytes('old'));
      await directory.rename('part', 'whole');
      expect(text(await directory.read('whole'))).toBe('new');
      expect(await directory.read('part')).toBeUndefined();
      await directory.writeAt('part', 0, bytes('next'));
      expect(text(await directory.read('whole'))).toBe('new');
      await directory.writeAt('whole', 3, bytes('er'));
      expect(text(await directory.read('whole'))).toBe('newer');
    });

    test('a deleted file is gone, also if it was written a moment before, and can be made anew', async () => {
      await directory.writeAt('a', 0, bytes('long'));
      await directory.delete('a');
      expect(await directory.list()).toEqual([]);
      await directory.writeAt('a', 0, bytes('x'));
      expect(text(await directory.read('a'))).toBe('x');
    });

    test('it takes no path for a name', async () => {
      const calls = (name: string) => [
        directory.read(name),
        contentOf(directory, name),
        directory.replace(name, bytes('x')),
        directory.writeAt(name, 0, bytes('x')),
        directory.sync(name),
        directory.rename(name, 'b'),
        directory.rename('b', name),
        directory.delete(name),
      ];
      for (const name of ['', '.', '..', '../x', 'a/b', '/etc/passwd', '~a', 'ä', 'a b', 'a'.repeat(129)]) {
        for (const call of calls(name)) await expect(call).rejects.toMatchObject({ code: 'FAILED' });
      }
      const longest = '.'.repeat(2) + 'aZ09._-'.padEnd(126, 'x');
      await directory.replace(longest, bytes('x'));
      expect(await directory.list()).toEqual([{ name: longest, sizeBytes: 1 }]);
    });

    test('a large file comes in pieces, complete and in order, from any offset', async () => {
      const large = Uint8Array.from({ length: 700_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
      await directory.replace('large', large);
      for (const from of [0, 1, 262_144, 699_999, 700_000, 800_000]) {
        const pieces = await piecesOf(directory, 'large', from);
        expect(Math.max(0, ...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(256 * 1024);
        expect(Buffer.compare(Buffer.concat(pieces), large.subarray(from))).toBe(0);
      }
      for await (const piece of directory.stream('large')) {
        expect(piece.length).toBeGreaterThan(0);
        break;
      }
    });

    test('it takes the bytes as they are at the call, and hands out bytes of the caller', async () => {
      const given = bytes('value');
      await directory.replace('a', given);
      await directory.writeAt('b', 0, given);
      given.fill(0);
      for (const name of ['a', 'b']) {
        (await directory.read(name))?.fill(0);
        for await (const piece of directory.stream(name)) piece.fill(0);
        expect(text(await directory.read(name))).toBe('value');
      }
    });

    test('everything is still there after closing and opening, whatever was done', async () => {
      const name = fc.constantFrom('a', 'b', 'c');
      const content = fc.uint8Array({ maxLength: 20 });
      const step = fc.oneof(
        fc.tuple(fc.constant('replace' as const), name, content),
        fc.tuple(fc.constant('write' as const), name, content),
        fc.tuple(fc.constant('delete' as const), name, content),
        fc.tuple(fc.constant('rename' as const), name, content),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.boolean(), async (steps, reopens) => {
          for (const { name: old } of await directory.list()) await directory.delete(old);
          const model = new Map<string, Uint8Array>();
          for (const [what, at, put] of steps) {
            const before = model.get(at) ?? new Uint8Array();
            if (what === 'replace') {
              await directory.replace(at, put);
              model.set(at, put);
            } else if (what === 'write') {
              await directory.writeAt(at, before.length, put);
              model.set(at, Buffer.concat([before, put]));
            } else if (what === 'delete') {
              await directory.delete(at);
              model.delete(at);
            } else if (model.has(at)) {
              await directory.sync(at);
              await directory.rename(at, 'd');
              model.set('d', before);
              model.delete(at);
            }
          }
          if (reopens) {
            await directory.close();
            directory = await subject.open();
          }
          const found = await directory.list();
          expect(found.map((file) => file.name)).toEqual([...model.keys()].toSorted());
          for (const [file, expected] of model)
            expect(Buffer.compare((await directory.read(file)) ?? bytes('missing'), expected)).toBe(0);
        }),
        { numRuns: 25 },
      );
    });

    test('a closed directory refuses to work, and closes twice', async () => {
      await directory.writeAt('a', 0, bytes('x'));
      await directory.close();
      await directory.close();
      const calls = [directory.list(), directory.read('a'), contentOf(directory, 'a'), directory.sync('a')];
      const changes = [directory.replace('a', bytes('')), directory.writeAt('a', 0, bytes('')), directory.delete('a')];
      for (const call of [...calls, ...changes, directory.rename('a', 'b')]) {
        await expect(call).rejects.toMatchObject({ code: 'FAILED', message: expect.stringContaining('closed') });
      }
    });
  });
}

const bytes = (from: string): Uint8Array => new TextEncoder().encode(from);
const text = (from: Uint8Array | undefined): string => (from ? Buffer.from(from).toString() : 'undefined');

async function piecesOf(directory: Directory, name: string, from?: number): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of directory.stream(name, from)) pieces.push(piece);
  return pieces;
}

const contentOf = async (directory: Directory, name: string): Promise<string> =>
  Buffer.concat(await piecesOf(directory, name)).toString();
