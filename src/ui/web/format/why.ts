/** Why an event happened, in a few words: the operation it belongs to, what a policy had seen. Pure. */
import { evidenceLines } from '#projections/evidence-words.ts';
import type { ActivityRow } from '#projections/views/activity.ts';

/** The operation that a person asked for and that led here; undefined when nobody asked. */
export const operationOf = (row: Pick<ActivityRow, 'correlation'>): string | undefined =>
  row.correlation.startsWith('operation:') ? row.correlation.slice('operation:'.length) : undefined;

/** As people see it everywhere: `op-7kq2x1ab`. */
export const operationName = (id: string): string => `op-${id.replace(/^operation:/, '').slice(0, 8)}`;

/** The shortest honest reason, for a line that has no room for more. */
export function shortWhy(row: Pick<ActivityRow, 'correlation' | 'because' | 'by' | 'type'>): string | undefined {
  const { because } = row;
  if (because !== null) {
    const said = ['rule', 'reason', 'because'].map((key) => because[key]).find((value) => typeof value === 'string');
    if (typeof said === 'string') return said;
    const [first] = evidenceLines(because);
    if (first) return `${first[0]}: ${first[1].length > 40 ? `${first[1].slice(0, 39)}…` : first[1]}`;
  }
  return undefined;
}
