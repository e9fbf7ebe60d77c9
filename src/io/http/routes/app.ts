/** What an app has beside its row: its compose file, the check of one, and its log lines. */
import { streamOf, type Principal, type StreamId } from '#events/envelope.ts';
import { allows } from '#actors/access/scope.ts';
import type { ActorState } from '#actors/actor.ts';
import { readCompose } from '#actors/compose/read.ts';
import type { LiveLogLine } from '#io/contract/live.ts';
import { validateComposeBody } from '#io/contract/routes.ts';
import type { LabPort } from '../../lab/port.ts';
import { StoreError } from '../../stores/port.ts';
import { checked, readJson } from '../body.ts';
import { deadline } from '../deadline.ts';
import { etagHeaders, isKnown, notModified } from '../etag.ts';
import { momentOf, rowsOf } from '../moment.ts';
import { sessionOf, type Parts, type RouteContext } from '../parts.ts';
import { fail } from '../problems.ts';
import { maxIndex, readQuery, wholeNumber } from '../query.ts';
import { notFound } from './view.ts';

/** The file as the person wrote it, byte for byte. */
export async function composeFile(parts: Parts, c: RouteContext): Promise<Response> {
  const { namespace = '', name = '' } = c.req.param() as { namespace?: string; name?: string };
  const { at: atText } = readQuery(c, ['at']);
  const at = await momentOf(parts.lab, atText);
  const rows = await rowsOf(parts.lab, 'config', at);
  const found = rows.find(
    ([, row]) => row.kind === 'app' && row.metadata.namespace === namespace && row.metadata.name === name,
  )?.[1];
  if (!found || !allows(sessionOf(c).principal, { verb: 'read', kind: 'app', namespace })) {
    throw notFound('app', name, namespace, at !== undefined);
  }
  const ref = String(found.status['compose']);
  const tag = `"${ref}"`;
  if (isKnown(c, tag)) return notModified(tag);
  let bytes: Uint8Array;
  try {
    bytes = await parts.blobs.get(ref);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'MISSING') throw error;
    throw fail('NOT_FOUND', `The compose file of app ${name} is not on this node.`, {
      hint: 'Deploy the app again from the file, or restore the blobs of this node from a backup.',
    });
  }
  return c.body(new Uint8Array(bytes), 200, { ...etagHeaders(tag), 'content-type': 'text/yaml; charset=utf-8' });
}

export async function validateCompose(c: RouteContext): Promise<Response> {
  const { fileName, compose, files } = checked(validateComposeBody, await readJson(c));
  const read = readCompose({ fileName, text: compose, files });
  c.header('cache-control', 'no-store');
  if ('findings' in read) return c.json({ findings: read.findings, notes: [] });
  const { name, notes } = read.app;
  return c.json({ findings: [], notes, ...(name === undefined ? {} : { name }) });
}

const defaultTail = 200;
const maxTail = 10_000;
/** Lines of all services together; beyond, the oldest are left out. */
const maxLines = 20_000;
const readWithinMs = 30_000;

export async function appLogs(parts: Parts, c: RouteContext): Promise<Response> {
  const { namespace = '', name = '' } = c.req.param() as { namespace?: string; name?: string };
  const { service, tail, since } = readQuery(c, ['service', 'tail', 'since']);
  const app = findApp(parts.lab, `${namespace}/${name}`, sessionOf(c).principal, 'read');
  if (!app) throw notFound('app', name, namespace);
  const options = {
    ...(service === undefined ? {} : { service }),
    tail: tail === undefined ? defaultTail : wholeNumber('tail', tail, { min: 0, max: maxTail }),
    ...(since === undefined ? {} : { sinceMs: wholeNumber('since', since, { min: 0, max: maxIndex }) }),
    follow: false,
  };
  const limit = deadline(parts.clock, readWithinMs, parts.stopping, c.req.raw.signal);
  try {
    const items: LiveLogLine[] = [];
    let dropped = 0;
    for await (const line of parts.containers.logs(app.stream, options, limit.signal)) {
      items.push(line);
      if (items.length >= 2 * maxLines) dropped += items.splice(0, items.length - maxLines).length;
    }
    if (limit.signal.aborted) throw fail('TIMED_OUT', `The log of app ${name} could not be read in time.`);
    if (items.length > maxLines) dropped += items.splice(0, items.length - maxLines).length;
    c.header('cache-control', 'no-store');
    return c.json(dropped === 0 ? { items } : { items, dropped });
  } finally {
    limit.done();
  }
}

/** @param named `namespace/name`, a name in `default`, or an id. @returns undefined when it is not there, or not for these eyes */
export function findApp(
  lab: LabPort,
  named: string,
  by: Principal,
  verb: 'read' | 'write',
): ActorState<'app'> | undefined {
  const slash = named.indexOf('/');
  const [namespace, name] = slash < 0 ? ['default', named] : [named.slice(0, slash), named.slice(slash + 1)];
  const app = named.startsWith('app:')
    ? lab.view.get(streamOf('app', named.slice('app:'.length)) satisfies StreamId<'app'>)
    : lab.view.byName('app', namespace, name);
  if (!app || app.final) return undefined;
  return allows(by, { verb, kind: 'app', namespace: app.context.metadata.namespace }) ? app : undefined;
}

export const noSuchApp = (named: string): Error => fail('NOT_FOUND', `There is no app ${named.slice(0, 100)}.`);
