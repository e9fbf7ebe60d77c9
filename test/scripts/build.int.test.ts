/** The build, with the real esbuild and Vite, on a small product of paper. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floatlab-build-'));
  await cp(join(root, 'scripts'), join(folder, 'scripts'), { recursive: true });
  for (const name of ['package.json', 'tsconfig.json', 'vite.config.ts'])
    await cp(join(root, name), join(folder, name));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await source(
    'src/events/answer.ts',
    `import * as z from 'zod';\nexport const answer: number = z.number().parse(42);\n`,
  );
  await source(
    'src/io/daemon/main.ts',
    // A package of CommonJS that wants Node's own modules, and one with machine code.
    `import { pack } from 'tar-stream';
     import { Level } from 'level';
     import { answer } from '#events/answer.ts';
     if (typeof pack === 'function' && typeof Level === 'function') console.log('daemon', answer);\n`,
  );
  await source('src/ui/cli/main.ts', `import { answer } from '#events/answer.ts';\nconsole.log('cli', answer);\n`);
  await source('src/io/log/raft/thread/worker.ts', `console.log('consensus');\n`);
  await source('src/io/devices/tree-stream/thread/worker.ts', `console.log('tree-stream');\n`);
  await source('src/ui/web/index.html', `<div id="root"></div><script type="module" src="./main.tsx"></script>`);
  await source('src/ui/web/main.tsx', `document.title = '${'long enough to be compressed '.repeat(100)}';\n`);
});
afterAll(() => rm(folder, { recursive: true }));

const source = async (path: string, text: string): Promise<void> => {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
};
const node = (...args: string[]) => promisify(execFile)(process.execPath, args, { cwd: folder });
const build = () => node('scripts/build.mjs');
const builtAt = async (): Promise<number> => (await stat(join(folder, 'dist/.stamp'))).mtimeMs;

describe('the build', () => {
  test('puts the rooms and the packages into the programs, but for packages with machine code', async () => {
    await build();
    const program = await readFile(join(folder, 'dist/floatlabd.js'), 'utf8');
    expect(program).not.toContain('#events');
    expect(program).not.toMatch(/from ?"(?:zod|tar-stream)"/);
    expect(program).toMatch(/from ?"level"/);
    expect((await node('dist/floatlabd.js')).stdout).toBe('daemon 42\n');
    expect((await node('dist/floatlab.js')).stdout).toBe('cli 42\n');
  });

  test('brings compressed twins of what browsers fetch', async () => {
    const assets = join(folder, 'dist/web/assets');
    const script = (await readdir(assets)).find((name) => name.endsWith('.js'));
    const text = await readFile(join(assets, `${script}`));
    expect(gunzipSync(await readFile(join(assets, `${script}.gz`)))).toEqual(text);
    expect(brotliDecompressSync(await readFile(join(assets, `${script}.br`)))).toEqual(text);
  });

  test('does nothing when no source has changed', async () => {
    const before = await builtAt();
    expect((await build()).stderr).toBe('');
    expect(await builtAt()).toBe(before);
  });

  test('keeps what was built when a source is broken, and says why', async () => {
    await source('src/events/answer.ts', 'export const answer = ;\n');
    await expect(build()).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('src/events/answer.ts:1') });
    expect((await node('dist/floatlabd.js')).stdout).toBe('daemon 42\n');
  });

  test('takes up a changed source, and clears what builds left that were cut off', async () => {
    const noProcess = 2 ** 22 + 1;
    await source(`.floatlab/build-${noProcess}/floatlabd.js`, 'half');
    await source('src/events/answer.ts', 'export const answer = 43;\n');
    await build();
    expect((await node('dist/floatlabd.js')).stdout).toBe('daemon 43\n');
    expect(await readdir(join(folder, '.floatlab'))).toEqual([]);
  });

  test('is done again when it was cut off before it was complete', async () => {
    await rm(join(folder, 'dist/.stamp'));
    expect((await build()).stderr).toMatch(/Built in/);
  });
});
