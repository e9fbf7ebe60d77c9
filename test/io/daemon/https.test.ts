import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { realClock } from '#io/devices/clock/real.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { keepHttps, serverCertificateOf, type HttpsParts } from '#io/daemon/https.ts';
import { createAuthority, dayMs, issueServer, type KeyPair } from '#io/pki/ca.ts';
import { createNodeKey, issueNode, makeRequest } from '#io/pki/node-certificate.ts';
import { writeNodeCertificate } from '#io/pki/node-files.ts';
import { keepNodeCertificate } from '#io/pki/renewal.ts';
import { replaceFile } from '#io/stores/files.ts';
import { startServer } from '#test/io/http/test-server.ts';

const log = pino({ level: 'silent' });
const names = { node: 'vega', cluster: 'lab', addresses: ['127.0.0.1'] };
let dataDir: string;
let tls: string;
let authority: KeyPair;
let key: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'floatlab-https-'));
  tls = join(dataDir, 'tls');
  await mkdir(tls);
  authority = await createAuthority(Date.now());
  key = createNodeKey();
  await replaceFile(join(tls, 'ca.crt'), Buffer.from(authority.cert), { mode: 0o600 });
});
afterEach(() => rm(dataDir, { recursive: true }));

/** As a voter signed it so many days ago: for 90 days. */
const signed = async (daysAgo: number): Promise<string> =>
  issueNode(authority, await makeRequest(key, 'vega'), { ...names, nowMs: Date.now() - daysAgo * dayMs });

/** A node that does not vote. */
const learner = (certificate: () => KeyPair, listeners = new Set<() => void>()): HttpsParts => ({
  dataDir,
  hostNames: [],
  caCert: authority.cert,
  certificate,
  onCertificate: (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  clock: realClock,
  log,
});

test('a node without a vote shows its renewed certificate while it runs, and no connection is cut', async () => {
  let certificate: KeyPair = { cert: await signed(89.9), key };
  await writeNodeCertificate(tls, certificate.cert);
  const listeners = new Set<() => void>();
  const parts = learner(() => certificate, listeners);
  const present = await serverCertificateOf(parts);
  const { url, server, lab } = await startServer({ tls: present, listen: [{ host: '0.0.0.0', port: 0 }], names: [] });
  lab.commit({});
  const port = Number(new URL(url).port);
  const stopHttps = keepHttps(parts, present, (renewed) => server.setTls(renewed));

  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: authority.cert });
  expect(await ask(port, agent)).toEqual({ status: 200, isReused: false });
  const before = await shown(port);
  expect(before).toBe(new X509Certificate(certificate.cert).fingerprint256);

  const stopRenewing = keepNodeCertificate({
    dir: tls,
    node: 'vega',
    key,
    caCert: () => authority.cert,
    renew: ({ csr }) => issueNode(authority, csr, { ...names, nowMs: Date.now() }),
    onRenewed: (renewed) => {
      certificate = renewed;
      for (const listener of listeners) listener();
    },
    onFailed: (error) => expect.unreachable(String(error)),
    clock: realClock,
    random: seededRandom(1),
  });
  await vi.waitFor(async () => expect(await shown(port)).not.toBe(before), { timeout: 5000 });
  expect(await shown(port)).toBe(new X509Certificate(certificate.cert).fingerprint256);
  expect(await ask(port, agent)).toEqual({ status: 200, isReused: true });
  agent.destroy();
  stopRenewing();
  stopHttps();
});

test('a node that voted once goes on with what it has, until that is due', async () => {
  const certificate = { cert: await signed(0), key };
  const leafOf = async () => new X509Certificate((await serverCertificateOf(learner(() => certificate))).cert);
  const kept = async (daysAgo: number): Promise<KeyPair> => {
    const made = await issueServer(authority, ['vega.lab'], Date.now() - daysAgo * dayMs);
    await replaceFile(join(tls, 'server.key'), Buffer.from(made.key), { mode: 0o600 });
    await replaceFile(join(tls, 'server.crt'), Buffer.from(made.cert), { mode: 0o600 });
    return made;
  };
  const good = await kept(10);
  expect((await leafOf()).fingerprint256).toBe(new X509Certificate(good.cert).fingerprint256);
  await kept(80);
  expect((await leafOf()).fingerprint256).toBe(new X509Certificate(certificate.cert).fingerprint256);
});

const ask = (port: number, agent: Agent): Promise<{ status: number | undefined; isReused: boolean }> =>
  new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path: '/healthz', agent }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve({ status: answer.statusCode, isReused: asked.reusedSocket }));
    });
    asked.on('error', reject);
    asked.end();
  });

/** Fingerprint of what a new connection sees. */
const shown = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
