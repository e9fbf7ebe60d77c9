/**
 * The web app as people get it: built, and built again when its sources are newer. Vitest's global set-up of the browser
 * tests: it is done before the first of them begins, and no file of them builds under the feet of another. Two runs in
 * one checkout take turns, with each other and with `npm start`.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { TestProject } from 'vitest/node';
import { hasChromium } from './browser.ts';

const root = join(import.meta.dirname, '../..');
const sources = ['src/ui/web', 'src/ui/client', 'src/io/contract'];

interface Turn {
  oneAtATime(folder: string, body: () => Promise<void>): Promise<void>;
}

export async function setup(project: TestProject): Promise<void> {
  if (!hasChromium) return;
  await builtWeb();
  project.onTestsRerun(builtWeb);
}

async function builtWeb(): Promise<void> {
  if (await isFresh()) return;
  const { oneAtATime } = (await import(new URL('../../scripts/setup/turn.mjs', import.meta.url).href)) as Turn;
  await oneAtATime(root, async () => {
    // Somebody else may have built while we waited.
    if (!(await isFresh())) await build();
  });
}

const build = () =>
  execa(process.execPath, [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn'], {
    cwd: root,
    // The test runner's own would make it a development build.
    env: { NODE_ENV: 'production' },
  });

async function isFresh(): Promise<boolean> {
  const built = await changedAt(join(root, 'dist/web/.vite/manifest.json'));
  if (built === undefined) return false;
  return built > (await newest()) && built > ((await changedAt(join(root, 'vite.config.ts'))) ?? 0);
}

const changedAt = async (path: string): Promise<number | undefined> =>
  (await stat(path).catch(() => undefined))?.mtimeMs;

async function newest(): Promise<number> {
  const times: number[] = [];
  for (const folder of sources) {
    const files = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
    for (const file of files) if (file.isFile()) times.push((await changedAt(join(file.parentPath, file.name))) ?? 0);
  }
  return Math.max(...times);
}
