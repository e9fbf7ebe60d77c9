/** What is in a backup: its folders, and single paths of it. Whoever may see the backup may read it. */
import type { StreamId } from '#events/envelope.ts';
import { baseName } from '#events/values/tree-path.ts';
import type { BackupContentAnswer } from '#io/contract/backups.ts';
import type { BackupFiles } from '../../agent/backup-files.ts';
import { IoError } from '../../devices/error.ts';
import { byteStream } from '../byte-stream.ts';
import { deadline } from '../deadline.ts';
import { sightOf, type Row } from '../filter.ts';
import { sessionOf, type Parts, type RouteContext } from '../parts.ts';
import { fail } from '../problems.ts';
import { readQuery } from '../query.ts';
import { goneWith, headersOf, pageIn, pathIn } from './files.ts';
import { notFound } from './view.ts';

/** The names of all that is in it are read, from wherever it lies. */
const readWithinMs = 120_000;

export async function listBackupContent(parts: Parts, c: RouteContext): Promise<Response> {
  const query = readQuery(c, ['path', 'limit', 'cursor']);
  const { backup, name, files } = backupOf(parts, c);
  const path = pathIn('path', query.path);
  const { limit, after } = pageIn(query);
  const within = deadline(parts.clock, readWithinMs, goneWith(parts, c));
  try {
    const { self, items, more } = await files.list(backup, path, { limit, ...after }, within.signal);
    const last = items.at(-1);
    const answer: BackupContentAnswer = {
      path,
      self,
      items: [...items],
      ...(more && last ? { cursor: last.name } : {}),
    };
    c.header('cache-control', 'no-store');
    return c.json(answer);
  } catch (error) {
    throw unreadable(error, name);
  } finally {
    within.done();
  }
}

export async function readBackupContent(parts: Parts, c: RouteContext): Promise<Response> {
  const query = readQuery(c, ['path']);
  const { backup, name, files } = backupOf(parts, c);
  const path = pathIn('path', query.path);
  const gone = goneWith(parts, c);
  const headers = headersOf(`${path === '' ? name : baseName(path)}.tar`, 'application/x-tar');
  if (c.req.method === 'HEAD') return new Response(null, { headers });
  try {
    return new Response(await byteStream(await files.pack(backup, path, gone), { gone }), { headers });
  } catch (error) {
    throw unreadable(error, name);
  }
}

function backupOf(
  { lab, backups }: Parts,
  c: RouteContext,
): { readonly backup: StreamId<'backup'>; readonly name: string; readonly files: BackupFiles } {
  const { namespace = '', name = '' } = c.req.param() as { namespace?: string; name?: string };
  const sees = sightOf('backups', sessionOf(c).principal);
  const row = lab
    .rows('backups')
    .find(([, one]) => one.namespace === namespace && one.name === name && sees(one as unknown as Row))?.[1];
  if (!row || !backups) throw notFound('backup', name, namespace, false);
  return { backup: row.id, name, files: backups.files };
}

function unreadable(error: unknown, name: string): unknown {
  if (!(error instanceof IoError)) return error;
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  if (error.code === 'MISSING') return fail('NOT_FOUND', `${sentence(error.message)}.`, hint);
  return fail('NOT_NOW', `Backup ${name} cannot be read: ${error.message}.`, hint);
}

const sentence = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
