/** Reading what a request brings: JSON and nothing else, up to a size, and only what the schema knows. */
import type { z } from 'zod';
import type { RouteContext } from './parts.ts';
import { fail, ProblemError } from './problems.ts';
import { problemOf } from '#io/contract/problem.ts';

const maxBodyBytes = 8 * 1024 * 1024;

/** @returns undefined when there is no body. @throws ProblemError INVALID, TOO_LARGE */
export async function readJson(c: RouteContext): Promise<unknown> {
  const length = c.req.header('content-length');
  if (length !== undefined && Number(length) > maxBodyBytes) throw tooLarge();
  if (length === '0' || (length === undefined && c.req.header('transfer-encoding') === undefined)) return undefined;
  const bytes = length === undefined ? await readChunks(c) : new Uint8Array(await c.req.arrayBuffer());
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

/** A body that does not say how long it is. */
async function readChunks(c: RouteContext): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  const reader = c.req.raw.body?.getReader();
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    total += next.value.length;
    if (total > maxBodyBytes) {
      void reader?.cancel().catch(() => undefined);
      throw tooLarge();
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

const tooLarge = (): ProblemError =>
  fail('TOO_LARGE', 'The body is larger than 8 MiB.', { hint: 'Send less at once.' });

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
