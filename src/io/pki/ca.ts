/**
 * The lab's own certificate authority: people trust it once, and every certificate that it issues after that.
 *
 * Elliptic keys (P-256), because every browser takes them and a small board signs with them in a millisecond. The
 * authority may sign servers and nothing below it.
 */
import 'reflect-metadata';
import { createPublicKey, randomBytes, webcrypto, X509Certificate as NodeCertificate } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

export const provider = webcrypto as Crypto;
cryptoProvider.set(provider);

/** Certificate and private key, in PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export const dayMs = 24 * 60 * 60 * 1000;
const authorityDays = 3650;
export const serverDays = 90;
/** Clocks of small machines are late before they have asked somebody. */
const earlierMs = dayMs;

export const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export async function createAuthority(nowMs: number): Promise<KeyPair> {
  const keys = await newKeys();
  const name = `FloatLab lab authority ${randomBytes(4).toString('hex')}`;
  const cert = await X509CertificateGenerator.createSelfSigned({
    name: [{ O: ['FloatLab'] }, { CN: [name] }],
    keys,
    signingAlgorithm: algorithm,
    ...period(nowMs, authorityDays),
    extensions: await authorityExtensions(keys.publicKey),
  });
  return { cert: cert.toString('pem'), key: await privatePem(keys.privateKey) };
}

/**
 * The same name and key for another ten years: what it has signed stays good. Valid since the first one was: a clock
 * that was ahead when this was made does no harm once it is right.
 */
export async function renewAuthority({ cert, key }: KeyPair, nowMs: number): Promise<KeyPair> {
  const present = new X509Certificate(cert);
  const publicKey = await present.publicKey.export(algorithm, ['verify'], cryptoProvider.get());
  const { serialNumber, notAfter, notBefore } = period(nowMs, authorityDays);
  const renewed = await X509CertificateGenerator.create({
    subject: present.subjectName,
    issuer: present.subjectName,
    publicKey,
    signingKey: await importPrivate(key),
    signingAlgorithm: algorithm,
    serialNumber,
    notAfter,
    notBefore: present.notBefore < notBefore ? present.notBefore : notBefore,
    extensions: await authorityExtensions(publicKey),
  });
  return { cert: renewed.toString('pem'), key };
}

const authorityExtensions = async (publicKey: CryptoKey): Promise<Extension[]> => [
  new BasicConstraintsExtension(true, 0, true),
  new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
  await SubjectKeyIdentifierExtension.create(publicKey),
];

/** @param names DNS names and addresses that it is valid for; at least one */
export async function issueServer(authority: KeyPair, names: readonly string[], nowMs: number): Promise<KeyPair> {
  const [first] = names;
  if (first === undefined) throw new Error('a server certificate needs a name');
  const { publicKey, privateKey } = await newKeys();
  const cert = await issue(authority, {
    subject: [{ O: ['FloatLab'] }, { CN: [first.slice(0, 64)] }],
    publicKey,
    nowMs,
    days: serverDays,
    usages: [ExtendedKeyUsage.serverAuth],
    names,
  });
  return { cert, key: await privatePem(privateKey) };
}

/** @returns PEM */
export async function issue(
  authority: KeyPair,
  wish: {
    readonly subject: JsonName;
    readonly publicKey: CryptoKey;
    readonly nowMs: number;
    /** Where it is to be valid from an earlier moment on, too. */
    readonly fromMs?: number;
    readonly days: number;
    readonly usages: readonly ExtendedKeyUsage[];
    /** In DNS, or addresses. */
    readonly names: readonly string[];
  },
): Promise<string> {
  const issuer = new X509Certificate(authority.cert);
  const cert = await X509CertificateGenerator.create({
    subject: wish.subject,
    issuer: issuer.subjectName,
    publicKey: wish.publicKey,
    signingKey: await importPrivate(authority.key),
    signingAlgorithm: algorithm,
    ...period(wish.nowMs, wish.days, wish.fromMs),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([...wish.usages]),
      new SubjectAlternativeNameExtension(
        wish.names.map((name) => ({ type: isIP(name) === 0 ? ('dns' as const) : ('ip' as const), value: name })),
      ),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      await SubjectKeyIdentifierExtension.create(wish.publicKey),
    ],
  });
  return cert.toString('pem');
}

/** Whether key and certificate belong together, and can be read at all. */
export function isPair({ cert, key }: KeyPair): boolean {
  try {
    const { publicKey } = new NodeCertificate(cert);
    return publicKey.equals(createPublicKey(key));
  } catch {
    return false;
  }
}

const newKeys = async (): Promise<CryptoKeyPair> =>
  (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;

const period = (
  nowMs: number,
  days: number,
  fromMs = nowMs,
): { serialNumber: string; notBefore: Date; notAfter: Date } => ({
  // The first bit clear and not all zeros: a positive number whatever chance says.
  serialNumber: `4${randomBytes(16).toString('hex').slice(1)}`,
  notBefore: new Date(Math.min(nowMs, fromMs) - earlierMs),
  notAfter: new Date(nowMs + days * dayMs),
});

const privatePem = async (key: CryptoKey): Promise<string> =>
  PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');

export const importPrivate = async (pem: string): Promise<CryptoKey> =>
  (await webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(pem), algorithm, false, ['sign'])) as CryptoKey;
