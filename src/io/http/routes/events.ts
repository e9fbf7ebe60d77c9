/** What happened: all of it, or to one object. */
import { kinds, type StreamId } from '#events/envelope.ts';
import type { Page } from '#io/contract/routes.ts';
import type { ActivityRow } from '#projections/views/activity.ts';
import type { ActivityRange } from '../../lab/port.ts';
import { sightOf, type Row } from '../filter.ts';
import { sessionOf, type Parts, type RouteContext } from '../parts.ts';
import { fail, wrongField } from '../problems.ts';
import { maxIndex, readQuery, wholeNumber, type Query } from '../query.ts';
import { maxLimit } from './view.ts';

const defaultLimit = 100;

export async function events(parts: Parts, c: RouteContext): Promise<Response> {
  const query = readQuery(c, ['before', 'after', 'limit', 'correlation']);
  if (query.before !== undefined && query.after !== undefined) {
    throw wrongField('after', 'it cannot be given together with before');
  }
  return page(parts, c, rangeOf(query));
}

export async function objectHistory(parts: Parts, c: RouteContext): Promise<Response> {
  const stream = c.req.param('stream') ?? '';
  const query = readQuery(c, ['before', 'limit']);
  const [kind = ''] = stream.split(':');
  if (!stream.includes(':') || !isKind(kind)) {
    throw fail('NOT_FOUND', `There is no object ${stream.slice(0, 100)}.`, {
      hint: 'Name it by its id, like volume:….',
    });
  }
  return page(parts, c, { ...rangeOf(query), stream: stream as StreamId });
}

const isKind = (text: string): boolean => (kinds as readonly string[]).includes(text);

async function page(parts: Parts, c: RouteContext, range: ActivityRange): Promise<Response> {
  const { index } = parts.lab;
  const rows = await parts.lab.activity(range);
  const isUnknown = range.stream !== undefined && range.before === undefined && rows.length === 0;
  if (isUnknown && !parts.lab.view.get(range.stream)) {
    throw fail('NOT_FOUND', `There is no object ${range.stream.slice(0, 100)}.`);
  }
  const sees = sightOf('activity', sessionOf(c).principal);
  const items = rows.filter((row) => sees(row as unknown as Row));
  c.header('cache-control', 'no-store');
  return c.json({ items, index } satisfies Page<ActivityRow>);
}

function rangeOf(query: Query<'before' | 'after' | 'limit' | 'correlation'>): ActivityRange {
  const number = (name: 'before' | 'after'): { [key in typeof name]?: number } =>
    query[name] === undefined ? {} : { [name]: wholeNumber(name, query[name], { min: 0, max: maxIndex }) };
  return {
    ...number('before'),
    ...number('after'),
    ...(query.correlation === undefined ? {} : { correlation: query.correlation }),
    limit: query.limit === undefined ? defaultLimit : wholeNumber('limit', query.limit, { min: 1, max: maxLimit }),
  };
}
