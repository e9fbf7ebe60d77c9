/**
 * Measures what a browser loads before it can show the first screen, compressed as the daemon sends it, and fails above
 * the limit: `node scripts/bundle-size.mjs [folder]` after `vite build`.
 *
 * The first screen is the page itself, its script with everything that it imports at once, their styles, and the same
 * of the overview. What is imported later (logs, editor, statecharts, every other screen) is listed, not counted.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const limitBytes = 350 * 1000;
const entries = ['index.html', 'screens/overview.tsx'];
const folder = process.argv[2] ?? join(import.meta.dirname, '../dist/web');

const manifest = JSON.parse(await readFile(join(folder, '.vite/manifest.json'), 'utf8'));

/** Files of a chunk and of everything that it imports statically. */
function collect(key, files = new Set()) {
  const chunk = manifest[key];
  if (!chunk) throw new Error(`the build has no ${key}: did its file move?`);
  if (files.has(chunk.file)) return files;
  files.add(chunk.file);
  for (const style of chunk.css ?? []) files.add(style);
  for (const imported of chunk.imports ?? []) collect(imported, files);
  return files;
}

const gzipped = async (file) => gzipSync(await readFile(join(folder, file)), { level: 9 }).length;

const first = new Set(['index.html', 'boot.js']);
for (const entry of entries) for (const file of collect(entry)) first.add(file);

let firstBytes = 0;
for (const file of first) firstBytes += await gzipped(file);

const later = new Set();
for (const { file, css = [] } of Object.values(manifest)) {
  for (const name of [file, ...css]) if (!first.has(name)) later.add(name);
}
let laterBytes = 0;
for (const file of later) laterBytes += await gzipped(file);

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
console.log(`first screen  ${kilobytes(firstBytes)} gzip in ${first.size} files (limit ${kilobytes(limitBytes)})`);
console.log(`on demand     ${kilobytes(laterBytes)} gzip in ${later.size} files`);
if (firstBytes > limitBytes) {
  console.error(`error: the first screen is ${kilobytes(firstBytes - limitBytes)} too large`);
  process.exitCode = 1;
}
