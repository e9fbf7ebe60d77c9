/** Reading what a request brings: JSON and nothing else, up to a size, in time, and only what the schema knows. */
import { formatSize } from '#events/values/size.ts';
import type * as z from 'zod';
import type { Clock } from '../devices/clock/port.ts';
import { deadline } from './deadline.ts';
import type { RouteContext } from './parts.ts';
import { fail, ProblemError } from './problems.ts';
import { problemOf } from '#io/contract/problem.ts';

export interface BodyLimits {
  readonly maxBytes: number;
  /** By this clock, and no longer; the server's own limit holds in any case. */
  readonly within?: { readonly clock: Clock; readonly ms: number };
}

const ofThoseSignedIn: BodyLimits = { maxBytes: 8 * 1024 * 1024 };

/** Whoever is not signed in has little to say, and no time to say it: thousands of them must not fill the memory. */
export const ofStrangers = (clock: Clock): BodyLimits => ({ maxBytes: 8 * 1024, within: { clock, ms: 10_000 } });

/** @returns undefined when there is no body. @throws ProblemError INVALID, TOO_LARGE */
export async function readJson(c: RouteContext, limits = ofThoseSignedIn): Promise<unknown> {
  const length = c.req.header('content-length');
  if (length !== undefined && Number(length) > limits.maxBytes) throw tooLarge(limits);
  if (length === '0' || (length === undefined && c.req.header('transfer-encoding') === undefined)) return undefined;
  const bytes = await inTime(readAll(c, limits), limits);
  if (bytes.length === 0) return undefined;
  const type = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw fail('INVALID', `The body is ${type ?? 'of no type'}, not application/json.`, {
      hint: 'Send JSON with the header Content-Type: application/json.',
    });
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const why = error instanceof SyntaxError ? error.message : 'it is not UTF-8';
    throw fail('INVALID', `The body is not valid JSON: ${why.slice(0, 200)}.`);
  }
}

/** Whatever it says about its length: no more than this is ever held. */
async function readAll(c: RouteContext, limits: BodyLimits): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  const reader = c.req.raw.body?.getReader();
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    total += next.value.length;
    if (total > limits.maxBytes) {
      void reader?.cancel().catch(() => undefined);
      throw tooLarge(limits);
    }
    chunks.push(next.value);
  }
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** What comes after the answer is thrown away, and its connection ends. */
async function inTime<T>(reading: Promise<T>, { within }: BodyLimits): Promise<T> {
  if (!within) return reading;
  const limit = deadline(within.clock, within.ms);
  const late = new Promise<never>((_, reject) => {
    limit.signal.addEventListener('abort', () =>
      reject(fail('INVALID', `The body did not arrive within ${within.ms / 1000} s.`)),
    );
  });
  // Whichever comes second has nobody to tell.
  reading.catch(() => undefined);
  try {
    return await Promise.race([reading, late]);
  } finally {
    limit.done();
  }
}

const tooLarge = ({ maxBytes }: BodyLimits): ProblemError =>
  fail('TOO_LARGE', `The body is larger than ${formatSize(maxBytes)}.`, { hint: 'Send less at once.' });

/** The body as an object; absent is empty. @throws ProblemError INVALID */
export async function readObject(c: RouteContext): Promise<Readonly<Record<string, unknown>>> {
  const body = await readJson(c);
  if (body === undefined) return {};
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw fail('INVALID', 'The body is not a JSON object.');
  }
  return body as Record<string, unknown>;
}

/** @throws ProblemError INVALID with the fields that are wrong */
export function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.slice(0, 20).map(({ path, message }) => ({ path: path.join('.'), message }));
  const first = fields[0];
  const detail = first ? `${first.path === '' ? 'The body' : first.path}: ${first.message}.` : 'The body is not valid.';
  throw new ProblemError(problemOf('INVALID', detail, { fields }));
}
