/** The simulation with one line of the code under it changed, as a module of its own. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { Canary } from './canaries.ts';
import type { simulateRaft } from './simulate.ts';

const root = join(import.meta.dirname, '..', '..', '..');

/** @throws when the text of the canary is not in its file exactly once */
export async function bundleWith(canary: Canary): Promise<typeof simulateRaft> {
  const path = join(root, canary.file);
  const text = await readFile(path, 'utf8');
  const parts = text.split(canary.find);
  if (parts.length !== 2) throw new Error(`“${canary.find}” is in ${canary.file} ${parts.length - 1} times`);
  // Where the packages that it imports are found.
  await mkdir(join(root, 'node_modules', '.cache'), { recursive: true });
  const directory = await mkdtemp(join(root, 'node_modules', '.cache', 'floatlab-canary-'));
  try {
    const outfile = join(directory, 'simulate.mjs');
    await build({
      absWorkingDir: root,
      entryPoints: ['test/sim/raft/simulate.ts'],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
      packages: 'external',
      plugins: [
        {
          name: 'canary',
          setup: ({ onLoad }) =>
            onLoad({ filter: /\.ts$/ }, ({ path: loaded }) =>
              loaded === path ? { contents: parts.join(canary.replace), loader: 'ts' } : undefined,
            ),
        },
      ],
    });
    const module = (await import(pathToFileURL(outfile).href)) as { readonly simulateRaft: typeof simulateRaft };
    return module.simulateRaft;
  } finally {
    await rm(directory, { recursive: true });
  }
}
