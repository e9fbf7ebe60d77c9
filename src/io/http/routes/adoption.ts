/** What runs on a node beside the lab. A plan holds the environment of containers: who may change the node may read it. */
import type { StreamId } from '#events/envelope.ts';
import { allows } from '#actors/access/scope.ts';
import type { AdoptionPlanAnswer, ProjectsAnswer } from '#io/contract/adoption.ts';
import type { Call } from '../../devices/call.ts';
import type { NodeAdoption } from '../../lab/port.ts';
import { deadline } from '../deadline.ts';
import { sightOf, type Row } from '../filter.ts';
import { sessionOf, type Parts, type RouteContext } from '../parts.ts';
import { fail } from '../problems.ts';
import { notFound } from './view.ts';

/** What lies in folders is counted. */
const lookMs = 60_000;

export async function listProjects(parts: Parts, c: RouteContext): Promise<Response> {
  const answer = await asked(parts, c, (adoption, node, call) => adoption.projects(node, call));
  return c.json(answer satisfies ProjectsAnswer);
}

export async function planAdoption(parts: Parts, c: RouteContext): Promise<Response> {
  const project = c.req.param('project') ?? '';
  const answer = await asked(parts, c, (adoption, node, call) => adoption.plan(node, project, call));
  return c.json(answer satisfies AdoptionPlanAnswer);
}

async function asked<T>(
  parts: Parts,
  c: RouteContext,
  look: (adoption: NodeAdoption, node: StreamId<'node'>, call: Call) => Promise<T>,
): Promise<T> {
  const name = c.req.param('node') ?? '';
  const { principal } = sessionOf(c);
  const sees = sightOf('nodes', principal);
  const node = parts.lab
    .rows('nodes')
    .find(([, row]) => (row.name === name || row.id === `node:${name}`) && sees(row as unknown as Row))?.[1];
  if (!node || !parts.adoption) throw notFound('node', name);
  if (!allows(principal, { verb: 'write', kind: 'node' }))
    throw fail('FORBIDDEN', `You may not look at what runs on ${node.name} beside the lab.`);
  const limit = deadline(parts.clock, lookMs, parts.stopping, c.req.raw.signal);
  try {
    c.header('cache-control', 'no-store');
    return await look(parts.adoption, node.id, { signal: limit.signal, timeoutMs: lookMs, progress: () => {} });
  } finally {
    limit.done();
  }
}
