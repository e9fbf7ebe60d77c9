/** Files of volumes: listed, read, compared. Whoever may read the volume may read them. */
import type { StreamId } from '#events/envelope.ts';
import { baseName, folderPath } from '#events/values/tree-path.ts';
import type { DiffAnswer, FileFacts, FilesAnswer } from '#io/contract/files.ts';
import type { VolumeFiles } from '../../lab/port.ts';
import { byteStream } from '../byte-stream.ts';
import { sightOf, type Row } from '../filter.ts';
import { sessionOf, type Parts, type RouteContext } from '../parts.ts';
import { fail, wrongField } from '../problems.ts';
import { flag, readQuery, wholeNumber } from '../query.ts';
import { notFound } from './view.ts';

const defaultLimit = 500;
const maxLimit = 1000;

export async function listFiles(parts: Parts, c: RouteContext): Promise<Response> {
  const query = readQuery(c, ['path', 'snapshot', 'limit', 'cursor']);
  const { volume, files } = volumeOf(parts, c);
  const [path, snapshot] = [pathIn('path', query.path), snapshotIn(parts, volume, query.snapshot)];
  const { limit, after } = pageIn(query);
  const { self, entries, more } = await files.list({ volume, snapshot, path }, { limit, ...after }, goneWith(parts, c));
  const last = entries.at(-1);
  const answer: FilesAnswer = {
    path,
    snapshot,
    self,
    items: [...entries],
    ...(more && last ? { cursor: last.name } : {}),
  };
  c.header('cache-control', 'no-store');
  return c.json(answer);
}

export async function diffFiles(parts: Parts, c: RouteContext): Promise<Response> {
  const query = readQuery(c, ['from', 'to', 'path', 'content', 'limit', 'cursor']);
  const { volume, files } = volumeOf(parts, c);
  if (query.from === undefined || query.from === '')
    throw wrongField('from', 'a snapshot is needed', 'Name the older one of the two.');
  const path = pathIn('path', query.path);
  const from = snapshotIn(parts, volume, query.from) ?? query.from;
  const to = snapshotIn(parts, volume, query.to === 'now' ? undefined : query.to);
  const { limit, after } = pageIn(query);
  const options = { path, limit, content: flag('content', query.content), ...after };
  const { items, more } = await files.diff(volume, { from, to }, options, goneWith(parts, c));
  const last = items.at(-1);
  const answer: DiffAnswer = { path, from, to, items: [...items], ...(more && last ? { cursor: last.path } : {}) };
  c.header('cache-control', 'no-store');
  return c.json(answer);
}

/** A file as it is, or a part of it; a folder as a tar. */
export async function readFile(parts: Parts, c: RouteContext): Promise<Response> {
  const query = readQuery(c, ['path', 'snapshot']);
  const { volume, name, files } = volumeOf(parts, c);
  const [path, snapshot] = [pathIn('path', query.path), snapshotIn(parts, volume, query.snapshot)];
  const at = { volume, snapshot, path };
  const gone = goneWith(parts, c);
  const { self } = await files.list(at, { limit: 1 }, gone);
  if (self.kind === 'folder') {
    const headers = headersOf(`${path === '' ? name : baseName(path)}.tar`, 'application/x-tar');
    return new Response(c.req.method === 'HEAD' ? null : await byteStream(files.pack(at, gone), { gone }), { headers });
  }
  if (self.kind !== 'file')
    throw fail('INVALID', `${path} is ${kindWords[self.kind]}: it has no content to read.`, {
      hint: self.target === undefined ? 'Choose a file.' : `It leads to ${self.target}.`,
    });
  const tag = `"${self.sizeBytes.toString(36)}-${self.modifiedAt.toString(36)}"`;
  const headers = {
    ...headersOf(baseName(path), 'application/octet-stream'),
    'accept-ranges': 'bytes',
    etag: tag,
    'last-modified': new Date(self.modifiedAt).toUTCString(),
  };
  const range = rangeOf(c, self.sizeBytes, tag);
  if (range === 'none')
    return new Response(null, { status: 416, headers: { 'content-range': `bytes */${self.sizeBytes}` } });
  const { from, to } = range ?? { from: 0, to: self.sizeBytes };
  const body =
    c.req.method === 'HEAD' ? null : await byteStream(whole(files.read(at, { from, to }, gone), to - from), { gone });
  return new Response(body, {
    status: range ? 206 : 200,
    headers: {
      ...headers,
      'content-length': String(to - from),
      ...(range ? { 'content-range': `bytes ${from}-${to - 1}/${self.sizeBytes}` } : {}),
    },
  });
}

const kindWords: Readonly<Record<FileFacts['kind'], string>> = {
  file: 'a file',
  folder: 'a folder',
  link: 'a symbolic link',
  fifo: 'a pipe',
  socket: 'a socket',
  device: 'a device',
};

/** As a file would be saved: no path, no quotes, whatever its name. */
export const headersOf = (name: string, type: string): Record<string, string> => ({
  'content-type': type,
  'content-disposition': `attachment; filename="${name.replaceAll(/[^\w.@ +-]/g, '_')}"; filename*=UTF-8''${encodeURIComponent(name).replaceAll(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)}`,
  'cache-control': 'no-store',
});

/** The volume that the path of the request names, if its reader may see it. @throws ProblemError NOT_FOUND, NOT_NOW */
export function volumeOf(
  { lab, files }: Parts,
  c: RouteContext,
): { readonly volume: StreamId<'volume'>; readonly name: string; readonly files: VolumeFiles } {
  const { namespace, name = '' } = c.req.param() as { namespace?: string; name?: string };
  const sees = sightOf('volumes', sessionOf(c).principal);
  const row = lab
    .rows('volumes')
    .find(([, one]) => one.namespace === namespace && one.name === name && sees(one as unknown as Row))?.[1];
  if (!row) throw notFound('volume', name);
  if (!files) throw fail('NOT_NOW', 'This node cannot reach files of volumes.');
  return { volume: row.id, name, files };
}

/** @returns null for now. @throws ProblemError NOT_FOUND */
export function snapshotIn({ lab }: Parts, volume: StreamId<'volume'>, named: string | undefined): string | null {
  if (named === undefined || named === '') return null;
  const isThere = lab.view
    .referrers(volume, 'snapshot')
    .some(({ state, context }) => state === 'available' && context.metadata.name === named);
  if (isThere) return named;
  throw fail('NOT_FOUND', `The volume has no snapshot ${named.slice(0, 100)} (any more).`, {
    hint: 'List its snapshots, and choose one that is there.',
  });
}

export function pathIn(field: string, text = ''): string {
  const parsed = folderPath.safeParse(text);
  if (parsed.success) return parsed.data;
  throw wrongField(
    field,
    parsed.error.issues[0]?.message ?? 'it is no path',
    'The root of the volume is the empty path.',
  );
}

export function pageIn({ limit, cursor }: { readonly limit?: string; readonly cursor?: string }) {
  return {
    limit: limit === undefined ? defaultLimit : wholeNumber('limit', limit, { min: 1, max: maxLimit }),
    after: cursor === undefined ? {} : { after: pathIn('cursor', cursor) },
  };
}

export const goneWith = ({ stopping }: Parts, c: RouteContext): AbortSignal =>
  AbortSignal.any([c.req.raw.signal, stopping]);

/** @returns undefined for the whole; `none` when there is nothing in it */
function rangeOf(
  c: RouteContext,
  sizeBytes: number,
  tag: string,
): { readonly from: number; readonly to: number } | 'none' | undefined {
  const asked = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(c.req.header('range') ?? '');
  const ifRange = c.req.header('if-range');
  if (!asked || (asked[1] === '' && asked[2] === '') || (ifRange !== undefined && ifRange !== tag)) return undefined;
  const [, first = '', last = ''] = asked;
  if (first === '') {
    const from = Math.max(0, sizeBytes - Number(last));
    return from < sizeBytes ? { from, to: sizeBytes } : 'none';
  }
  const from = Number(first);
  const to = last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1);
  return from < to ? { from, to } : 'none';
}

/** A file that gets shorter while it is read: whoever reads it must not take it for all. */
async function* whole(bytes: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let sent = 0;
  for await (const chunk of bytes) {
    sent += chunk.length;
    yield chunk;
  }
  if (sent < length) throw new Error('the file got shorter while it was read');
}
