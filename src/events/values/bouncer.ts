/** Rules for nodes that ask to join without a token: the first that fits decides. Who they fit is in `actors/cluster`. */
import * as z from 'zod';
import { addressRange } from './address.ts';
import { labels } from './name.ts';

/** A name with `*` for any characters and `?` for one. */
const nameGlob = z.string().regex(/^[a-z0-9*?-]{1,63}$/, 'not a pattern of names: use a–z, 0–9, "-", "*" and "?"');

export const bouncerRule = z.strictObject({
  /** All of the conditions that are there must hold; without any the rule fits every node. */
  name: nameGlob.exactOptional(),
  address: addressRange.exactOptional(),
  labels: labels.exactOptional(),
  do: z.enum(['admit', 'ask', 'refuse']),
});
export type BouncerRule = z.infer<typeof bouncerRule>;

export const bouncerRules = z.array(bouncerRule).max(100);
