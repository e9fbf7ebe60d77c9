/** The simulation with a line or two of the code under it changed, as a module of its own. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { Canary } from './canaries.ts';
import type { simulateRaft, simulateStored } from './simulate.ts';

const root = join(import.meta.dirname, '..', '..', '..');

interface Simulations {
  readonly simulateRaft: typeof simulateRaft;
  readonly simulateStored: typeof simulateStored;
}

/** @throws when the text of the canary is not in its file exactly once */
export const bundleWith = (canary: Canary): Promise<Simulations> => bundleOf('test/sim/raft/simulate.ts', canary);

/** Of any simulation. @throws when the text of the canary is not in its file exactly once */
export async function bundleOf<Module>(entryPoint: string, canary: Canary): Promise<Module> {
  const changed = new Map<string, string>();
  for (const edit of [canary, ...(canary.also ? [canary.also] : [])]) {
    const path = join(root, edit.file);
    const parts = (changed.get(path) ?? (await readFile(path, 'utf8'))).split(edit.find);
    if (parts.length !== 2) throw new Error(`“${edit.find}” is in ${edit.file} ${parts.length - 1} times`);
    changed.set(path, parts.join(edit.replace));
  }
  // Where the packages that it imports are found.
  await mkdir(join(root, 'node_modules', '.cache'), { recursive: true });
  const directory = await mkdtemp(join(root, 'node_modules', '.cache', 'floatlab-canary-'));
  try {
    const outfile = join(directory, 'simulate.mjs');
    await build({
      absWorkingDir: root,
      entryPoints: [entryPoint],
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
            onLoad({ filter: /\.ts$/ }, ({ path }) => {
              const contents = changed.get(path);
              return contents === undefined ? undefined : { contents, loader: 'ts' };
            }),
        },
      ],
    });
    return (await import(pathToFileURL(outfile).href)) as Module;
  } finally {
    await rm(directory, { recursive: true });
  }
}
