/**
 * The certificate that people's browsers see: issued by the lab's own authority for the names and addresses of this
 * machine, for 90 days, renewed a month before it runs out. The authority's certificate is sent along, so that the
 * command line can show its fingerprint and, once a person has compared it, trust it alone.
 *
 *   <dir>/ca.crt  ca.key          the authority, which nothing here replaces (pki/authority.ts)
 *   <dir>/server.crt  server.key  replaced when they run out, or when this machine has another name or address
 */
import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Clock, Timer } from '../devices/clock/port.ts';
import { IoError } from '../devices/error.ts';
import { replaceFile } from '../stores/files.ts';
import { ensureAuthority, privateContentOf } from '../pki/authority.ts';
import { dayMs, isPair, issueServer, type KeyPair } from '../pki/ca.ts';

export interface ServerCertificate {
  /** PEM: the server's, then the authority's. */
  readonly cert: string;
  readonly key: string;
  readonly caCert: string;
  /** SHA-256 of the authority's certificate, as browsers and openssl write it: `AB:CD:…`. */
  readonly fingerprint: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface CertificateWishes {
  readonly dir: string;
  /** Names in DNS; what is an address is taken for one. */
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  readonly clock: Pick<Clock, 'now'>;
  /** Told what people have to do about it. */
  warn?(message: string): void;
}

const renewBeforeMs = 30 * dayMs;

/** Finds or makes it, and renews it when it is due. @throws IoError PERMISSION, INVALID, FAILED */
export async function ensureServerCertificate(wishes: CertificateWishes): Promise<ServerCertificate> {
  const { dir, clock } = wishes;
  const now = clock.now();
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await chmod(dir, 0o700);
    const authority = await ensureAuthority(dir, now, (message) => wishes.warn?.(message));
    const names = namesOf(wishes);
    const present = await readPair(dir);
    const server =
      present && isGood(present.cert, authority.cert, names, now)
        ? present
        : await keep(dir, await issueServer(authority, names, now));
    return chainOf(server, authority.cert);
  } catch (error) {
    if (error instanceof IoError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new IoError('FAILED', {
      op: 'make certificates',
      target: dir,
      message: `cannot make the certificate of this node in ${dir}: ${why}`,
      hint: 'Look at the permissions and the free space of the data directory.',
      cause: error,
    });
  }
}

/**
 * What is there of a server's certificate, if that authority signed it and it is not due yet: for a node that cannot
 * issue another one. @throws IoError PERMISSION
 */
export async function readServerCertificate(
  dir: string,
  caCert: string,
  now: number,
): Promise<ServerCertificate | undefined> {
  const server = await readPair(dir);
  if (!server || !lasts(server.cert, now, renewBeforeMs)) return undefined;
  return new X509Certificate(server.cert).verify(new X509Certificate(caCert).publicKey)
    ? chainOf(server, caCert)
    : undefined;
}

const chainOf = ({ cert, key }: KeyPair, caCert: string): ServerCertificate => ({
  cert: `${cert.trim()}\n${caCert.trim()}\n`,
  key,
  caCert,
  fingerprint: new X509Certificate(caCert).fingerprint256,
  expiresAt: Date.parse(new X509Certificate(cert).validTo),
});

const lookEveryMs = 6 * 60 * 60 * 1000;

export interface KeptCertificate {
  /** At once. */
  look(): void;
  stop(): void;
}

/** Looks from time to time whether there is to be another one: it is due, or this machine has other names meanwhile. */
export function keepServerCertificate(options: {
  readonly present: ServerCertificate;
  readonly clock: Clock;
  /** As it is to be at that moment. */
  find(): Promise<ServerCertificate>;
  /** A new one is there: hand it to the server. */
  onRenewed(renewed: ServerCertificate): void;
  onFailed(error: unknown): void;
}): KeptCertificate {
  const { clock } = options;
  let { present } = options;
  let isStopped = false;
  let timer: Timer | undefined;
  let looking: Promise<void> = Promise.resolve();
  const lookNow = async (): Promise<void> => {
    if (isStopped) return;
    try {
      const found = await options.find();
      if (found.cert !== present.cert && !isStopped) {
        present = found;
        options.onRenewed(found);
      }
    } catch (error) {
      if (!isStopped) options.onFailed(error);
    }
    if (!isStopped) wait();
  };
  const wait = (): void => {
    if (timer !== undefined) clock.clearTimeout(timer);
    timer = clock.setTimeout(look, lookEveryMs);
  };
  // One after the other: the last one looks when all that it was called for has happened.
  const look = (): void => void (looking = looking.then(lookNow));
  wait();
  return {
    look,
    stop: () => {
      isStopped = true;
      if (timer !== undefined) clock.clearTimeout(timer);
    },
  };
}

/** In a form in which they can be compared; what no certificate can name is left out. */
function namesOf({ names, addresses }: CertificateWishes): readonly string[] {
  const dns = names
    .map((name) => name.toLowerCase())
    .filter((name) => isIP(name) === 0 && /^(?=.{1,253}$)[a-z0-9-]+(?:\.[a-z0-9-]+)*$/.test(name));
  const ips = [...names, ...addresses]
    .map((address) => address.replace(/%.*$/, '').toLowerCase())
    .filter((address) => isIP(address) !== 0);
  const all = [...new Set([...dns, ...ips])];
  return all.length === 0 ? ['localhost'] : all;
}

/** Names must be these and no others; addresses may be fewer by now: they come and go with networks. */
function isGood(cert: string, authority: string, names: readonly string[], now: number): boolean {
  const [own, issuer] = [new X509Certificate(cert), new X509Certificate(authority)];
  return (
    own.verify(issuer.publicKey) &&
    lasts(cert, now, renewBeforeMs) &&
    names.every((name) => (isIP(name) === 0 ? own.checkHost(name) : own.checkIP(name)) !== undefined) &&
    dnsNamesOf(own).every((name) => names.includes(name))
  );
}

const dnsNamesOf = ({ subjectAltName = '' }: X509Certificate): readonly string[] =>
  subjectAltName.split(', ').flatMap((name) => (name.startsWith('DNS:') ? [name.slice('DNS:'.length)] : []));

/** Whether it is valid now and for a while. A clock that was wrong when it was made is seen, too. */
function lasts(cert: string, now: number, forMs: number): boolean {
  const { validFrom, validTo } = new X509Certificate(cert);
  return Date.parse(validFrom) <= now && Date.parse(validTo) >= now + forMs;
}

/** @returns undefined when it is not there, or is no pair of key and certificate: another one can be issued */
async function readPair(dir: string): Promise<KeyPair | undefined> {
  const keyPath = join(dir, 'server.key');
  const hint = `If others could read it, remove ${keyPath}: a new one is made. Else run: chmod 600 ${keyPath}`;
  const key = await privateContentOf(keyPath, hint);
  const cert = await readFile(join(dir, 'server.crt'), 'utf8').catch(() => undefined);
  return key !== undefined && cert !== undefined && isPair({ cert, key }) ? { cert, key } : undefined;
}

async function keep(dir: string, pair: KeyPair): Promise<KeyPair> {
  // A crash in between leaves two that do not belong together, which the next start sees.
  await replaceFile(join(dir, 'server.key'), Buffer.from(pair.key), { mode: 0o600 });
  await replaceFile(join(dir, 'server.crt'), Buffer.from(pair.cert), { mode: 0o600 });
  return pair;
}
