import 'reflect-metadata';
import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { createServer, connect, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { PemConverter, Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { createAuthority, isPair, issueServer, renewAuthority, type KeyPair } from '#io/pki/ca.ts';
import {
  caFingerprint,
  createNodeKey,
  issueNode,
  keySha256OfRequest,
  makeRequest,
  renewAt,
} from '#io/pki/node-certificate.ts';
import { isIssuedBy, keySha256, nodeOf } from '#io/pki/node-identity.ts';

const nowMs = Date.parse('2026-11-21T12:00:00Z');
const dayMs = 86_400_000;
const names = {
  node: 'V1StGXR8_Z5jdHi6B-myT',
  cluster: 'lab-1',
  addresses: ['10.0.0.7', 'fe80::1%eth0', 'atlas.lan'],
  nowMs,
};
let authority: KeyPair;
beforeAll(async () => {
  authority = await createAuthority(nowMs);
});

describe('the certificate of a node', () => {
  test('says what the lab says, whatever the request wished for', async () => {
    const key = createNodeKey();
    const certificate = new X509Certificate(await issueNode(authority, await makeRequest(key, 'root'), names));
    expect(certificate.subject).toBe('O=lab-1\nCN=V1StGXR8_Z5jdHi6B-myT');
    expect(nodeOf(certificate)).toBe(names.node);
    expect(certificate.subjectAltName).toBe(
      'DNS:V1StGXR8_Z5jdHi6B-myT, IP Address:10.0.0.7, IP Address:FE80:0:0:0:0:0:0:1',
    );
    // Server and client, and no authority.
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(certificate.ca).toBe(false);
    expect(Date.parse(certificate.validTo) - nowMs).toBe(90 * dayMs);
    expect(isIssuedBy(certificate, new X509Certificate(authority.cert))).toBe(true);
    expect(isPair({ cert: certificate.toString(), key })).toBe(true);
  });

  test('is known by its public key, which outlives every certificate', async () => {
    const key = createNodeKey();
    const request = await makeRequest(key, names.node);
    const [first, second] = [await issueNode(authority, request, names), await issueNode(authority, request, names)];
    const pins = [first, second].map((pem) => keySha256(new X509Certificate(pem)));
    const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
    const expected = createHash('sha256').update(spki).digest('hex');
    expect([...pins, keySha256OfRequest(request)]).toEqual([expected, expected, expected]);
    expect(first).not.toBe(second);
  });

  test('is taken by TLS 1.3 at both ends', async () => {
    const key = createNodeKey();
    const cert = await issueNode(authority, await makeRequest(key, 'a'), { ...names, node: 'a', nowMs: Date.now() });
    const both = { cert, key, ca: authority.cert, rejectUnauthorized: true } as const;
    const server = createServer({ ...both, requestCert: true, minVersion: 'TLSv1.3' });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connect({ ...both, host: '127.0.0.1', port, servername: 'a' });
    const [there] = (await once(server, 'secureConnection')) as [TLSSocket];
    if (!client.authorized) await once(client, 'secureConnect');
    expect([client.authorized, there.authorized]).toEqual([true, true]);
    client.destroy();
    there.destroy();
    server.close();
  });

  test('is still good after the authority was renewed', async () => {
    const cert = new X509Certificate(await issueNode(authority, await makeRequest(createNodeKey(), 'a'), names));
    const renewed = await renewAuthority(authority, nowMs + 3000 * dayMs);
    expect(isIssuedBy(cert, new X509Certificate(renewed.cert))).toBe(true);
    expect(isIssuedBy(cert, new X509Certificate((await createAuthority(nowMs)).cert))).toBe(false);
  });

  test('is renewed at a moment of its own, at 50 to 80 % of its validity', async () => {
    const cert = await issueNode(authority, await makeRequest(createNodeKey(), 'a'), { ...names, days: 10 });
    const { validFrom, validTo } = new X509Certificate(cert);
    const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
    expect([renewAt(cert, 0), renewAt(cert, 1)].map((at) => (at - from) / (to - from))).toEqual([0.5, 0.8]);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (chance) => {
        expect(renewAt(cert, chance)).toBeGreaterThanOrEqual(renewAt(cert, 0));
        expect(renewAt(cert, chance)).toBeLessThan(to);
      }),
    );
  });
});

describe('a request is refused', () => {
  const refused = { name: 'PkiError', code: 'BAD_REQUEST' };

  test('that is signed with another key than the one in it', async () => {
    const der = Buffer.from(PemConverter.decodeFirst(await makeRequest(createNodeKey(), 'a')));
    const other = Buffer.from(PemConverter.decodeFirst(await makeRequest(createNodeKey(), 'a')));
    // Where the bit string of the public key begins, of 68 bytes.
    const keyIn = (it: Buffer): number => it.indexOf(Buffer.from([0x03, 0x42, 0x00, 0x04]));
    other.copy(der, keyIn(der), keyIn(other), keyIn(other) + 68);
    const forged = PemConverter.encode(der, 'CERTIFICATE REQUEST');
    await expect(issueNode(authority, forged, names)).rejects.toMatchObject(refused);
  });

  test('that is none', async () => {
    const certificate = (await issueServer(authority, ['a'], nowMs)).cert;
    for (const csr of ['', 'hello', certificate, (await makeRequest(createNodeKey(), 'a')).slice(0, 200)]) {
      await expect(issueNode(authority, csr, names)).rejects.toMatchObject(refused);
      expect(() => keySha256OfRequest(csr)).toThrow(expect.objectContaining(refused));
    }
  });

  test('with a key of another kind', async () => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' };
    const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
    const csr = await Pkcs10CertificateRequestGenerator.create({ name: 'CN=a', keys, signingAlgorithm: algorithm });
    await expect(issueNode(authority, csr.toString('pem'), names)).rejects.toMatchObject(refused);
  });
});

test('an authority is known by the fingerprint that browsers show', () => {
  expect(caFingerprint(authority.cert)).toMatch(/^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/);
});
