/** The web app as people get it: built, and built again when its sources are newer. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

const root = join(import.meta.dirname, '../..');
const sources = ['src/ui/web', 'src/ui/client', 'src/io/contract'];

export async function builtWeb(): Promise<void> {
  const built = await changedAt(join(root, 'dist/web/.vite/manifest.json'));
  if (built !== undefined && built > (await newest()) && built > ((await changedAt(join(root, 'vite.config.ts'))) ?? 0))
    return;
  await execa(process.execPath, [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn'], {
    cwd: root,
    // The test runner's own would make it a development build.
    env: { NODE_ENV: 'production' },
  });
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
