/** What an app has beside its row: its compose file, the check of one, and its log lines. */
import { streamOf, type Principal, type StreamId } from '#events/envelope.ts';
import { allows } from '#actors/access/scope.ts';
import type { ActorState } from '#actors/actor.ts';
import { appMeant } from '#actors/app/deploy.ts';
import { unpackFiles, type Files } from '#actors/app/files.ts';
import { readCompose } from '#actors/compose/read.ts';
import { composeSchema } from '#actors/compose/schema.ts';
import type { LiveLogLine } from '#io/contract/live.ts';
import { validateComposeBody } from '#io/contract/routes/apps.ts';
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
  const at = await momentOf(parts, atText);
  const rows = await rowsOf(parts.lab, 'config', at);
  const found = rows.find(
    ([, row]) => row.kind === 'app' && row.metadata.namespace === namespace && row.metadata.name === name,
  )?.[1];
  if (!found || !allows(sessionOf(c).principal, { verb: 'read', kind: 'app', namespace })) {
    throw notFound('app', name, namespace, at !== undefined);
  }
  const ref = String(found.status['compose']);
  const tag = `"${ref}"`;
  if (isKnown(c, tag)) return notModified(etagHeaders(tag));
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

/** Open: it says what is documented, and editors have no session. */
export function composeSchemaAnswer(c: RouteContext): Response {
  c.header('cache-control', 'public, max-age=3600');
  return c.json(composeSchema());
}

/** As the app would be deployed with it; `files` names those that it would keep from its last revision. */
export async function validateCompose(parts: Parts, c: RouteContext): Promise<Response> {
  const input = checked(validateComposeBody, await readJson(c));
  const { fileName, compose } = input;
  const kept = input.files ? undefined : await lastFiles(parts, c, input);
  const read = readCompose({ fileName, text: compose, files: input.files ?? kept ?? {} });
  c.header('cache-control', 'no-store');
  const named = kept ? { files: Object.keys(kept) } : {};
  if ('findings' in read) return c.json({ findings: read.findings, notes: [], ...named });
  const { notes } = read.app;
  const name = input.name ?? read.app.name;
  return c.json({ findings: [], notes, ...named, ...(name === undefined ? {} : { name }) });
}

/** @returns undefined when there is no such app, or its files are not at hand: deploying it would say so */
async function lastFiles(
  { lab, blobs }: Parts,
  c: RouteContext,
  input: Parameters<typeof appMeant>[0],
): Promise<Files | undefined> {
  const app = appMeant(input, lab.view);
  const { namespace } = input;
  if (!app?.context.files || !allows(sessionOf(c).principal, { verb: 'write', kind: 'app', namespace }))
    return undefined;
  const bytes = await blobs.get(app.context.files).catch(() => undefined);
  return bytes && unpackFiles(bytes);
}

const defaultTail = 200;
const maxTail = 10_000;
/** Of all services together; beyond, the oldest lines are left out. */
const maxLines = 20_000;
const maxChars = 8 * 1024 * 1024;
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
    const newest = new NewestLines();
    for await (const line of parts.containers.logs(app.stream, options, limit.signal)) newest.add(line);
    if (limit.signal.aborted) throw fail('TIMED_OUT', `The log of app ${name} could not be read in time.`);
    const { items, dropped } = newest.all();
    c.header('cache-control', 'no-store');
    return c.json(dropped === 0 ? { items } : { items, dropped });
  } finally {
    limit.done();
  }
}

/** The last lines that fit into an answer. */
class NewestLines {
  #lines: LiveLogLine[] = [];
  #chars = 0;
  #dropped = 0;

  add(line: LiveLogLine): void {
    this.#lines.push(line);
    this.#chars += line.text.length;
    // Not one by one: each cut moves all that stay.
    if (this.#lines.length >= 2 * maxLines || this.#chars >= 2 * maxChars) this.#cut();
  }

  all(): { readonly items: readonly LiveLogLine[]; readonly dropped: number } {
    this.#cut();
    return { items: this.#lines, dropped: this.#dropped };
  }

  #cut(): void {
    let from = Math.max(0, this.#lines.length - maxLines);
    for (const { text } of this.#lines.slice(0, from)) this.#chars -= text.length;
    for (; this.#chars > maxChars; from++) this.#chars -= this.#lines[from]?.text.length ?? 0;
    this.#dropped += from;
    this.#lines = this.#lines.slice(from);
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
