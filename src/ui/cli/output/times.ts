/**
 * Times in JSON and YAML: ISO 8601 in UTC, as every tool reads them. The API counts milliseconds since 1970; which
 * numbers are such times is known by their names, the same in every row: `at`, `since`, `…At`, `…Since`.
 */
const timeNames = /^(?:at|since|[a-z][A-Za-z]*(?:At|Since))$/;
/** 1973: smaller numbers under such names are no times. */
const firstMs = 1e11;
const lastMs = 8.64e15;

export function withTimes(value: unknown, name = ''): unknown {
  if (typeof value === 'number') return isTime(name, value) ? new Date(value).toISOString() : value;
  if (Array.isArray(value)) return value.map((one) => withTimes(one));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withTimes(one, key)]));
}

const isTime = (name: string, value: number): boolean => timeNames.test(name) && value >= firstMs && value <= lastMs;
