/**
 * Keys and certificates of nodes. A node makes its own key, which never leaves it; what it sends is a request. The
 * authority proves that whoever asks has the key, and ignores what else the request wishes for: which node this is, and
 * at which addresses, the lab says.
 *
 * What identifies a node afterwards is its pinned public key (`node-identity.ts`); the certificate says that the lab's own
 * authority has met it.
 */
import 'reflect-metadata';
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import {
  ExtendedKeyUsage,
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
  PublicKey,
} from '@peculiar/x509';
import { algorithm, importPrivate, issue, provider, type KeyPair } from './ca.ts';
import { hexSha256, spkiOf } from './node-identity.ts';

/** Of a node, unless said otherwise. */
const nodeDays = 90;

class PkiError extends Error {
  readonly code: 'BAD_REQUEST';
  readonly hint: string;
  constructor(explain: string, cause?: unknown) {
    super(explain, { cause });
    this.name = 'PkiError';
    this.code = 'BAD_REQUEST';
    this.hint = 'Both nodes should run the same version of FloatLab; if they do, report this.';
  }
}

/** @returns a private key in PEM */
export function createNodeKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** @returns a certificate request in PEM, signed by the key */
export async function makeRequest(keyPem: string, node: string): Promise<string> {
  const publicKey = await new PublicKey(spkiOf(createPublicKey(keyPem))).export(algorithm, ['verify'], provider);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [node] }],
    keys: { privateKey: await importPrivate(keyPem), publicKey },
    signingAlgorithm: algorithm,
  });
  return request.toString('pem');
}

export interface NodeNames {
  readonly node: string;
  /** Id of the lab. */
  readonly cluster: string;
  /** What is no address is left out. */
  readonly addresses: readonly string[];
  readonly nowMs: number;
  /** Where it is to be valid from an earlier moment on, too. */
  readonly fromMs?: number;
  readonly days?: number;
}

/** @returns the certificate in PEM. @throws PkiError when the request is none, or not signed by the key in it */
export async function issueNode(authority: KeyPair, csr: string, names: NodeNames): Promise<string> {
  const request = readRequest(csr);
  if (!(await request.verify(provider).catch(() => false)))
    throw new PkiError('the certificate request is not signed by the key that it holds');
  const addresses = new Set(names.addresses.map((address) => address.replace(/%.*$/, '').toLowerCase()));
  return issue(authority, {
    subject: [{ O: [names.cluster] }, { CN: [names.node] }],
    publicKey: await request.publicKey.export(algorithm, ['verify'], provider),
    nowMs: names.nowMs,
    ...(names.fromMs === undefined ? {} : { fromMs: names.fromMs }),
    days: names.days ?? nodeDays,
    usages: [ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth],
    names: [names.node, ...[...addresses].filter((address) => isIP(address) !== 0)],
  });
}

/** SHA-256 of the public key (SPKI) in a request, hex. @throws PkiError */
export const keySha256OfRequest = (csr: string): string =>
  hexSha256(new Uint8Array(readRequest(csr).publicKey.rawData));

/** As browsers and openssl write it: `AB:CD:…`. */
export const caFingerprint = (certPem: string): string => new X509Certificate(certPem).fingerprint256;

/**
 * A moment at 50 to 80 % of its validity, milliseconds since 1970, so that the nodes of a lab that began together do
 * not renew together.
 * @param chance uniform in [0, 1)
 */
export function renewAt(certPem: string, chance: number): number {
  const { validFrom, validTo } = new X509Certificate(certPem);
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  return Math.floor(from + (to - from) * (0.5 + 0.3 * chance));
}

/** Of a P-256 key in the usual form; another form of the same key would have another hash. */
const spkiBytes = 91;

function readRequest(csr: string): Pkcs10CertificateRequest {
  let request: Pkcs10CertificateRequest;
  try {
    request = new Pkcs10CertificateRequest(csr);
  } catch (error) {
    throw new PkiError('this is no certificate request', error);
  }
  const { publicKey } = request;
  const isUsual =
    publicKey.rawData.byteLength === spkiBytes &&
    'namedCurve' in publicKey.algorithm &&
    publicKey.algorithm.namedCurve === algorithm.namedCurve;
  if (!isUsual) throw new PkiError(`the key in the certificate request is not of the kind ${algorithm.namedCurve}`);
  return request;
}
