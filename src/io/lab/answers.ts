/** What the leader answers to a command of another node, read strictly: it may run another version, or not be well. */
import * as z from 'zod';
import { rejectionCodes, type RejectionCode } from '#actors/rejection.ts';
import type { RunResult } from './port.ts';

const text = z.string().max(64 * 1024);
const place = z.int().min(0);
const rejected = z.object({
  // A code that this version does not know says that it is not possible now; its words say why.
  code: z.enum(Object.keys(rejectionCodes) as [RejectionCode, ...RejectionCode[]]).catch('NOT_NOW'),
  explain: text,
  hint: text.exactOptional(),
  fields: z
    .array(z.object({ path: text, message: text }))
    .max(1000)
    .exactOptional(),
  findings: z
    .array(
      z.object({
        path: text,
        file: text,
        line: place,
        column: place,
        message: text,
        hint: text.exactOptional(),
        frame: text,
      }),
    )
    .max(1000)
    .exactOptional(),
});
const done = z.object({
  index: place,
  unchanged: z.boolean(),
  // What carries it makes null of what is not there.
  operation: z
    .string()
    .regex(/^operation:.{1,255}$/)
    .nullish()
    .transform((found) => found ?? undefined),
  events: z.array(
    z.object({
      stream: z.string().regex(/^[a-z]{1,32}:.{1,255}$/),
      type: z.string().max(128),
      data: z.unknown(),
      words: text,
    }),
  ),
  changes: z.array(text).exactOptional(),
});

/** @returns undefined for what is no answer to a command */
export function readRunResult(said: unknown): RunResult | undefined {
  const parsed = z.union([z.object({ rejected }), done]).safeParse(said);
  return parsed.data as RunResult | undefined;
}
