/** The whole lab as one file, piece by piece as it is read: for those who may change the lab. */
import { IoError } from '../../devices/error.ts';
import { byteStream } from '../byte-stream.ts';
import { sessionOf, type Parts, type RouteContext } from '../parts.ts';
import { fail } from '../problems.ts';
import { readQuery } from '../query.ts';
import { mayOnCluster } from './cluster.ts';

/** Nodes of which a snapshot is being saved: one at a time, because each reads the whole disk. */
const busy = new WeakSet<Parts>();

export async function saveSnapshot(parts: Parts, c: RouteContext): Promise<Response> {
  mayOnCluster(c, 'write');
  readQuery(c, []);
  const { snapshots, log, stopping } = parts;
  if (!snapshots) {
    throw fail('NOT_NOW', 'Of this lab nothing is kept: there is nothing to save.', {
      hint: 'A simulated lab is made anew at every start.',
    });
  }
  if (busy.has(parts)) {
    throw fail('NOT_NOW', 'A snapshot of the lab is being saved on this node already.', {
      hint: 'Wait until it is done, or save it on another node.',
    });
  }
  busy.add(parts);
  const done = (): void => void busy.delete(parts);
  try {
    const gone = AbortSignal.any([c.req.raw.signal, stopping]);
    const { name, sizeBytes, bytes } = await snapshots.save(gone);
    log.info({ by: sessionOf(c).principal, name, sizeBytes }, 'a snapshot of the lab is saved');
    const broken = (error: unknown): void => log.error({ error: String(error) }, 'a snapshot of the lab broke off');
    const body = await byteStream(bytes, { gone, done, broken });
    // Of an answer to HEAD nobody reads the body, to its end or otherwise.
    const isWanted = c.req.method !== 'HEAD';
    if (!isWanted) await body.cancel();
    return new Response(isWanted ? body : null, { headers: headersOf(name, sizeBytes) });
  } catch (error) {
    done();
    throw asRefusal(error);
  }
}

/** It is this node that cannot: another one may. */
const asRefusal = (error: unknown): unknown =>
  error instanceof IoError && (error.code === 'DAMAGED' || error.code === 'MISSING')
    ? fail('NOT_NOW', `It cannot be saved here: ${error.message}.`, { hint: error.hint ?? '' })
    : error;

const headersOf = (name: string, sizeBytes: number): Record<string, string> => ({
  'content-type': 'application/x-tar',
  'content-length': String(sizeBytes),
  'content-disposition': `attachment; filename="${name}"`,
  'cache-control': 'no-store',
});
