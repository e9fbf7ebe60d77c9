/**
 * The certificate that people see of this node, and how it stays good while the node runs.
 *
 *   a voter        has the authority's key, and issues one for all names of its machine
 *   another node   shows the one by which the other nodes know it, for the machine's addresses; a voter signed that
 *
 * Which of the two holds is looked at anew each time: votes come and go, and each renewal of the node's own certificate
 * is one of these, too.
 */
import { X509Certificate } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Clock } from '../devices/clock/port.ts';
import { realHost } from '../devices/host/real.ts';
import {
  ensureServerCertificate,
  keepServerCertificate,
  readServerCertificate,
  type CertificateWishes,
  type ServerCertificate,
} from '../http/tls.ts';
import type { KeyPair } from '../pki/ca.ts';
import { authorityOf, tlsDirOf } from './cluster/keys.ts';

export interface HttpsParts {
  readonly dataDir: string;
  /** Names by which people reach this machine, beside its own. */
  readonly hostNames: readonly string[];
  /** PEM of the lab's authority. */
  readonly caCert: string;
  /** Of this node among the others, as it is at that moment. */
  certificate(): KeyPair;
  /** @returns the way out */
  onCertificate(listener: () => void): () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** @throws IoError */
export async function serverCertificateOf(parts: HttpsParts): Promise<ServerCertificate> {
  const { dataDir, caCert, clock } = parts;
  if (await authorityOf(dataDir)) return ensureServerCertificate(await wishesOf(parts));
  // Of a time when this node voted: as long as it lasts, nobody has to get used to another one.
  const former = await readServerCertificate(tlsDirOf(dataDir), caCert, clock.now());
  if (former) return former;
  const { cert, key } = parts.certificate();
  return {
    cert: `${cert.trim()}\n${caCert.trim()}\n`,
    key,
    caCert,
    fingerprint: new X509Certificate(caCert).fingerprint256,
    expiresAt: Date.parse(new X509Certificate(cert).validTo),
  };
}

/** Hands each new one to the server, whose connections go on. @returns the way out */
export function keepHttps(
  parts: HttpsParts,
  present: ServerCertificate,
  setTls: (renewed: ServerCertificate) => void,
): () => void {
  const { clock, log } = parts;
  const kept = keepServerCertificate({
    present,
    clock,
    find: () => serverCertificateOf(parts),
    onRenewed: (renewed) => {
      log.info({ expiresAt: new Date(renewed.expiresAt).toISOString() }, 'the server certificate was renewed');
      setTls(renewed);
    },
    onFailed: (error) => log.error({ error: String(error) }, 'the server certificate could not be renewed'),
  });
  const unlisten = parts.onCertificate(() => kept.look());
  return () => {
    unlisten();
    kept.stop();
  };
}

async function wishesOf({ dataDir, hostNames, clock, log }: HttpsParts): Promise<CertificateWishes> {
  const { signal } = new AbortController();
  const { addresses } = await realHost().facts({ signal, timeoutMs: 5000, progress: () => {} });
  return {
    dir: tlsDirOf(dataDir),
    names: ['localhost', hostname(), ...hostNames],
    addresses: ['127.0.0.1', '::1', ...addresses],
    clock,
    warn: (message) => log.warn(message),
  };
}
