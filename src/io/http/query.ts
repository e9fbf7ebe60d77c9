/** The query of a request: known names only, each once, numbers in their range. A slip of the pen is told, not ignored. */
import type { RouteContext } from './parts.ts';
import { wrongField } from './problems.ts';

export type Query<N extends string = string> = { readonly [name in N]?: string };

/** @throws ProblemError INVALID */
export function readQuery<N extends string>(c: RouteContext, known: readonly N[]): Query<N> {
  const found: { [name in N]?: string } = {};
  for (const [name, values] of Object.entries(c.req.queries())) {
    if (!(known as readonly string[]).includes(name)) {
      const hint = known.length === 0 ? 'It takes none.' : `It takes ${known.join(', ')}.`;
      throw wrongField(name, 'there is no such parameter', hint);
    }
    if (values.length > 1) throw wrongField(name, 'it is given more than once');
    found[name as N] = values[0] ?? '';
  }
  return found;
}

/** @throws ProblemError INVALID */
export function wholeNumber(name: string, text: string, range: { readonly min: number; readonly max: number }): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= range.min && value <= range.max) return value;
  throw wrongField(name, `expected a whole number from ${range.min} to ${range.max}`);
}

/** @throws ProblemError INVALID */
export function flag(name: string, text: string | undefined): boolean {
  if (text === undefined || text === 'false') return false;
  if (text === 'true') return true;
  throw wrongField(name, 'expected true or false');
}

export const maxIndex = Number.MAX_SAFE_INTEGER;
