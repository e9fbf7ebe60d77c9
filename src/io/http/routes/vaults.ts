/** Places that this lab lends to others for their backups: objects, for whoever shows the token of such a place. */
import { problemOf, type ProblemCode } from '#io/contract/problem.ts';
import { ioCodeHeader } from '../../devices/backup/store/lab.ts';
import { maxObjectBytes, type ObjectStore } from '../../devices/backup/store/port.ts';
import { IoError, type IoErrorCode } from '../../devices/error.ts';
import { presentedBy } from '../auth/sessions.ts';
import { byteStream } from '../byte-stream.ts';
import type { Parts, RouteContext } from '../parts.ts';
import { fail, problemResponse } from '../problems.ts';
import { readQuery, wholeNumber } from '../query.ts';
import { mayTakeLong, unlessSilent } from '../slow-bodies.ts';
import { goneWith } from './files.ts';

const silentForMs = 60_000;

export async function listObjects(parts: Parts, c: RouteContext): Promise<Response> {
  const { prefix = '' } = readQuery(c, ['prefix']);
  return inVault(parts, c, async (vault, gone) => {
    const lines = (async function* () {
      let objects = 0;
      for await (const { key, sizeBytes, modifiedAt } of vault.list(prefix, gone)) {
        objects++;
        yield Buffer.from(`${JSON.stringify({ key, sizeBytes, modifiedAt })}\n`);
      }
      yield Buffer.from(`${JSON.stringify({ objects })}\n`);
    })();
    return new Response(await byteStream(lines, { gone }), { headers: headers('application/x-ndjson') });
  });
}

export async function headObject(parts: Parts, c: RouteContext): Promise<Response> {
  const key = keyIn(readQuery(c, ['key']));
  return inVault(parts, c, async (vault, gone) => {
    const found = await vault.head(key, gone);
    const told = found ? { key: found.key, sizeBytes: found.sizeBytes, modifiedAt: found.modifiedAt } : null;
    return c.json(told, 200, headers('application/json'));
  });
}

export async function getObject(parts: Parts, c: RouteContext): Promise<Response> {
  const query = readQuery(c, ['key', 'from', 'to']);
  const key = keyIn(query);
  const range = { min: 0, max: maxObjectBytes };
  const from = query.from === undefined ? undefined : wholeNumber('from', query.from, range);
  const to = query.to === undefined ? undefined : wholeNumber('to', query.to, range);
  return inVault(parts, c, async (vault, gone) => {
    const part = from === undefined && to === undefined ? undefined : { from: from ?? 0, to: to ?? maxObjectBytes };
    const bytes = await vault.get(key, gone, part);
    return new Response(new Uint8Array(bytes), { headers: headers('application/octet-stream') });
  });
}

export async function putObject(parts: Parts, c: RouteContext): Promise<Response> {
  const key = keyIn(readQuery(c, ['key']));
  return inVault(parts, c, async (vault, gone) => {
    const { body } = c.req.raw;
    // Only of somebody who has the token: others have what every request has.
    mayTakeLong(c.env.incoming);
    const pieces: Uint8Array[] = [];
    let length = 0;
    if (body) {
      for await (const piece of unlessSilent(body, parts.clock, silentForMs)) {
        length += piece.length;
        if (length > maxObjectBytes)
          throw fail('TOO_LARGE', `An object has at most ${maxObjectBytes} bytes.`, { hint: 'Send it in parts.' });
        pieces.push(piece);
      }
    }
    return c.json({ put: await vault.put(key, Buffer.concat(pieces), gone) }, 200, headers('application/json'));
  });
}

export async function deleteObject(parts: Parts, c: RouteContext): Promise<Response> {
  const key = keyIn(readQuery(c, ['key']));
  return inVault(parts, c, async (vault, gone) => {
    await vault.delete(key, gone);
    return new Response(null, { status: 204, headers: headers('application/json') });
  });
}

/** @throws ProblemError NOT_SIGNED_IN */
async function inVault(
  parts: Parts,
  c: RouteContext,
  then: (vault: ObjectStore, gone: AbortSignal) => Promise<Response>,
): Promise<Response> {
  const { name = '' } = c.req.param() as { name?: string };
  const presented = presentedBy({
    authorization: c.req.header('authorization'),
    cookie: undefined,
    pageKey: undefined,
  });
  const gone = goneWith(parts, c);
  try {
    const vault = presented && (await parts.backups?.vaults?.open(name, presented.token, gone));
    if (!vault) {
      throw fail('NOT_SIGNED_IN', `This needs the token of ${name.slice(0, 100)}, a place that this lab lends.`, {
        hint: 'There, floatlab backup target set NAME --new-token makes another one.',
      });
    }
    return await then(vault, gone);
  } catch (error) {
    if (!(error instanceof IoError)) throw error;
    const more = error.hint === undefined ? {} : { hint: error.hint };
    return problemResponse(problemOf(codeOf(error.code), `${error.message}.`, more), { [ioCodeHeader]: error.code });
  }
}

function codeOf(code: IoErrorCode): ProblemCode {
  if (code === 'MISSING') return 'NOT_FOUND';
  if (code === 'PERMISSION') return 'FORBIDDEN';
  return code === 'INVALID' ? 'INVALID' : 'NOT_NOW';
}

function keyIn({ key }: { readonly key?: string }): string {
  if (key === undefined || key === '') throw fail('INVALID', 'key: name the object.');
  return key;
}

const headers = (type: string) => ({ 'content-type': type, 'cache-control': 'no-store' });
