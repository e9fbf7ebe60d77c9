/** What a policy had observed when it decided, as people read it. */
import { formatSize } from '#events/values/size.ts';

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
