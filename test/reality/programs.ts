/** This program as it is installed, and as a later version of it: built from the same sources, with a few lines changed. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..', '..');

export interface Change {
  /** From the root of the repository. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Program {
  readonly path: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** @throws when the text of a change is not in its file exactly once */
export async function programWith(changes: readonly Change[] = []): Promise<Program> {
  const changed = new Map<string, string>();
  for (const { file, find, replace } of changes) {
    const path = join(root, file);
    const parts = (changed.get(path) ?? (await readFile(path, 'utf8'))).split(find);
    if (parts.length !== 2) throw new Error(`“${find}” is in ${file} ${parts.length - 1} times`);
    changed.set(path, parts.join(replace));
  }
  // Where the packages that it imports are found.
  const cache = join(root, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  const into = await mkdtemp(join(cache, 'floatlab-program-'));
  await build({
    absWorkingDir: root,
    entryPoints: {
      floatlabd: 'src/io/daemon/main.ts',
      floatlab: 'src/ui/cli/main.ts',
      consensus: 'src/io/log/raft/thread/worker.ts',
    },
    outdir: into,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'silent',
    plugins: [
      {
        name: 'changes',
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const contents = changed.get(path);
            return contents === undefined ? undefined : { contents, loader: 'ts' };
          }),
      },
    ],
  });
  await writeFile(join(into, 'package.json'), '{ "type": "module" }');
  return { path: join(into, 'floatlabd.js'), [Symbol.asyncDispose]: () => rm(into, { recursive: true }) };
}

/** A mistake in it: the machines of the second version forget to shout. */
export const mistake: Change = {
  file: 'test/actors/second-library.ts',
  find: 'value.toUpperCase()',
  replace: 'value.toLowerCase()',
};

/**
 * The version after this one: it folds by {1, 2}, where the second folds labels of nodes in capitals, it speaks the
 * protocols {1, 2}, what it stores is made anew, and its nodes compare what they came to after every few events.
 */
export const nextVersion: readonly Change[] = [
  {
    file: 'src/actors/versions.ts',
    find: 'export const protocolVersions: VersionRange = { min: 1, max: 1 };',
    replace: 'export const protocolVersions: VersionRange = { min: 1, max: 2 };',
  },
  {
    file: 'src/actors/versions.ts',
    find: 'export const foldVersions: VersionRange = { min: 1, max: 1 };',
    replace: 'export const foldVersions: VersionRange = { min: 1, max: 2 };',
  },
  {
    file: 'src/actors/libraries.ts',
    find: "import { clusterStream } from './cluster/stream.ts';",
    replace:
      "import { clusterStream } from './cluster/stream.ts';\nimport { secondLibrary } from '#test/actors/second-library.ts';",
  },
  {
    file: 'src/actors/libraries.ts',
    find: 'new Map<number, Library>([[1, machines]])',
    replace: 'new Map<number, Library>([[1, machines], [2, secondLibrary]])',
  },
  {
    file: 'src/io/lab/state-watch.ts',
    find: 'export const compareEvery = 64;',
    replace: 'export const compareEvery = 8;',
  },
  {
    file: 'src/io/lab/state-watch.ts',
    find: 'const restMs = 5000;',
    replace: 'const restMs = 0;',
  },
  {
    file: 'src/io/lab/state.ts',
    find: 'export const stateVersions = JSON.stringify([',
    replace: "export const stateVersions = JSON.stringify(['of the version after',",
  },
];
