/** Waiting for an operation: the answer comes when it has ended, or when the client has waited long enough. */
import type { OperationRow } from '#projections/operations.ts';
import { deadline } from '../deadline.ts';
import { sightOf, type Row } from '../filter.ts';
import { sessionOf, type Parts, type RouteContext } from '../parts.ts';
import { stopping } from '../problems.ts';
import { readQuery, wholeNumber } from '../query.ts';
import { notFound } from './view.ts';

const defaultSeconds = 30;
const maxSeconds = 300;

export async function waitOperation(parts: Parts, c: RouteContext): Promise<Response> {
  const id = c.req.param('id') ?? '';
  const { timeout } = readQuery(c, ['timeout']);
  const seconds = timeout === undefined ? defaultSeconds : wholeNumber('timeout', timeout, { min: 0, max: maxSeconds });
  const sees = sightOf('operations', sessionOf(c).principal);
  const found = parts.lab
    .rows('operations')
    .find(([key, row]) => (key === id || key === `operation:${id}` || row.name === id) && sees(row as unknown as Row));
  if (!found) throw notFound('operation', id);

  const limit = deadline(parts.clock, seconds * 1000, parts.stopping, c.req.raw.signal);
  const row = seconds === 0 ? found[1] : await ended(parts, found[0], limit.signal);
  limit.done();
  if (parts.stopping.aborted && row?.state === 'running') throw stopping();
  if (!row) throw notFound('operation', id);
  c.header('cache-control', 'no-store');
  return c.json(row);
}

/**
 * It may have ended since somebody has last looked at it, and nobody would say so again.
 * @param key of its row
 * @returns the row as it is once it has ended or the signal aborts; undefined when it is gone
 */
export function ended({ lab }: Parts, key: string, signal: AbortSignal): Promise<OperationRow | undefined> {
  return new Promise((resolve) => {
    let latest: OperationRow | undefined = lab.rows('operations').find(([other]) => other === key)?.[1];
    let unwatch = (): void => undefined;
    const done = (): void => {
      unwatch();
      signal.removeEventListener('abort', done);
      resolve(latest);
    };
    if (latest?.state !== 'running' || signal.aborted) return done();
    unwatch = lab.watch('operations', ({ put, del }) => {
      const changed = put.find(([changedKey]) => changedKey === key)?.[1] as OperationRow | undefined;
      if (changed) latest = changed;
      if (del.includes(key)) latest = undefined;
      if (latest?.state !== 'running') done();
    });
    signal.addEventListener('abort', done);
  });
}
