/** Why an object is as it is: what it waits for, what is wrong with what repairs it, and what led here, from the log. */
import * as z from 'zod';

const advice = z.object({
  /** One sentence. */
  message: z.string(),
  /** What to do about it. */
  hint: z.string().nullable(),
});

const happened = z.object({
  index: z.int(),
  at: z.int(),
  type: z.string(),
  stream: z.string(),
  /** One sentence. */
  words: z.string(),
  who: z.string(),
  correlation: z.string(),
  /** What a policy had observed when it decided. */
  because: z.record(z.string(), z.unknown()).nullable(),
});
export type Happened = z.infer<typeof happened>;

const decision = happened.extend({
  /** What led to it, the nearest first: each is the cause of the one before. It ends where another decision says the rest. */
  ledBy: z.array(happened),
});
export type WhyDecision = z.infer<typeof decision>;

export const whyAnswer = z.object({
  id: z.string(),
  kind: z.string(),
  namespace: z.string(),
  name: z.string(),
  state: z.string(),
  since: z.int(),
  /** Name of the node that it is on. */
  node: z.string().nullable(),
  /** Index of its assignment, where it has one: whoever holds an older one is refused. */
  epoch: z.int().nullable(),
  /** What has to happen before it goes on. */
  waits: advice.nullable(),
  /** What a node does for it now. */
  work: z.array(z.object({ work: z.string(), node: z.string(), state: z.string(), text: z.string() })),
  /** What is wrong with it, the worst first. */
  troubles: z.array(advice.extend({ severity: z.enum(['critical', 'warning', 'info']) })),
  /** What brought it, and what runs of it, into their present states. Empty once the history of that is dropped. */
  because: z.array(decision),
  /** What else happened to it, the newest first. */
  lately: z.array(happened),
});
export type WhyAnswer = z.infer<typeof whyAnswer>;
