/**
 * The built web app as files by URL path, held in memory: a few MB. The folder is read once, at the start: a path that
 * was not in it does not exist, whatever it looks like, so that no request can name a file outside of it; and a build
 * beside a running daemon, which replaces the folder, changes nothing for the pages that this daemon serves. Symbolic
 * links and dot files are left out.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';

export interface WebFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly etag: string;
  /** Its name carries a hash of its content: under this name it never changes. */
  readonly hashed: boolean;
  /** The same, compressed beforehand. */
  readonly br?: Uint8Array<ArrayBuffer>;
  readonly gzip?: Uint8Array<ArrayBuffer>;
}

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
};

/** As Vite names them: `assets/index-B2x_9aQk.js`. */
const hashedName = /^\/assets\/.+-[\w-]{8,}\.[a-z0-9]+$/;

/** @returns files by their URL path; none when the folder is not there: the web app was not built */
export async function webFiles(root: string): Promise<ReadonlyMap<string, WebFile>> {
  const found = new Map<string, string>();
  await walk(root, '', found);
  const files = new Map<string, WebFile>();
  for (const [url, path] of found) {
    const original = url.replace(/\.(?:br|gz)$/, '');
    if (original !== url && found.has(original)) continue;
    const bytes = await bytesOf(path);
    const [br, gzip] = [await bytesOf(found.get(`${url}.br`)), await bytesOf(found.get(`${url}.gz`))];
    files.set(url, {
      bytes,
      type: types[extname(url)] ?? 'application/octet-stream',
      etag: createHash('sha256').update(bytes).digest('base64url').slice(0, 22),
      hashed: hashedName.test(url),
      ...(br === undefined ? {} : { br }),
      ...(gzip === undefined ? {} : { gzip }),
    });
  }
  return files;
}

function bytesOf(path: string): Promise<Uint8Array<ArrayBuffer>>;
function bytesOf(path: string | undefined): Promise<Uint8Array<ArrayBuffer> | undefined>;
async function bytesOf(path: string | undefined): Promise<Uint8Array<ArrayBuffer> | undefined> {
  return path === undefined ? undefined : new Uint8Array(await readFile(path));
}

async function walk(root: string, below: string, found: Map<string, string>): Promise<void> {
  let entries;
  try {
    entries = await readdir(join(root, below), { withFileTypes: true });
  } catch (error) {
    if (below === '' && (error as { code?: unknown }).code === 'ENOENT') return;
    throw error;
  }
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = `${below}/${entry.name}`;
    if (entry.isDirectory()) await walk(root, path, found);
    else if (entry.isFile()) found.set(path, join(root, path));
  }
}
