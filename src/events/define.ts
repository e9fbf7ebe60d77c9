/**
 * How a kind declares its events: a schema number, a strict schema, and for every older number a pure
 * function to the next. Stored events are never rewritten; they are upcast when read.
 */
import type * as z from 'zod';

export type Upcast = (data: never) => unknown;

/** From a schema to one that only allows more. */
export const asItWas: Upcast = (data) => data;

export interface EventDef<S extends z.ZodType = z.ZodType> {
  /** Number of the current schema, from 1. */
  readonly schema: number;
  readonly data: S;
  /** `upcasts[n]` turns data of schema n into data of schema n + 1. */
  readonly upcasts: Readonly<Record<number, Upcast>>;
}

export function event<S extends z.ZodType>(
  schema: number,
  data: S,
  upcasts: Readonly<Record<number, Upcast>> = {},
): EventDef<S> {
  for (let n = 1; n < schema; n++) {
    if (!upcasts[n]) throw new Error(`no upcast from schema ${n} of an event whose schema is ${schema}`);
  }
  return { schema, data, upcasts };
}
