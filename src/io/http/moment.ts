/** `?at=`: which moment of the lab is meant, by index or by time, and the rows as they were then. */
import { asIndex, type Index } from '#events/envelope.ts';
import type { ViewRows } from '#projections/registry.ts';
import type { LabPort, RowList, TableView } from '../lab/port.ts';
import type { Parts } from './parts.ts';
import { fail, wrongField } from './problems.ts';

/** No lab has that many events; no lab existed that early. */
const firstTimeMs = 100_000_000_000;

const isoTime = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** Clocks of people differ by so much from ours: what is later is the future, of which nobody can tell. */
const skewMs = 60_000;

/** @returns undefined for the present. @throws ProblemError INVALID, PAST_HEAD, and what the lab throws */
export async function momentOf(
  { lab, clock }: Pick<Parts, 'lab' | 'clock'>,
  text: string | undefined,
): Promise<Index | undefined> {
  if (text === undefined) return undefined;
  const at = readMoment(text);
  if ('index' in at) return at.index;
  // Log time goes on when the clock of the machine is set back.
  const now = Math.max(clock.now(), lab.view.at);
  if (at.timeMs > now + skewMs) {
    const [then, today] = [isoOf(at.timeMs), isoOf(now)];
    throw fail('PAST_HEAD', `The lab is at ${today}, not yet at ${then}.`, { hint: 'Ask for an earlier time.' });
  }
  return lab.indexAt(at.timeMs);
}

/** Also of times that no calendar has. */
const isoOf = (ms: number): string => (Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms));

function readMoment(text: string): { readonly index: Index } | { readonly timeMs: number } {
  if (/^\d{1,15}$/.test(text)) {
    const value = Number(text);
    return value < firstTimeMs ? { index: asIndex(value) } : { timeMs: value };
  }
  // A plus sign that nobody encoded arrives as a space.
  const iso = text.replace(' ', '+');
  const time = isoTime.test(iso) ? Date.parse(iso) : Number.NaN;
  if (Number.isNaN(time)) {
    throw wrongField('at', 'expected an index, or a time like 2031-05-04T12:00:00Z');
  }
  return { timeMs: time };
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
