/** Where the rows of a live view come from: a table of the lab, what the nodes observe, or the activity on disk. */
import { kindOf, kinds, type Index, type Kind, type Principal, type StreamId } from '#events/envelope.ts';
import { allows } from '#actors/access/scope.ts';
import type { ObservedView, WorkRow } from '#io/contract/live.ts';
import { indexKey, type ActivityRow } from '#projections/views/activity.ts';
import { rowTest, sightOf, type Row, type Where } from '../filter.ts';
import type { LabPort, RowChanges, RowList, TableView } from '../../lab/port.ts';
import type { Hubs } from './hub.ts';

export interface RowSource {
  /** Rows only accumulate: none is ever deleted, or leaves the reader's sight. */
  readonly accumulates: boolean;
  /** Every change has an index of its own. What nodes observe changes between events. */
  readonly isLogged: boolean;
  index(): number;
  /** Rows as they are, of those that are asked for and may be seen. In this very turn, unless it is a promise. */
  snapshot(): Snapshot | Promise<Snapshot>;
  watch(listener: (changes: RowChanges) => void): () => void;
  /** Whether the reader is told of this row. */
  wants(key: string, row: Row): boolean;
  /** Whether the reader may know that it exists. */
  maySee(key: string, row: Row): boolean;
  /** What changed after an index; undefined when that cannot be told. */
  since(after: number, epoch: string): readonly RowChanges[] | undefined;
}

export interface Snapshot {
  readonly index: number;
  readonly rows: RowList<object>;
}

export interface Asked {
  readonly lab: LabPort;
  readonly hubs: Hubs;
  readonly by: Principal;
  readonly where: Where;
}

/** @throws ProblemError INVALID for a filter that is none */
export function tableSource({ lab, hubs, by, where }: Asked, view: TableView): RowSource {
  const [isMeant, sees] = [rowTest(view, where), sightOf(view, by)];
  const wants = (_key: string, row: Row): boolean => isMeant(row) && sees(row);
  return {
    accumulates: false,
    isLogged: true,
    index: () => lab.index,
    snapshot: () => ({
      index: lab.index,
      rows: lab.rows(view).filter(([key, row]) => wants(key, row as unknown as Row)),
    }),
    watch: (listener) => hubs.of(view).subscribe(listener),
    wants,
    maySee: (_key, row) => sees(row),
    since: (after, epoch) => hubs.of(view).since(after, epoch),
  };
}

/** The rows of a table as they were: nothing follows. @throws LogError PAST_HEAD, BELOW_FLOOR */
export async function pastRows({ lab, by, where }: Asked, view: TableView, at: Index): Promise<Snapshot> {
  const [isMeant, sees] = [rowTest(view, where), sightOf(view, by)];
  const rows = await lab.rowsAt(view, at);
  return {
    index: at,
    rows: rows.filter(([, row]) => isMeant(row as unknown as Row) && sees(row as unknown as Row)),
  };
}

/** Figures and work of the moment: in no log, so nothing can be resumed. */
export function observedSource({ lab, by, where }: Asked, view: ObservedView): RowSource {
  const isMeant = rowTest(view, where);
  const maySee = (key: string, row: Row): boolean => {
    const kind = subjectKind(view === 'work' ? (row as unknown as WorkRow).subject : key);
    const stream = (view === 'work' ? (row as unknown as WorkRow).subject : key) as StreamId;
    const namespace = lab.view.get(stream)?.context.metadata.namespace;
    return allows(by, { verb: 'read', kind, ...(namespace === undefined ? {} : { namespace }) });
  };
  const wants = (key: string, row: Row): boolean => isMeant(row) && maySee(key, row);
  return {
    accumulates: false,
    isLogged: false,
    index: () => lab.index,
    snapshot: () => ({
      index: lab.index,
      rows: (lab.observed(view) as RowList<Row>).filter(([key, row]) => wants(key, row)),
    }),
    watch: (listener) => lab.watchObserved(view, (changes) => listener({ ...changes, index: lab.index })),
    wants,
    maySee,
    since: () => undefined,
  };
}

/** A pool is of its node, a service of its app. */
function subjectKind(key: string): Kind {
  const kind = kindOf(key as StreamId);
  if ((kinds as readonly string[]).includes(kind)) return kind;
  return (kind as string) === 'service' ? 'app' : 'node';
}

export const defaultActivityLimit = 100;
/** Rows that are looked at to find those that are asked for. */
const maxScanned = 20_000;

/** The last rows, and then the new ones. */
export function activitySource(asked: Asked, limit = defaultActivityLimit): RowSource {
  const { lab, hubs, by, where } = asked;
  const [isMeant, sees] = [rowTest('activity', where), sightOf('activity', by)];
  const wants = (_key: string, row: Row): boolean => isMeant(row) && sees(row);
  return {
    accumulates: true,
    isLogged: true,
    index: () => lab.index,
    snapshot: () => activityUpTo(asked, lab.index, limit),
    watch: (listener) => hubs.of('activity').subscribe(listener),
    wants,
    maySee: (_key, row) => sees(row),
    since: (after, epoch) => hubs.of('activity').since(after, epoch),
  };
}

/** The last rows up to an index, oldest first. */
export async function activityUpTo({ lab, by, where }: Asked, index: number, limit: number): Promise<Snapshot> {
  const [isMeant, sees] = [rowTest('activity', where), sightOf('activity', by)];
  const { stream, correlation, ...others } = where;
  // What the lab can look up itself need not be looked for.
  const narrowed = {
    ...(stream === undefined || stream.includes(',') ? {} : { stream: stream as StreamId }),
    ...(correlation === undefined || correlation.includes(',') ? {} : { correlation }),
  };
  const isExact = Object.keys(others).length === 0 && Object.keys(where).length === Object.keys(narrowed).length;
  const atOnce = isExact ? limit : 1000;
  const found: (readonly [string, ActivityRow])[] = [];
  let before = index + 1;
  for (let scanned = 0; scanned < maxScanned;) {
    const page = await lab.activity({ ...narrowed, before, limit: atOnce });
    for (const row of page) {
      const fields = row as unknown as Row;
      if (isMeant(fields) && sees(fields)) found.push([indexKey(row.index), row]);
      if (found.length === limit) return { index, rows: found.toReversed() };
    }
    scanned += page.length;
    const last = page.at(-1);
    if (!last || page.length < atOnce) break;
    before = last.index;
  }
  return { index, rows: found.toReversed() };
}
