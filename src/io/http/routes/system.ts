/** What machines ask: does it live, does it serve, how is it doing, what can it do. */
import { openApiDocument } from '../openapi.ts';
import type { Parts, Readiness, RouteContext } from '../parts.ts';
import { problemOf } from '#io/contract/problem.ts';

export function health(c: RouteContext): Response {
  c.header('cache-control', 'no-store');
  return c.json({ status: 'ok' });
}

/** Open for load balancers, which learn what is not ready; why is for those who are signed in. */
export async function ready(parts: Parts, c: RouteContext): Promise<Response> {
  const isKnown = c.get('session') !== undefined;
  const checks = [...(await parts.ready()), leaderCheck(parts)].map(({ name, ok, detail }) =>
    detail === undefined || !isKnown ? { name, ok } : { name, ok, detail },
  );
  c.header('cache-control', 'no-store');
  const missing = checks.filter(({ ok }) => !ok).map(({ name }) => name);
  if (missing.length === 0) return c.json({ ready: true, checks });
  const problem = problemOf('NOT_READY', `This node is not ready: ${missing.join(', ')}.`, { retryAfter: 2 });
  return c.json({ ...problem, ready: false, checks }, 503, {
    'content-type': 'application/problem+json',
    'retry-after': '2',
  });
}

/** Without a leader nothing that this node is asked for can be done, and what it shows may be old. */
const leaderCheck = ({ lab }: Parts): Readiness =>
  lab.hasLeader
    ? { name: 'leader', ok: true }
    : { name: 'leader', ok: false, detail: 'Nobody leads the lab: no majority of its voters answers.' };

export async function metrics(parts: Parts, c: RouteContext): Promise<Response> {
  const text = await parts.metrics();
  return c.text(text, 200, {
    'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    'cache-control': 'no-store',
  });
}

let document: string | undefined;

export function openApi(c: RouteContext): Response {
  document ??= JSON.stringify(openApiDocument());
  return c.body(document, 200, { 'content-type': 'application/json', 'cache-control': 'no-cache' });
}
