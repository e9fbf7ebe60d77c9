/**
 * The first meeting with a lab over https. Its certificates come from its own authority, which no system knows: the
 * person compares the fingerprint once, and from then on only that authority is trusted for this address.
 */
import { X509Certificate } from 'node:crypto';
import { connect, type TLSSocket, type DetailedPeerCertificate } from 'node:tls';
import { unreachable } from '#ui/client/errors.ts';

export interface Presented {
  /** Whether the authorities of this system vouch for it: then nothing needs to be pinned. */
  readonly trusted: boolean;
  /** The authority's own certificate (PEM), when the server sends it along. */
  readonly authority: { readonly pem: string; readonly fingerprint: string; readonly subject: string } | undefined;
}

/** Looks at what the server presents; sends nothing. @throws UnreachableError */
export function presentedBy(server: string, signal: AbortSignal): Promise<Presented> {
  const { hostname, port } = new URL(server);
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({
      host,
      port: port === '' ? 443 : Number(port),
      ...(isAddress(host) ? {} : { servername: host }),
      // Nothing secret crosses this connection: it is made to look, and closed.
      rejectUnauthorized: false,
      timeout: 10_000,
    });
    const fail = (error: unknown): void => {
      socket.destroy();
      reject(unreachable(server, error));
    };
    const abort = (): void => {
      socket.destroy();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', abort, { once: true });
    socket.on('error', fail);
    socket.on('timeout', () => fail(new Error('no answer within 10 s')));
    socket.on('secureConnect', () => {
      const authority = authorityOf(socket.getPeerCertificate(true));
      resolve({ trusted: socket.authorized, authority });
      socket.destroy();
    });
    socket.on('close', () => signal.removeEventListener('abort', abort));
  });
}

const isAddress = (host: string): boolean => host.includes(':') || /^[\d.]+$/.test(host);

/** The end of the chain, when it signs itself. */
function authorityOf(leaf: DetailedPeerCertificate): Presented['authority'] {
  let certificate = leaf;
  for (let depth = 0; depth < 10; depth++) {
    const issuer = certificate.issuerCertificate as DetailedPeerCertificate | undefined;
    if (!issuer?.raw) return undefined;
    if (issuer.fingerprint256 === certificate.fingerprint256) {
      const found = new X509Certificate(certificate.raw);
      return found.ca || certificate === leaf ? describe(found) : undefined;
    }
    certificate = issuer;
  }
  return undefined;
}

const describe = (found: X509Certificate): NonNullable<Presented['authority']> => ({
  pem: found.toString(),
  fingerprint: found.fingerprint256,
  subject: found.subject.replaceAll('\n', ', '),
});

/** @returns the fingerprint of the first certificate in a PEM text, or undefined when there is none */
export function fingerprintOf(pem: string): string | undefined {
  try {
    return new X509Certificate(pem).fingerprint256;
  } catch {
    return undefined;
  }
}

/** The same fingerprint, however it is written: `AB:CD…`, `abcd…`, `sha256:abcd…`. */
export const sameFingerprint = (a: string, b: string): boolean => bare(a) === bare(b);
const bare = (fingerprint: string): string =>
  fingerprint
    .toLowerCase()
    .replace(/^sha256:/, '')
    .replaceAll(':', '');
