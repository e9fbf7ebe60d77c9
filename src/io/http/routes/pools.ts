/** One pool, by the name of its node and its own; and the disks of a node. */
import type { StreamId } from '#events/envelope.ts';
import type { DisksAnswer } from '#io/contract/disks.ts';
import type { VolumeCandidatesAnswer } from '#io/contract/volume-candidates.ts';
import { deadline } from '../deadline.ts';
import { sightOf, type Row } from '../filter.ts';
import { majorityAnswers } from '../majority.ts';
import { momentOf, rowsOf } from '../moment.ts';
import { sessionOf, type Parts, type RouteContext } from '../parts.ts';
import { readQuery } from '../query.ts';
import { notFound } from './view.ts';

/** Disks that sleep take a while. */
const disksMs = 25_000;

export async function showPool(parts: Parts, c: RouteContext): Promise<Response> {
  const { node = '', name = '' } = c.req.param() as { node?: string; name?: string };
  const { at: atText } = readQuery(c, ['at']);
  if (atText === undefined) await majorityAnswers(parts, c);
  const at = await momentOf(parts, atText);
  const sees = sightOf('pools', sessionOf(c).principal);
  for (const [, row] of await rowsOf(parts.lab, 'pools', at)) {
    const isIt = row.name === name && (row.node.name === node || row.node.id === `node:${node}`);
    if (isIt && sees(row as unknown as Row)) {
      c.header('cache-control', 'no-store');
      return c.json(row);
    }
  }
  throw notFound('pool', `${node}/${name}`, 'default', at !== undefined);
}

export async function listVolumeCandidates(parts: Parts, c: RouteContext): Promise<Response> {
  const { node = '', name = '' } = c.req.param() as { node?: string; name?: string };
  const sees = sightOf('pools', sessionOf(c).principal);
  const found = parts.lab
    .rows('pools')
    .find(
      ([, row]) =>
        row.name === name && (row.node.name === node || row.node.id === `node:${node}`) && sees(row as unknown as Row),
    );
  if (!found || !parts.adoptable) throw notFound('pool', `${node}/${name}`);
  const limit = deadline(parts.clock, disksMs, parts.stopping, c.req.raw.signal);
  try {
    const call = { signal: limit.signal, timeoutMs: disksMs, progress: () => {} };
    const answer = await parts.adoptable.candidates(found[1].node.id as StreamId<'node'>, name, call);
    c.header('cache-control', 'no-store');
    return c.json(answer satisfies VolumeCandidatesAnswer);
  } finally {
    limit.done();
  }
}

export async function listDisks(parts: Parts, c: RouteContext): Promise<Response> {
  const node = c.req.param('node') ?? '';
  const sees = sightOf('nodes', sessionOf(c).principal);
  const found = parts.lab
    .rows('nodes')
    .find(([, row]) => (row.name === node || row.id === `node:${node}`) && sees(row as unknown as Row));
  if (!found || !parts.disks) throw notFound('node', node);
  const limit = deadline(parts.clock, disksMs, parts.stopping, c.req.raw.signal);
  try {
    const call = { signal: limit.signal, timeoutMs: disksMs, progress: () => {} };
    const items = await parts.disks.candidates(found[1].id, call);
    c.header('cache-control', 'no-store');
    return c.json({ items: [...items] } satisfies DisksAnswer);
  } finally {
    limit.done();
  }
}
