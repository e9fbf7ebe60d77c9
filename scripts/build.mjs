/**
 * Builds `dist` when a source changed: both programs with esbuild, the web app with Vite, and compressed twins of what
 * browsers fetch. Packages go into the programs, which halves the time that they need to start; those with machine code
 * or files of their own stay outside.
 *
 *   node scripts/build.mjs [--force]
 *
 * The new `dist` is made beside the old one and takes its place when it is complete, with a stamp of the sources in
 * it: a build that was cut off leaves the old one, or none, and is done again.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { main, Refusal, say } from './setup/run.mjs';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const work = join(root, '.floatlab');

/** Whatever has an influence on `dist`. */
const sources = ['src', 'scripts/build.mjs', 'vite.config.ts', 'tsconfig.json', 'package.json', 'package-lock.json'];

async function buildWhatChanged() {
  process.chdir(root);
  const stamp = await stampOf(sources);
  const built = await readFile(join(dist, '.stamp'), 'utf8').catch(() => undefined);
  if (built === stamp && !process.argv.includes('--force')) return;

  say('Building FloatLab.');
  const startedAt = Date.now();
  await mkdir(work, { recursive: true });
  await clearLeftovers();
  const next = join(work, `build-${process.pid}`);
  await Promise.all([buildPrograms(next), buildWeb(join(next, 'web'))]).catch((error) => {
    throw new Refusal(error.message);
  });
  await compress(join(next, 'web'));
  await writeFile(join(next, '.stamp'), stamp);
  await takePlace(next);
  say(`Built in ${((Date.now() - startedAt) / 1000).toFixed(1)} s.`);
}

/** Packages that load compiled code or files from beside themselves. */
const external = ['@node-rs/argon2', 'dockerode', 'level', 'msgpackr'];

/** What CommonJS packages expect to find in a module: esbuild leaves their calls for Node's own modules as they are. */
const requireOfModules = `import { createRequire as makeRequire } from 'node:module';
const require = makeRequire(import.meta.url);`;

async function buildPrograms(into) {
  const { build } = await import('esbuild');
  await build({
    entryPoints: {
      floatlabd: 'src/io/daemon/main.ts',
      floatlab: 'src/ui/cli/main.ts',
      // The thread of consensus, which the daemon starts from the file beside its own.
      consensus: 'src/io/log/raft/thread/worker.ts',
      // One for each stream of a tree.
      'tree-stream': 'src/io/devices/tree-stream/thread/worker.ts',
    },
    outdir: into,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external,
    mainFields: ['module', 'main'],
    banner: { js: requireOfModules },
    minifyWhitespace: true,
    // Node shows the line where a program ended: one that a terminal can bear.
    lineLimit: 160,
    minifySyntax: true,
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
  });
}

async function buildWeb(into) {
  const { build } = await import('vite');
  await build({ configFile: 'vite.config.ts', logLevel: 'warn', build: { outDir: into } });
}

const compressible = new Set(['.css', '.html', '.js', '.json', '.map', '.svg', '.txt', '.webmanifest']);
/** Smaller files fit into one packet as they are. */
const worthwhileBytes = 1024;

/** Puts `x.gz` and `x.br` beside each file `x` that a browser may fetch. */
async function compress(folder) {
  const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  for (const name of await filesIn(folder)) {
    const path = join(folder, name);
    const bytes = await readFile(path);
    if (bytes.length < worthwhileBytes || !compressible.has(extname(name))) continue;
    await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }));
    await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes, brotli));
  }
}

async function takePlace(next) {
  const old = join(work, `old-${process.pid}`);
  await rename(dist, old).catch((error) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rename(next, dist);
  await rm(old, { recursive: true, force: true });
}

/** Of builds that were cut off. */
async function clearLeftovers() {
  for (const name of await readdir(work)) {
    const pid = Number(/^(?:build|old)-(\d+)$/.exec(name)?.[1] ?? NaN);
    if (pid === process.pid || (pid > 0 && !isAlive(pid))) await rm(join(work, name), { recursive: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** A hash over names and contents. */
async function stampOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    for (const name of (await isFolder(path)) ? (await filesIn(path)).map((file) => join(path, file)) : [path]) {
      const bytes = await readFile(name).catch(() => undefined);
      if (bytes) hash.update(`${name}\0${bytes.length}\0`).update(bytes);
    }
  }
  return hash.digest('hex');
}

const isFolder = (path) =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** Every file below a folder, sorted. */
async function filesIn(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}

await main(buildWhatChanged);
