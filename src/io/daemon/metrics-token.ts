/**
 * `metrics-token` in the data directory: what Prometheus shows to read `/metrics` (`authorization.credentials_file`).
 * Made at the first start, kept until somebody removes the file: then the next start makes another one, and the old one
 * is worth nothing.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asIoError, IoError } from '../devices/error.ts';
import { replaceFile } from '../stores/files.ts';

export const metricsTokenPath = (dataDir: string): string => join(dataDir, 'metrics-token');

/** @returns the token @throws IoError INVALID, FAILED */
export async function ensureMetricsToken(dataDir: string): Promise<string> {
  const path = metricsTokenPath(dataDir);
  try {
    const known = (await readFile(path, 'utf8').catch(unlessMissing))?.trim();
    if (known === undefined) return await make(path);
    if (/^[\w.~+/=-]{32,512}$/.test(known)) return known;
  } catch (error) {
    throw asIoError(error, 'read', path);
  }
  throw new IoError('INVALID', {
    op: 'read',
    target: path,
    message: `${path} holds no token: it needs 32 letters and digits or more, in one line`,
    hint: `Remove it: a new one is made. Run: rm ${path}`,
  });
}

async function make(path: string): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  await replaceFile(path, Buffer.from(`${token}\n`), { mode: 0o600 });
  return token;
}

function unlessMissing(error: unknown): undefined {
  if ((error as { code?: unknown }).code === 'ENOENT') return undefined;
  throw error;
}
