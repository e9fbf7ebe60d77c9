/**
 * Whose certificate is this? The same check at both ends of a connection. TLS has proven already that the other end
 * holds the key; here it is asked whether that is the key which the lab has pinned for the node, and whether the lab's
 * own authority has issued the certificate.
 *
 * A certificate that has run out is good for renewing it, and for nothing else. One that is not valid yet is taken: a
 * small board without a clock begins in 1970, and it is the pinned key that says who somebody is.
 */
import { X509Certificate } from 'node:crypto';
import { isIssuedBy, keySha256, nodeOf } from '../pki/node-identity.ts';
import type { Refusal } from './errors.ts';
import { no } from './hello.ts';
import type { Admission, Admitted } from './identity.ts';
import type { Purpose } from './purpose.ts';

export interface Proven {
  readonly node: string;
  readonly admitted: Admitted;
}

export function judgeCertificate(options: {
  readonly certificate: X509Certificate | undefined;
  /** PEM of the lab's authority. */
  readonly caCert: string;
  readonly admission: Admission;
  readonly purpose: Purpose;
  readonly nowMs: number;
}): Proven | Refusal {
  const { certificate, purpose } = options;
  if (!certificate) {
    return no('NO_CERTIFICATE', 'no certificate was shown', 'Only nodes of the lab talk here: join it with a token.');
  }
  const authority = new X509Certificate(options.caCert);
  const node = nodeOf(certificate);
  if (!isIssuedBy(certificate, authority) || node === undefined) {
    return no(
      'WRONG_CA',
      'the certificate was not issued by the authority of this lab',
      'There are two labs on this network, or the node has joined another one: check the addresses.',
    );
  }
  const admitted = options.admission(node);
  if (!admitted) {
    return no(
      'NOT_ADMITTED',
      `node ${node} does not belong to the lab, or was removed from it`,
      'If it should belong to it, let it join with a new token.',
    );
  }
  if (keySha256(certificate) !== admitted.keySha256) {
    return no(
      'WRONG_KEY',
      `the key of node ${node} is not the one that the lab has pinned for it`,
      'If the machine was set up anew, let it join with a new token. If the lab was restored from a snapshot, every ' +
        'other node joins anew. If neither, somebody pretends to be that node.',
    );
  }
  if (purpose !== 'renew' && Date.parse(certificate.validTo) <= options.nowMs) {
    return no(
      'EXPIRED',
      `the certificate of node ${node} ran out on ${new Date(certificate.validTo).toISOString().slice(0, 10)}`,
      'The node renews it by itself once it reaches the lab. If it ran out too early, check the clocks.',
    );
  }
  return { node, admitted };
}
