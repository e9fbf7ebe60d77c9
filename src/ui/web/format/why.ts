/** Why an event happened, in a few words: the operation it belongs to, what a policy had seen. Pure. */
import { formatSize } from '#events/values/size.ts';
import type { ActivityRow } from '#projections/views/activity.ts';

/** The operation that a person asked for and that led here; undefined when nobody asked. */
export const operationOf = (row: Pick<ActivityRow, 'correlation'>): string | undefined =>
  row.correlation.startsWith('operation:') ? row.correlation.slice('operation:'.length) : undefined;

/** As people see it everywhere: `op-7kq2x1ab`. */
export const operationName = (id: string): string => `op-${id.replace(/^operation:/, '').slice(0, 8)}`;

/** Evidence as lines of key and value; of several candidates, a line for each. */
export function evidenceLines(because: Readonly<Record<string, unknown>>): readonly (readonly [string, string])[] {
  return Object.entries(because).flatMap(([key, value]) =>
    Array.isArray(value) && value.length > 0 && value.every(isRecord)
      ? value.map((item) => oneOf(key, item))
      : [[key, inWords(key, value)] as const],
  );
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A thing with a name is known by it; its id would only be in the way. */
function oneOf(key: string, item: Readonly<Record<string, unknown>>): readonly [string, string] {
  const { name, ...rest } = item;
  const said = Object.entries(rest).filter(([, value]) => typeof name !== 'string' || !isId(value));
  return [
    typeof name === 'string' ? name : key,
    said.map(([field, value]) => `${field.replace(/Bytes$/, '')} ${inWords(field, value)}`).join(', '),
  ];
}

const isId = (value: unknown): boolean => typeof value === 'string' && /^[a-z]+:[a-z0-9-]+$/.test(value);

function inWords(key: string, value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' && key.endsWith('Bytes') ? formatSize(value) : JSON.stringify(value);
}

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
