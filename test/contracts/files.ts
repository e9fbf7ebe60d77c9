/** What the files of volumes promise, real or simulated. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Call } from '#io/devices/call.ts';
import type { FilesPort, FileToWrite, KeptFile } from '#io/devices/files/port.ts';

export interface FilesUnderTest {
  readonly port: FilesPort;
  /** An empty folder that is there. */
  readonly root: string;
  /** What an app and a person do there. */
  read(path: string): Promise<string | undefined>;
  write(path: string, text: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** A symbolic link to something of the host. */
  link(path: string): Promise<void>;
  dispose(): Promise<void>;
}

export const call = (some: Partial<Call> = {}): Call => ({
  signal: new AbortController().signal,
  timeoutMs: 10_000,
  progress() {},
  ...some,
});

export const file = (path: string, text: string, some: Partial<FileToWrite> = {}): FileToWrite => ({
  path,
  bytes: Buffer.from(text),
  mode: 0o644,
  isMounted: false,
  ...some,
});

export function filesContract(title: string, make: () => Promise<FilesUnderTest>): void {
  describe(`${title} keep their promises:`, () => {
    let at: FilesUnderTest;
    beforeEach(async () => {
      at = await make();
    });
    afterEach(() => at.dispose());

    let revision = 1;
    beforeEach(() => {
      revision = 1;
    });
    const ensure = (...files: FileToWrite[]): Promise<readonly KeptFile[]> =>
      at.port.ensure(at.root, { files, folders: [], revision }, call());
    /** The next revision of the app. */
    const update = (...files: FileToWrite[]): Promise<readonly KeptFile[]> => {
      revision++;
      return ensure(...files);
    };

    describe('a file of the bundle', () => {
      test('is written where nothing is, with its folders', async () => {
        expect(await ensure(file('config/web/app.conf', 'one'))).toEqual([]);
        expect(await at.read('config/web/app.conf')).toBe('one');
      });

      test('that nobody touched is replaced by that of the next revision, and nothing is kept', async () => {
        await ensure(file('app.conf', 'one'));
        expect(await update(file('app.conf', 'two'))).toEqual([]);
        expect(await at.read('app.conf')).toBe('two');
      });

      test('that the app changed stays as the app wants it, as long as the bundle has the same', async () => {
        await ensure(file('app.conf', 'one'), file('other.conf', 'x'));
        await at.write('app.conf', 'by the app');
        for (let n = 0; n < 2; n++) expect(await update(file('app.conf', 'one'), file('other.conf', 'y'))).toEqual([]);
        expect(await at.read('app.conf')).toBe('by the app');
        expect(await at.read('other.conf')).toBe('y');
      });

      test('that both changed is the new one, and the version of the app stays beside it and is named', async () => {
        await ensure(file('config/app.conf', 'one'));
        await at.write('config/app.conf', 'by the app');
        const kept = [{ path: 'config/app.conf', keptAs: 'config/app.conf.floatlab-kept-2' }];
        expect(await update(file('config/app.conf', 'two'))).toEqual(kept);
        expect(await at.read('config/app.conf')).toBe('two');
        expect(await at.read('config/app.conf.floatlab-kept-2')).toBe('by the app');
        // As long as it lies there, every start of this revision says so.
        expect(await ensure(file('config/app.conf', 'two'))).toEqual(kept);
        await at.remove('config/app.conf.floatlab-kept-2');
        expect(await ensure(file('config/app.conf', 'two'))).toEqual([]);
        expect(await at.read('config/app.conf')).toBe('two');
      });

      test('is never kept over something that lies there already', async () => {
        await ensure(file('app.conf', 'one'));
        await at.write('app.conf', 'by the app');
        await at.write('app.conf.floatlab-kept-2', 'older');
        await update(file('app.conf', 'two'));
        expect(await at.read('app.conf.floatlab-kept-2')).toBe('older');
        expect(await at.read('app.conf.floatlab-kept-2-2')).toBe('by the app');
      });

      test('that was there before FloatLab wrote any counts as the app’s', async () => {
        await at.write('app.conf', 'from a backup');
        expect(await ensure(file('app.conf', 'one'))).toEqual([
          { path: 'app.conf', keptAs: 'app.conf.floatlab-kept-1' },
        ]);
        expect(await at.read('app.conf.floatlab-kept-1')).toBe('from a backup');
      });

      test('that is already as it shall be is nobody’s change', async () => {
        await at.write('app.conf', 'one');
        expect(await ensure(file('app.conf', 'one'))).toEqual([]);
        expect(await update(file('app.conf', 'two'))).toEqual([]);
        expect(await at.read('app.conf')).toBe('two');
      });

      test('that the app deleted stays deleted until the bundle has another one', async () => {
        await ensure(file('welcome.html', 'one'));
        await at.remove('welcome.html');
        await update(file('welcome.html', 'one'));
        expect(await at.read('welcome.html')).toBeUndefined();
        await update(file('welcome.html', 'two'));
        expect(await at.read('welcome.html')).toBe('two');
      });

      test('that a mount names is there again: without it no container could start', async () => {
        const mounted = file('app.conf', 'one', { isMounted: true });
        await ensure(mounted);
        await at.remove('app.conf');
        await ensure(mounted);
        expect(await at.read('app.conf')).toBe('one');
      });

      test('that a roll-back brought back is still FloatLab’s: the present one takes its place', async () => {
        await ensure(file('app.conf', 'one'));
        await update(file('app.conf', 'two'));
        await at.write('app.conf', 'one');
        expect(await ensure(file('app.conf', 'two'))).toEqual([]);
        expect(await at.read('app.conf')).toBe('two');
      });
    });

    describe('a link in the way', () => {
      test('is no way out for a file or a folder of the bundle', async () => {
        await at.link('config');
        await expect(ensure(file('config/app.conf', 'one'))).rejects.toMatchObject({ code: 'INVALID' });
        const folders = at.port.ensure(at.root, { files: [], folders: ['config/data'], revision }, call());
        await expect(folders).rejects.toMatchObject({ code: 'INVALID' });
        const folder = at.port.ensure(at.root, { files: [], folders: ['config'], revision }, call());
        await expect(folder).rejects.toMatchObject({
          code: 'INVALID',
          message: expect.stringContaining('config is a symbolic link') as unknown,
          hint: expect.stringContaining('Put the real file or folder in its place') as unknown,
        });
      });

      test('in the place of a file stays until the bundle changes; then it is kept like any version of the app', async () => {
        await ensure(file('app.conf', 'one'));
        await at.remove('app.conf');
        await at.link('app.conf');
        expect(await ensure(file('app.conf', 'one'))).toEqual([]);
        expect(await update(file('app.conf', 'two'))).toEqual([
          { path: 'app.conf', keptAs: 'app.conf.floatlab-kept-2' },
        ]);
        expect(await at.read('app.conf')).toBe('two');
      });

      test('is found before anything is mounted, wherever it is on the way', async () => {
        await at.write('data/web/index.html', 'x');
        await at.write('plain', 'x');
        for (const path of ['.', 'data', 'data/web', 'data/web/index.html', 'plain'])
          await at.port.check(at.root, path, call());
        await at.link('data/web/linked');
        await at.link('also');
        for (const path of ['data/web/linked', 'also', 'also/below'])
          await expect(at.port.check(at.root, path, call())).rejects.toMatchObject({ code: 'INVALID' });
      });
    });
  });
}
