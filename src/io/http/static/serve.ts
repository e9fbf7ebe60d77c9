/** Serves the web app: its files, and its page for every address that the app itself makes sense of. */
import { isKnown } from '../etag.ts';
import type { RouteContext } from '../parts.ts';
import type { WebFile } from './web-files.ts';

/** @returns undefined when it is none of the app's addresses */
export function serveWeb(files: ReadonlyMap<string, WebFile>, c: RouteContext): Response | undefined {
  if (c.req.method !== 'GET' && c.req.method !== 'HEAD') return undefined;
  const path = decoded(c.req.path);
  const file =
    files.get(path === '/' ? '/index.html' : path) ?? (isScreen(path) ? files.get('/index.html') : undefined);
  if (!file) return undefined;
  const { encoding, bytes } = chosen(file, c.req.header('accept-encoding') ?? '');
  const etag = `"${file.etag}${encoding === undefined ? '' : `-${encoding}`}"`;
  const headers: Record<string, string> = {
    etag,
    'cache-control': file.hashed ? 'public, max-age=31536000, immutable' : 'no-cache',
    vary: 'Accept-Encoding',
  };
  if (isKnown(c, etag)) return new Response(null, { status: 304, headers });
  headers['content-type'] = file.type;
  if (encoding !== undefined) headers['content-encoding'] = encoding;
  return c.body(bytes, 200, headers);
}

/** A percent sign that encodes nothing stays as it is: such a file does not exist. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Screens have names of things in their addresses; only the last part of a file's name has an extension. */
const isScreen = (path: string): boolean =>
  !/^\/(?:api|assets|healthz|readyz|metrics)(?:\/|$)/.test(path) && !/\.[a-z0-9]{1,12}$/i.test(path);

interface Chosen extends Pick<WebFile, 'bytes'> {
  readonly encoding?: 'br' | 'gzip';
}

function chosen(file: WebFile, accepted: string): Chosen {
  if (file.br !== undefined && accepts(accepted, 'br')) return { encoding: 'br', bytes: file.br };
  if (file.gzip !== undefined && accepts(accepted, 'gzip')) return { encoding: 'gzip', bytes: file.gzip };
  return { bytes: file.bytes };
}

function accepts(accepted: string, encoding: string): boolean {
  const found = accepted
    .split(',')
    .map((part) =>
      part
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/),
    )
    .find(([name]) => name === encoding || name === '*');
  return found !== undefined && !found.slice(1).some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
}
