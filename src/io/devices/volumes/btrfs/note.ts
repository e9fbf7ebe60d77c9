/** Notes of FloatLab beside a dataset: small JSON files that are whole or not there. */
import { readFile } from 'node:fs/promises';
import type * as z from 'zod';
import { replaceFile } from '../../../stores/files.ts';
import { IoError } from '../../error.ts';

/** On disk once resolved. */
export const writeNote = (path: string, content: object, temp?: string): Promise<void> =>
  replaceFile(path, Buffer.from(`${JSON.stringify(content)}\n`), {
    mode: 0o600,
    ...(temp === undefined ? {} : { temp }),
  });

/** @param hint what a person can do about one that says nothing @returns undefined without the file @throws IoError DAMAGED */
export async function readNote<T>(
  path: string,
  schema: z.ZodType<T>,
  op: string,
  hint: string,
): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const message = `${path} cannot be understood: ${JSON.stringify(text.slice(0, 100))}`;
  throw new IoError('DAMAGED', { op, target: path, message, hint });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
