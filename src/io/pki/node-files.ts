/**
 * The key and the certificate of this node on disk. The key is made once and never changes, so that a crash between
 * the two files, or a certificate that is lost, costs nothing but a new certificate.
 *
 *   <data>/tls/node.key   made at the first start; never leaves the machine
 *   <data>/tls/node.crt   replaced at every renewal
 */
import { createPrivateKey } from 'node:crypto';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IoError } from '../devices/error.ts';
import { replaceFile } from '../stores/files.ts';
import { privateContentOf } from './authority.ts';
import { isPair, type KeyPair } from './ca.ts';
import { createNodeKey } from './node-certificate.ts';

const keyPath = (dir: string): string => join(dir, 'node.key');
const certPath = (dir: string): string => join(dir, 'node.crt');

/**
 * Finds the key or, where there is none, makes one.
 * @returns PEM
 * @throws IoError INVALID when it is damaged, PERMISSION when others may read it, FAILED
 */
export async function ensureNodeKey(dir: string): Promise<string> {
  const path = keyPath(dir);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await chmod(dir, 0o700);
  const found = await privateContentOf(path, `Run: chmod 600 ${path}. If others could read it, ${anew}`);
  if (found === undefined) {
    const made = createNodeKey();
    await replaceFile(path, Buffer.from(made), { mode: 0o600 });
    return made;
  }
  try {
    createPrivateKey(found);
    return found;
  } catch (error) {
    throw new IoError('INVALID', {
      op: 'read',
      target: path,
      message: `${path} is damaged: it holds no private key`,
      hint: `Restore it from a backup; without one, ${anew}`,
      cause: error,
    });
  }
}

const anew = 'remove the node from the lab and let it join anew: the lab knows it by this key.';

/** @returns undefined when there is none for this key: another one can be had */
export async function readNodeCertificate(dir: string, key: string): Promise<KeyPair | undefined> {
  const cert = await readFile(certPath(dir), 'utf8').catch(() => undefined);
  return cert !== undefined && isPair({ cert, key }) ? { cert, key } : undefined;
}

/** Durable once resolved. */
export const writeNodeCertificate = (dir: string, cert: string): Promise<void> =>
  replaceFile(certPath(dir), Buffer.from(cert), { mode: 0o600 });
