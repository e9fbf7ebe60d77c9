/**
 * Whom a certificate is of: what both ends of a link ask. It needs nothing that makes certificates, which is large: the
 * thread of consensus does without that.
 */
import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';

/** SHA-256 of the public key (SPKI), hex: what the lab pins. */
export const keySha256 = (certificate: X509Certificate): string => hexSha256(spkiOf(certificate.publicKey));

/** Id of the node that the certificate was issued for. */
export function nodeOf(certificate: X509Certificate): string | undefined {
  return /^CN=(.*)$/m.exec(certificate.subject)?.[1];
}

export const isIssuedBy = (certificate: X509Certificate, authority: X509Certificate): boolean =>
  certificate.checkIssued(authority) && certificate.verify(authority.publicKey);

export const spkiOf = (key: KeyObject): Uint8Array<ArrayBuffer> =>
  new Uint8Array(key.export({ type: 'spki', format: 'der' }));

export const hexSha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
