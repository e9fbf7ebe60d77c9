/** Why an object is as it is: `GET /api/v1/why?item=photos-db`. */
import type { ActorState } from '#actors/actor.ts';
import { allows } from '#actors/access/scope.ts';
import { defaultNamespace, systemNamespace } from '#actors/drafting.ts';
import { kinds, type Kind, type StreamId } from '#events/envelope.ts';
import type { WorkRow } from '#io/contract/live.ts';
import type { Happened, WhyAnswer, WhyDecision } from '#io/contract/why.ts';
import { severities } from '#projections/alerts.ts';
import type { ActivityRow } from '#projections/views/activity.ts';
import { chainOf, longestChain, placeOf, problemOf, standingOf, storyOf, waitsFor } from '#projections/why.ts';
import type { LabPort } from '../../lab/port.ts';
import { sightOf, type Row } from '../filter.ts';
import { majorityAnswers } from '../majority.ts';
import { sessionOf, type Parts, type RouteContext } from '../parts.ts';
import { fail, wrongField } from '../problems.ts';
import { readQuery } from '../query.ts';

/** Events of it beside those that brought it into its state. */
const latest = 5;
/** Events of a stream or of an operation that are looked through at once, and how often. */
const page = 500;
const mostPages = 10;

export async function why(parts: Parts, c: RouteContext): Promise<Response> {
  const { item = '', kind, namespace = defaultNamespace } = readQuery(c, ['item', 'kind', 'namespace']);
  if (item === '')
    throw wrongField('item', 'expected the name or the id of an object', 'Write for example ?item=photos.');
  if (kind !== undefined && !isKind(kind)) {
    throw wrongField('kind', `there is no kind ${kind.slice(0, 100)}`, `It is one of ${kinds.join(', ')}.`);
  }
  await majorityAnswers(parts, c);
  const actor = find(parts, c, { item, kind, namespace });
  const sees = sightOf('activity', sessionOf(c).principal);
  const visible = (rows: readonly ActivityRow[]): readonly ActivityRow[] =>
    rows.filter((row) => sees(row as unknown as Row));
  c.header('cache-control', 'no-store');
  return c.json(await tell(parts.lab, actor, visible));
}

type Visible = (rows: readonly ActivityRow[]) => readonly ActivityRow[];

async function tell(lab: LabPort, actor: ActorState, visible: Visible): Promise<WhyAnswer> {
  const { view } = lab;
  const story = storyOf(actor, view);
  const streams = new Set<string>(story.map(({ stream }) => stream));
  const entered: ActivityRow[] = [];
  const recent: ActivityRow[] = [];
  for (const one of story) {
    const entering = await enteringOf(lab, one);
    entered.push(...visible(entering ? [entering] : []));
    recent.push(...visible(await lab.activity({ stream: one.stream, limit: latest + longestChain })));
  }
  // Nothing is told twice.
  const told = new Set<number>();
  const because: WhyDecision[] = [];
  for (const row of entered.toSorted((a, b) => b.index - a.index)) {
    if (told.has(row.index)) continue;
    const rows = await lab.activity({ correlation: row.correlation, before: row.index + 1, limit: page });
    const chain = chainOf(row, visible(rows));
    const known = chain.findIndex(({ index }) => told.has(index));
    const ledBy = known < 0 ? chain : chain.slice(0, known);
    for (const { index } of [row, ...ledBy]) told.add(index);
    because.push({ ...happened(row), ledBy: ledBy.map(happened) });
  }
  const lately = recent
    .filter(({ index }) => !told.has(index))
    .toSorted((a, b) => b.index - a.index)
    .slice(0, latest);
  const { metadata } = actor.context;
  const waits = waitsFor(actor, view);
  return {
    id: actor.stream,
    kind: actor.kind,
    namespace: metadata.namespace,
    name: metadata.name,
    ...standingOf(actor, view),
    ...placeOf(actor, view),
    waits: waits && { message: waits.message, hint: waits.hint ?? null },
    work: lab
      .observed('work')
      .map(([, row]) => row as WorkRow)
      .filter(({ subject, work }) => streams.has(subject) && work !== 'watch-instance')
      .map(({ work, node, state, text }) => ({ work, node: nameOf(lab, node), state, text })),
    troubles: troublesOf(lab, story),
    because,
    lately: lately.map(happened),
  };
}

/** Its alerts, the worst first; where there are none, what it says of itself. */
function troublesOf(lab: LabPort, story: readonly ActorState[]): WhyAnswer['troubles'] {
  const streams = new Set<string>(story.map(({ stream }) => stream));
  const alerts = lab.rows('alerts').flatMap(([, row]) => (streams.has(row.stream) ? [row] : []));
  if (alerts.length === 0) {
    return story
      .flatMap((actor) => problemOf(actor) ?? [])
      .map(({ message, hint }) => ({ message, hint: hint ?? null, severity: 'warning' }));
  }
  return alerts
    .toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity))
    .map(({ message, hint, severity }) => ({ message, hint, severity }));
}

const nameOf = ({ view }: LabPort, node: string): string =>
  view.get(node as StreamId<'node'>)?.context.metadata.name ?? node;

/** The event that brought it into its present state; undefined when that is dropped, or too long ago. */
async function enteringOf(lab: LabPort, { stream, visit }: ActorState): Promise<ActivityRow | undefined> {
  let before: number | undefined;
  for (let n = 0; n < mostPages; n++) {
    const rows = await lab.activity({ stream, limit: page, ...(before === undefined ? {} : { before }) });
    const found = rows.find(({ version }) => version === visit);
    before = rows.at(-1)?.index;
    if (found || before === undefined || rows.length < page) return found;
  }
  return undefined;
}

const happened = ({ index, at, type, stream, words, who, correlation, because }: ActivityRow): Happened => ({
  ...{ index, at, type, stream, words, who, correlation },
  because: because === null ? null : { ...because },
});

interface Asked {
  readonly item: string;
  readonly kind: Kind | undefined;
  readonly namespace: string;
}

const isKind = (text: string): text is Kind => (kinds as readonly string[]).includes(text);

/** By id, by name, or `volume@snapshot`. @throws ProblemError NOT_FOUND, INVALID when several are called so */
function find(parts: Parts, c: RouteContext, asked: Asked): ActorState {
  const { principal } = sessionOf(c);
  const found = candidates(parts.lab, asked).filter(({ kind, context }) =>
    allows(principal, { verb: 'read', kind, namespace: context.metadata.namespace }),
  );
  const [one, another] = found;
  if (one && another) {
    const which = [...new Set(found.map(({ kind }) => kind))];
    throw wrongField(
      'item',
      `${asked.item.slice(0, 100)} is the name of several: ${found.map(({ kind, stream }) => `${kind} (${stream})`).join(', ')}`,
      which.length > 1 ? `Say which: ${which.join(' or ')}.` : 'Name it by its id.',
    );
  }
  if (one) return one;
  const what = `${asked.kind?.replaceAll('-', ' ') ?? 'object'} ${asked.item.slice(0, 100)}`;
  throw fail('NOT_FOUND', `There is no ${what}.`, {
    hint: 'Name it by its name, by its id, or a snapshot as volume@snapshot.',
  });
}

function candidates({ view }: LabPort, { item, kind, namespace }: Asked): readonly ActorState[] {
  const [prefix = ''] = item.split(':');
  if (item.includes(':') && isKind(prefix)) {
    const actor = view.get(item as StreamId);
    return actor && (kind === undefined || kind === actor.kind) ? [actor] : [];
  }
  const at = item.indexOf('@');
  if (at > 0 && (kind === undefined || kind === 'snapshot')) {
    const volume = view.byName('volume', namespace, item.slice(0, at));
    const named = item.slice(at + 1);
    return volume ? view.referrers(volume.stream, 'snapshot').filter((one) => one.context.metadata.name === named) : [];
  }
  const wanted = kind === undefined ? kinds.filter((one) => one !== 'snapshot' && one !== 'instance') : [kind];
  return wanted.flatMap((one) =>
    view.list(one).filter((actor) => !actor.final && isCalled(view, actor, item, namespace)),
  );
}

/** `photos`, `media/photos` by its namespace, and of a pool `atlas/tank` by its node. */
function isCalled(view: LabPort['view'], { kind, context }: ActorState, item: string, wanted: string): boolean {
  const { name, namespace } = context.metadata;
  if (name === item) return namespace === wanted || namespace === systemNamespace;
  if (`${namespace}/${name}` === item) return true;
  if (kind !== 'pool') return false;
  const { node } = context as ActorState<'pool'>['context'];
  return `${view.get(node)?.context.metadata.name}/${name}` === item;
}
