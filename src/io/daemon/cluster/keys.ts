/**
 * The keys of a node and of its lab, as files under `<data>/tls`.
 *
 *   node.key, node.crt   of this node: the key never leaves it
 *   ca.crt               of the lab's authority
 *   ca.key               on voters only, who sign for the others
 *   recovery.sealed      the lab's keys, sealed with the recovery key that the first start has shown once
 *   recovery.unseen      there until it has been shown: a start that failed before made a key that nobody knows
 */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../devices/clock/port.ts';
import { IoError } from '../../devices/error.ts';
import { ensureAuthority, privateContentOf } from '../../pki/authority.ts';
import { isPair, type KeyPair } from '../../pki/ca.ts';
import { issueNode, makeRequest } from '../../pki/node-certificate.ts';
import { isIssuedBy, keySha256 } from '../../pki/node-identity.ts';
import { ensureNodeKey, readNodeCertificate, writeNodeCertificate } from '../../pki/node-files.ts';
import { makeRecoveryKey } from '../../pki/recovery-key.ts';
import { wrapSecrets } from '../../pki/sealed-secrets.ts';
import { isThere, removeFile, replaceFile } from '../../stores/files.ts';
import type { NodeIni } from '../node-ini.ts';

export const tlsDirOf = (dataDir: string): string => join(dataDir, 'tls');

export interface NodeKeys {
  readonly certificate: KeyPair;
  readonly caCert: string;
  /** SHA-256 of its public key, hex: by this the lab knows it. */
  readonly keySha256: string;
}

/** Of the founder of a lab, or of a voter: who has the authority signs for itself. */
export async function ownKeys(options: {
  readonly dataDir: string;
  readonly ini: NodeIni;
  readonly addresses: readonly string[];
  readonly clock: Clock;
  warn(message: string): void;
}): Promise<NodeKeys> {
  const { dataDir, ini, addresses, clock, warn } = options;
  const dir = tlsDirOf(dataDir);
  const key = await ensureNodeKey(dir);
  // The authority of a lab that was joined is not made here: its certificate came with the answer.
  const has = (name: string): Promise<boolean> => isThere(join(dir, name));
  const hasOther = (await has('ca.crt')) && (await has('node.crt')) && !(await has('ca.key'));
  const authority = hasOther ? undefined : await ensureAuthority(dir, clock.now(), warn);
  const caCert = authority?.cert ?? (await readFile(join(dir, 'ca.crt'), 'utf8'));
  const present = await readNodeCertificate(dir, key);
  const isGood = present && isIssuedBy(new X509Certificate(present.cert), new X509Certificate(caCert));
  const lasts = isGood && Date.parse(new X509Certificate(present.cert).validTo) > clock.now();
  if (authority && !lasts) await writeNodeCertificate(dir, await sign(authority, key, ini, addresses, clock));
  const certificate = await readNodeCertificate(dir, key);
  if (certificate) return { certificate, caCert, keySha256: keySha256(new X509Certificate(certificate.cert)) };
  throw new IoError('MISSING', {
    op: 'read',
    target: join(dir, 'node.crt'),
    message: `this node has no certificate of its lab: ${join(dir, 'node.crt')} is missing or of another key`,
    hint: 'Restore it from a backup, or let the machine join anew with an empty data directory.',
  });
}

const sign = async (
  authority: KeyPair,
  key: string,
  { node, lab }: NodeIni,
  addresses: readonly string[],
  clock: Clock,
): Promise<string> =>
  issueNode(authority, await makeRequest(key, node.id), {
    node: node.id,
    cluster: lab.id,
    addresses,
    nowMs: clock.now(),
  });

/** The lab's authority, if it is on this node. @throws IoError PERMISSION */
export async function authorityOf(dataDir: string): Promise<KeyPair | undefined> {
  const dir = tlsDirOf(dataDir);
  const key = await privateContentOf(join(dir, 'ca.key'));
  const cert = await readFile(join(dir, 'ca.crt'), 'utf8').catch(() => undefined);
  return key !== undefined && cert !== undefined && isPair({ cert, key }) ? { cert, key } : undefined;
}

/** A voter keeps the authority's key, too. @throws for a key that is not that of the certificate here */
export async function keepAuthorityKey(dataDir: string, key: string): Promise<void> {
  const dir = tlsDirOf(dataDir);
  const cert = await readFile(join(dir, 'ca.crt'), 'utf8');
  if (!isPair({ cert, key })) throw new Error('this is not the key of the authority that this node knows');
  await replaceFile(join(dir, 'ca.key'), Buffer.from(key), { mode: 0o600 });
}

/** A node that does not vote has it no longer. Gone for good once resolved; the certificate stays. */
export async function removeAuthorityKey(dataDir: string): Promise<void> {
  const path = join(tlsDirOf(dataDir), 'ca.key');
  // A crash may have left it half written beside.
  await removeFile(`${path}.new`);
  await removeFile(path);
}

/** What a machine was told when it was let in. */
export async function keepJoined(dataDir: string, { cert, caCert }: { cert: string; caCert: string }): Promise<void> {
  const dir = tlsDirOf(dataDir);
  await replaceFile(join(dir, 'ca.crt'), Buffer.from(caCert), { mode: 0o644 });
  await writeNodeCertificate(dir, cert);
}

const sealedPath = (dataDir: string): string => join(tlsDirOf(dataDir), 'recovery.sealed');
const unseenPath = (dataDir: string): string => join(tlsDirOf(dataDir), 'recovery.unseen');

/**
 * A node that joined makes none: the paper that a person has is of the copy that the others hold (`sealed-keeper.ts`).
 * @returns the recovery key, once: it is kept nowhere. undefined where somebody was shown one already
 */
export async function ensureRecoveryKey(dataDir: string, ini: NodeIni): Promise<string | undefined> {
  if (ini.lab.wasJoined) return undefined;
  if ((await isThere(sealedPath(dataDir))) && !(await isThere(unseenPath(dataDir)))) return undefined;
  const authority = await authorityOf(dataDir);
  if (!authority) return undefined;
  const key = makeRecoveryKey();
  await replaceFile(unseenPath(dataDir), new Uint8Array(0), { mode: 0o600 });
  const sealed = wrapSecrets(key, {
    'ca.key': authority.key,
    'ca.crt': authority.cert,
    data_key: Buffer.from(ini.lab.dataKey).toString('base64url'),
  });
  await replaceFile(sealedPath(dataDir), Buffer.from(sealed), { mode: 0o600 });
  return key;
}

/** A person has it: from now on there is no other one. */
export async function recoveryKeyWasShown(dataDir: string): Promise<void> {
  if (await isThere(unseenPath(dataDir))) await removeFile(unseenPath(dataDir));
}

export const sealedRecovery = (dataDir: string): Promise<Uint8Array | undefined> =>
  readFile(sealedPath(dataDir)).catch(() => undefined);

export const keepSealedRecovery = (dataDir: string, sealed: Uint8Array): Promise<void> =>
  replaceFile(sealedPath(dataDir), Buffer.from(sealed), { mode: 0o600 });
