/** Every route that reads a view: a page of its rows, or one of them; now, or as it was. */
import type { ReplicaLagRow } from '#io/contract/live.ts';
import { replicaLoss } from '#io/contract/replica-loss.ts';
import { pathParams, staleHeader, type Page } from '#io/contract/routes.ts';
import type { Route, RouteAction } from '#io/contract/routes/route.ts';
import { etagHeaders, isKnown, notModified } from '../etag.ts';
import { rowTest, sightOf, type Row } from '../filter.ts';
import { majorityAnswers } from '../majority.ts';
import { momentOf, rowsOf, type Moment } from '../moment.ts';
import { sessionOf, type Parts, type RouteContext } from '../parts.ts';
import { fail, wrongField } from '../problems.ts';
import { flag, readQuery, wholeNumber } from '../query.ts';
import type { TableView } from '../../lab/port.ts';

export const maxLimit = 1000;
export const defaultLimit = 200;

export type ViewRoute = Route & { readonly action: Extract<RouteAction, { view: unknown }> };

/** Lists below one object: its view, and the field of the rows that refers to it. */
const parents: Readonly<Partial<Record<TableView, { readonly view: TableView; readonly field: string }>>> = {
  snapshots: { view: 'volumes', field: 'volume' },
};

export function viewHandler(parts: Parts) {
  return (c: RouteContext, route: ViewRoute): Promise<Response> =>
    route.action.one ? show(parts, c, route) : list(parts, c, route);
}

async function list(parts: Parts, c: RouteContext, route: ViewRoute): Promise<Response> {
  const view = route.action.view as TableView;
  const {
    at: atText,
    stale: staleText,
    limit: limitText,
    cursor,
    ...where
  } = readQuery(c, [...route.action.filters, 'at', 'stale', 'limit', 'cursor']);
  const limit = limitText === undefined ? defaultLimit : wholeNumber('limit', limitText, { min: 1, max: maxLimit });
  const after = cursor === undefined ? undefined : keyOf(cursor);
  const test = rowTest(view, where as Record<string, string>);
  const sees = sightOf(view, sessionOf(c).principal);
  const stale = await certainty(parts, c, staleText, atText);
  const at = await momentOf(parts, atText);
  const parent = parents[view] && pathParams(route.path).length > 0 ? parents[view] : undefined;
  const owner = parent && (await find(parts, c, parent.view, at));
  const tag = tagOf(parts, view, at);
  const headers = { ...etagHeaders(tag), ...stale };
  if (isKnown(c, tag)) return notModified(headers);

  const found = rowsOf(parts.lab, view, at);
  // Of the present: the index of the very turn in which the rows were read.
  const index = at ?? parts.lab.index;
  const rows = found instanceof Promise ? await found : found;
  const items: unknown[] = [];
  let next: string | undefined;
  let last = '';
  for (const [key, row] of rows) {
    if (after !== undefined && key <= after) continue;
    const fields = row as unknown as Row;
    if (owner && parent && (fields[parent.field] as Row | null)?.['id'] !== owner['id']) continue;
    if (!test(fields) || !sees(fields)) continue;
    if (items.length === limit) {
      next = cursorOf(last);
      break;
    }
    items.push(withFigures(parts, view, at, key, fields));
    last = key;
  }
  const page: Page<unknown> = { items, index, ...(next === undefined ? {} : { cursor: next }) };
  return c.json(page, 200, headers);
}

async function show(parts: Parts, c: RouteContext, route: ViewRoute): Promise<Response> {
  const view = route.action.view as TableView;
  const { at: atText, stale: staleText } = readQuery(c, ['at', 'stale']);
  const stale = await certainty(parts, c, staleText, atText);
  const at = await momentOf(parts, atText);
  const tag = tagOf(parts, view, at);
  const row = await find(parts, c, view, at);
  const headers = { ...etagHeaders(tag), ...stale };
  if (isKnown(c, tag)) return notModified(headers);
  return c.json(withFigures(parts, view, at, String(row['id']), row), 200, headers);
}

/** Of the present a replica is told with what would be lost with it, which no log keeps. */
function withFigures({ lab }: Parts, view: TableView, at: Moment, key: string, row: Row): Row {
  if (view !== 'replicas' || at !== undefined) return row;
  const lag = lab.observed('replica-lag').find(([of]) => of === key)?.[1] as ReplicaLagRow | undefined;
  return { ...row, loss: replicaLoss(lag) };
}

/**
 * What is read next has everything that anybody was told before, or, with `?stale=true`, what this node knows.
 * @returns the mark of an answer that may be old @throws ProblemError NO_LEADER
 */
async function certainty(
  parts: Parts,
  c: RouteContext,
  asked: string | undefined,
  at: string | undefined,
): Promise<Record<string, string>> {
  const mayBeStale = flag('stale', asked);
  if (at !== undefined) {
    if (mayBeStale) throw wrongField('stale', 'the past does not change', 'Leave it out, or leave out at.');
    return {};
  }
  if (mayBeStale) return { [staleHeader]: 'true' };
  await majorityAnswers(parts, c);
  return {};
}

/** The row that the path means: by namespace and name, by name, or by id. @throws ProblemError NOT_FOUND */
async function find(parts: Parts, c: RouteContext, view: TableView, at: Moment): Promise<Row> {
  const { namespace, name, id } = c.req.param() as { namespace?: string; name?: string; id?: string };
  const wanted = name ?? id;
  const sees = sightOf(view, sessionOf(c).principal);
  for (const [key, row] of await rowsOf(parts.lab, view, at)) {
    const fields = row as unknown as Row;
    const isMeant =
      wanted === undefined ||
      (namespace === undefined
        ? key === wanted || fields['name'] === wanted || (id !== undefined && key === `${kindOf(view)}:${id}`)
        : fields['namespace'] === namespace && (fields['name'] === wanted || fields['id'] === wanted));
    if (isMeant && sees(fields)) return fields;
  }
  throw notFound(kindOf(view), wanted, namespace, at !== undefined);
}

export function notFound(kind: string, name = '', namespace = 'default', isPast = false): Error {
  const where = namespace === 'default' ? '' : ` in namespace ${namespace}`;
  const what = name === '' ? `no ${kind}` : `no ${kind} ${name.slice(0, 100)}${where}`;
  if (isPast) return fail('NOT_FOUND', `There was ${what} at that time.`);
  return fail(
    'NOT_FOUND',
    `There is ${what}.`,
    listed.has(kind) ? { hint: `floatlab ${kind} ls shows what there is.` } : {},
  );
}

/** Kinds that the command line lists. */
const listed: ReadonlySet<string> = new Set(['app', 'node', 'operation', 'schedule', 'volume']);

/** `volumes` → `volume`. */
const kindOf = (view: TableView): string => (view.endsWith('s') ? view.slice(0, -1) : view);

/** Of the past nothing changes; of the present, nothing since the view last changed, or its figures did. */
function tagOf({ lab, hubs }: Parts, view: TableView, at: Moment): string {
  const moment = at === undefined || at === lab.index ? `${hubs.of(view).changedAt}` : `at-${at}`;
  const lags = view === 'replicas' && at === undefined ? lab.observed('replica-lag') : [];
  const figures = lags.reduce((sum, [, row]) => sum + (row as ReplicaLagRow).at, 0);
  return `W/"${lab.epoch}-${view}-${moment}${lags.length === 0 ? '' : `-${lags.length}-${figures}`}"`;
}

/** The place in a list after which the next page begins; clients hand it back as it is. */
const cursorOf = (key: string): string => Buffer.from(JSON.stringify([key])).toString('base64url');

function keyOf(cursor: string): string {
  try {
    const [key, ...rest] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if (typeof key === 'string' && rest.length === 0) return key;
  } catch {
    // What no server gave is told below.
  }
  throw wrongField('cursor', 'this is no cursor of this list', 'Take it from the page before, or leave it out.');
}

export const isViewRoute = (route: Route): route is ViewRoute => 'view' in route.action;
