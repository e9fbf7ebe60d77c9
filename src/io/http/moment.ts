/** `?at=`: which moment of the lab is meant, by index or by time, and the rows as they were then. */
import { asIndex, type Index } from '#events/envelope.ts';
import type { ViewRows } from '#projections/registry.ts';
import type { LabPort, RowList, TableView } from '../lab/port.ts';
import { wrongField } from './problems.ts';

/** No lab has that many events; no lab existed that early. */
const firstTimeMs = 100_000_000_000;

const isoTime = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** @returns undefined for the present. @throws ProblemError INVALID, and what the lab throws */
export async function momentOf(lab: LabPort, text: string | undefined): Promise<Index | undefined> {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) {
    const value = Number(text);
    return value < firstTimeMs ? asIndex(value) : lab.indexAt(value);
  }
  // A plus sign that nobody encoded arrives as a space.
  const iso = text.replace(' ', '+');
  const time = isoTime.test(iso) ? Date.parse(iso) : Number.NaN;
  if (Number.isNaN(time)) {
    throw wrongField('at', 'expected an index, or a time like 2031-05-04T12:00:00Z');
  }
  return lab.indexAt(time);
}

export type Moment = Index | undefined;

/** @throws LogError PAST_HEAD, BELOW_FLOOR */
export function rowsOf<V extends TableView>(
  lab: LabPort,
  view: V,
  at: Moment,
): RowList<ViewRows[V]> | Promise<RowList<ViewRows[V]>> {
  return at === undefined ? lab.rows(view) : lab.rowsAt(view, at);
}
