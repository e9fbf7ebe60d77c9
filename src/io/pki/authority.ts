/**
 * The lab's certificate authority on disk. Browsers, phones and command lines were told to trust it, one by one: so an
 * authority that is there is never replaced by itself, whatever is wrong with it. A clock that went back to 1970, a
 * file that is missing after a restore, a disk that lies: all of them are for a person.
 *
 *   neither file                      the first start: a new authority
 *   ca.crt alone, nothing signed yet  a first start that was cut off: a new authority
 *   a pair, not yet valid             refused: the clock is wrong
 *   a pair that runs out              the same key signs another ten years; the old certificate is kept aside
 *   anything else                     refused, with what to do
 */
import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { IoError } from '../devices/error.ts';
import { replaceFile } from '../stores/files.ts';
import { createAuthority, dayMs, isPair, renewAuthority, serverDays, type KeyPair } from './ca.ts';

/** @param warn told when people have something to do. @throws IoError INVALID, PERMISSION */
export async function ensureAuthority(dir: string, nowMs: number, warn: (message: string) => void): Promise<KeyPair> {
  const [certPath, keyPath] = [join(dir, 'ca.crt'), join(dir, 'ca.key')];
  const [cert, key] = [await contentOf(certPath), await privateContentOf(keyPath)];
  if (key === undefined) {
    const signed = await Promise.all(['server.crt', 'node.crt'].map((name) => contentOf(join(dir, name))));
    const isFirst = cert === undefined || signed.every((found) => found === undefined);
    if (!isFirst) throw broken(dir, `${certPath} is there, and its key ${keyPath} is not`);
    return make(certPath, keyPath, nowMs);
  }
  if (cert === undefined) throw broken(dir, `${keyPath} is there, and its certificate ${certPath} is not`);
  if (!isPair({ cert, key })) throw broken(dir, `${certPath} and ${keyPath} are damaged, or do not belong together`);
  const { validFrom, validTo } = new X509Certificate(cert);
  if (nowMs < Date.parse(validFrom)) throw notYet(certPath, Date.parse(validFrom), nowMs);
  // It must outlive what it signs now.
  if (nowMs + serverDays * dayMs <= Date.parse(validTo)) return { cert, key };
  return renew(certPath, { cert, key }, nowMs, warn);
}

/** The key comes last: without one nothing was ever signed. */
async function make(certPath: string, keyPath: string, nowMs: number): Promise<KeyPair> {
  const made = await createAuthority(nowMs);
  await replaceFile(certPath, Buffer.from(made.cert), { mode: 0o600 });
  await replaceFile(keyPath, Buffer.from(made.key), { mode: 0o600 });
  return made;
}

async function renew(
  certPath: string,
  present: KeyPair,
  nowMs: number,
  warn: (message: string) => void,
): Promise<KeyPair> {
  const { validTo } = new X509Certificate(present.cert);
  const aside = certPath.replace(/\.crt$/, `-until-${dateOf(Date.parse(validTo))}.crt`);
  const renewed = await renewAuthority(present, nowMs);
  await replaceFile(aside, Buffer.from(present.cert), { mode: 0o600 });
  await replaceFile(certPath, Buffer.from(renewed.cert), { mode: 0o600 });
  warn(
    `the certificate of the lab's authority runs out on ${dateOf(Date.parse(validTo))}: its key has signed a new one, ` +
      `which browsers and command lines must be told to trust; the old one is kept as ${aside}`,
  );
  return renewed;
}

const contentOf = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined;
    throw unreadable(path, error);
  });

/** @throws IoError PERMISSION when others may read it */
export async function privateContentOf(path: string, hint = keyHint(path)): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found && (found.mode & 0o077) !== 0)
    throw new IoError('PERMISSION', {
      op: 'read',
      target: path,
      message: `others may read ${path} (mode ${(found.mode & 0o777).toString(8)}), and it is a private key`,
      hint,
    });
  return contentOf(path);
}

const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

const anew = (dir: string): string =>
  `Restore ca.crt and ca.key in ${dir} from your backup. Without one, move both away: a new authority is made, which ` +
  'every browser and command line must be told to trust.';

const keyHint = (path: string): string =>
  `Run: chmod 600 ${path}. If others could read it, move ca.crt and ca.key away instead: a new authority is made, ` +
  'which every browser and command line must be told to trust.';

const about = (dir: string) => ({ op: 'read the authority', target: dir });

const broken = (dir: string, message: string): IoError =>
  new IoError('INVALID', { ...about(dir), message: `the lab's authority cannot be used: ${message}`, hint: anew(dir) });

const unreadable = (path: string, error: unknown): IoError =>
  new IoError('FAILED', {
    ...about(path),
    message: `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    hint: 'Look at the permissions, and whether the disk is well. Nothing was changed.',
    cause: error,
  });

const notYet = (path: string, fromMs: number, nowMs: number): IoError =>
  new IoError('INVALID', {
    ...about(path),
    message: `the lab's authority is valid from ${dateOf(fromMs)} on, and the clock of this machine says ${dateOf(nowMs)}`,
    hint: 'Set the clock (see "timedatectl"), then start again. Nothing was changed.',
  });
