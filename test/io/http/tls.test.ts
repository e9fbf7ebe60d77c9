import { X509Certificate } from 'node:crypto';
import { chmod, copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { ensureServerCertificate, keepServerCertificate, type ServerCertificate } from '#io/http/tls.ts';
import { password, send, startServer, until } from './test-server.ts';

const dayMs = 86_400_000;
let dir: string;
let count = 0;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'floatlab-tls-'));
});
afterAll(() => rm(dir, { recursive: true }));

const wishes = (now = Date.now(), where = join(dir, String(count++))) => ({
  dir: where,
  names: ['atlas.lab', 'Atlas'],
  addresses: ['127.0.0.1', '::1', 'fe80::1%eth0'],
  clock: { now: () => now },
});

const leaf = ({ cert }: ServerCertificate) => new X509Certificate(cert);

describe('the certificate of a node', () => {
  test('is issued by the authority of the lab for all its names and addresses', async () => {
    const made = await ensureServerCertificate(wishes());
    const [own, ca] = [leaf(made), new X509Certificate(made.caCert)];
    expect(own.verify(ca.publicKey)).toBe(true);
    expect(own.checkIssued(ca)).toBe(true);
    expect([own.ca, ca.ca]).toEqual([false, true]);
    expect(own.subjectAltName?.split(', ').toSorted()).toEqual([
      'DNS:atlas',
      'DNS:atlas.lab',
      'IP Address:0:0:0:0:0:0:0:1',
      'IP Address:127.0.0.1',
      'IP Address:FE80:0:0:0:0:0:0:1',
    ]);
    expect(own.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(Math.round((Date.parse(own.validTo) - Date.now()) / dayMs)).toBe(90);
    expect(Math.round((Date.parse(ca.validTo) - Date.now()) / dayMs)).toBe(3650);
    expect(made.fingerprint).toBe(ca.fingerprint256);
    expect(made.cert.match(/BEGIN CERTIFICATE/g)?.length).toBe(2);
    expect(own.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  });

  test('is kept where only the service can read it, and found again', async () => {
    const wish = wishes();
    const made = await ensureServerCertificate(wish);
    expect((await stat(wish.dir)).mode & 0o777).toBe(0o700);
    const files = (await readdir(wish.dir)).toSorted();
    expect(files).toEqual(['ca.crt', 'ca.key', 'server.crt', 'server.key']);
    for (const file of files) expect((await stat(join(wish.dir, file))).mode & 0o777).toBe(0o600);
    expect(await ensureServerCertificate(wish)).toEqual(made);
    expect(await readFile(join(wish.dir, 'server.key'), 'utf8')).toBe(made.key);
  });

  test('is renewed by the same authority a month before it runs out', async () => {
    const now = Date.now();
    const wish = wishes(now);
    const made = await ensureServerCertificate(wish);
    const later = (days: number) => ensureServerCertificate(wishes(now + days * dayMs, wish.dir));
    expect(await later(59)).toEqual(made);
    const renewed = await later(61);
    expect(leaf(renewed).serialNumber).not.toBe(leaf(made).serialNumber);
    expect(renewed.caCert).toBe(made.caCert);
    expect(leaf(renewed).verify(new X509Certificate(made.caCert).publicKey)).toBe(true);
  });

  test('is issued anew for another name, with another key than before', async () => {
    const wish = wishes();
    const made = await ensureServerCertificate(wish);
    const more = await ensureServerCertificate({ ...wish, addresses: ['127.0.0.1', '192.168.1.7'] });
    expect(leaf(more).checkIP('192.168.1.7')).toBe('192.168.1.7');
    expect([more.key === made.key, more.caCert]).toEqual([false, made.caCert]);
    // Addresses come and go with networks: fewer of them need no new one. Names are what somebody has set.
    expect(await ensureServerCertificate({ ...wish, addresses: ['127.0.0.1'] })).toEqual(more);
    const named = await ensureServerCertificate({ ...wish, names: [...wish.names, 'lab.example.org', '10.1.2.3'] });
    expect(leaf(named).subjectAltName).toContain('DNS:lab.example.org');
    expect([leaf(named).checkIP('10.1.2.3'), named.caCert]).toEqual(['10.1.2.3', made.caCert]);
    const without = await ensureServerCertificate(wish);
    expect(leaf(without).subjectAltName).not.toContain('lab.example.org');
    expect(await ensureServerCertificate(wish)).toEqual(without);
  });

  test('is made again when its files are damaged, lost or do not belong together', async () => {
    const wish = wishes();
    const made = await ensureServerCertificate(wish);
    await writeFile(join(wish.dir, 'server.crt'), 'nonsense', { mode: 0o600 });
    const second = await ensureServerCertificate(wish);
    expect(leaf(second).serialNumber).not.toBe(leaf(made).serialNumber);
    await writeFile(join(wish.dir, 'server.key'), made.key, { mode: 0o600 });
    const third = await ensureServerCertificate(wish);
    expect([third.key === made.key, third.caCert]).toEqual([false, made.caCert]);
  });

  test('is not used when others may have read its key', async () => {
    const wish = wishes();
    await ensureServerCertificate(wish);
    await chmod(join(wish.dir, 'ca.key'), 0o644);
    await expect(ensureServerCertificate(wish)).rejects.toMatchObject({
      code: 'PERMISSION',
      hint: expect.stringContaining('ca.key'),
    });
  });

  test('is looked after while the node runs', async () => {
    const clock = new VirtualClock(Date.now());
    const wish = { ...wishes(), clock };
    const present = await ensureServerCertificate(wish);
    const renewed: ServerCertificate[] = [];
    const kept = keepServerCertificate({
      present,
      clock,
      find: () => ensureServerCertificate(wish),
      onRenewed: (certificate) => renewed.push(certificate),
      onFailed: (error) => expect.unreachable(String(error)),
    });
    await clock.run(6 * 3_600_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(renewed).toEqual([]);
    clock.jump(70 * dayMs);
    await until(() => (void clock.step(), renewed.length > 0));
    expect(renewed[0]?.expiresAt).toBeGreaterThan(present.expiresAt);
    kept.stop();
  });
});

describe('the authority of the lab', () => {
  const filesOf = async (where: string) =>
    Promise.all(['ca.crt', 'ca.key'].map((file) => readFile(join(where, file), 'utf8').catch(() => undefined)));

  test.each([
    ['1970', 0],
    ['the day before it was made', Date.now() - 3 * dayMs],
  ])('is not replaced because a clock says that it is %s', async (_, wrong) => {
    const wish = wishes();
    const made = await ensureServerCertificate(wish);
    const before = await filesOf(wish.dir);
    await expect(ensureServerCertificate(wishes(wrong, wish.dir))).rejects.toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining('the clock of this machine says'),
      hint: expect.stringContaining('Set the clock'),
    });
    expect(await filesOf(wish.dir)).toEqual(before);
    expect(await ensureServerCertificate(wish)).toEqual(made);
  });

  test('is not made anew on a node that has lost its key with its vote, and has a certificate of its own', async () => {
    const wish = wishes();
    await ensureServerCertificate(wish);
    const before = await filesOf(wish.dir);
    await writeFile(join(wish.dir, 'node.crt'), 'a certificate of this node');
    for (const gone of ['ca.key', 'server.crt', 'server.key']) await rm(join(wish.dir, gone));
    await expect(ensureServerCertificate(wish)).rejects.toMatchObject({ code: 'INVALID' });
    expect(await filesOf(wish.dir)).toEqual([before[0], undefined]);
  });

  test('goes on under its own key when its certificate runs out, and the old one is kept aside', async () => {
    const now = Date.now();
    const wish = wishes(now);
    const made = await ensureServerCertificate(wish);
    const warned: string[] = [];
    const late = {
      ...wishes(now + (3650 - 89) * dayMs, wish.dir),
      warn: (message: string) => void warned.push(message),
    };
    const renewed = await ensureServerCertificate(late);
    const [old, ca] = [new X509Certificate(made.caCert), new X509Certificate(renewed.caCert)];
    expect(ca.publicKey.equals(old.publicKey)).toBe(true);
    expect([ca.subject, ca.ca, ca.serialNumber === old.serialNumber]).toEqual([old.subject, true, false]);
    expect(Math.round((Date.parse(ca.validTo) - now) / dayMs)).toBe(3650 - 89 + 3650);
    expect(ca.verify(ca.publicKey)).toBe(true);
    expect(warned.join()).toMatch(/runs out on \d{4}-\d\d-\d\d.*trust/);
    const [aside = ''] = (await readdir(wish.dir)).filter((name) => name.startsWith('ca-until-'));
    expect(await readFile(join(wish.dir, aside), 'utf8')).toBe(made.caCert);
    // Nothing more to do, and what was signed under the old certificate stands.
    expect(await ensureServerCertificate(late)).toEqual(renewed);
    expect(leaf(renewed).verify(old.publicKey)).toBe(true);
    // It was the clock, and it is right again.
    const back = await ensureServerCertificate(wish);
    expect(back.caCert).toBe(renewed.caCert);
    expect(Date.parse(leaf(back).validFrom)).toBeLessThanOrEqual(now);
  });

  test.each([
    ['its key is gone', (where: string) => rm(join(where, 'ca.key'))],
    ['its certificate is gone', (where: string) => rm(join(where, 'ca.crt'))],
    ['its key is damaged', (where: string) => writeFile(join(where, 'ca.key'), 'nonsense')],
    ['its certificate is damaged', (where: string) => writeFile(join(where, 'ca.crt'), '')],
    [
      'its key is another one',
      async (where: string) => {
        const other = wishes();
        await ensureServerCertificate(other);
        await copyFile(join(other.dir, 'ca.key'), join(where, 'ca.key'));
      },
    ],
  ])('is not replaced because %s: a person decides', async (_, spoil) => {
    const wish = wishes();
    await ensureServerCertificate(wish);
    await spoil(wish.dir);
    const before = await filesOf(wish.dir);
    await expect(ensureServerCertificate(wish)).rejects.toMatchObject({
      code: 'INVALID',
      hint: expect.stringMatching(/Restore ca\.crt and ca\.key .* from your backup/),
    });
    expect(await filesOf(wish.dir)).toEqual(before);
  });

  test('is made anew when a person has moved it away, or when the first start was cut off', async () => {
    const wish = wishes();
    const made = await ensureServerCertificate(wish);
    await rm(join(wish.dir, 'ca.crt'));
    await rm(join(wish.dir, 'ca.key'));
    const other = await ensureServerCertificate(wish);
    expect(other.caCert).not.toBe(made.caCert);
    expect(leaf(other).verify(new X509Certificate(other.caCert).publicKey)).toBe(true);
    for (const file of ['ca.key', 'server.crt', 'server.key']) await rm(join(wish.dir, file));
    expect((await ensureServerCertificate(wish)).caCert).not.toBe(other.caCert);
  });
});

describe('a server', () => {
  test('does not speak plain HTTP on an address that others reach', async () => {
    for (const host of ['0.0.0.0', '::', '', '192.168.1.7', 'atlas.lab', '127.0.0.1.evil.example']) {
      await expect(
        startServer({
          listen: [
            { host: '127.0.0.1', port: 0 },
            { host, port: 0 },
          ],
        }),
      ).rejects.toMatchObject({ code: 'INVALID', message: expect.stringContaining('plain HTTP is for loopback') });
    }
  });

  test('speaks TLS there, with a certificate that whoever trusts the authority accepts', async () => {
    const tls = await ensureServerCertificate(wishes());
    const { url, server, lab } = await startServer({ tls, listen: [{ host: '0.0.0.0', port: 0 }], names: [] });
    expect(url).toMatch(/^https:\/\/localhost:\d+$/);
    const address = url.replace('localhost', '127.0.0.1');
    lab.commit({});
    const answer = await send(`${address}/api/v1/session`, {
      method: 'POST',
      body: { name: 'admin', password, page: true },
      ca: tls.caCert,
    });
    expect(answer.status).toBe(200);
    expect(String(answer.headers['set-cookie'])).toContain('; Secure');
    // Under TLS the certificate says whose name it is.
    expect((await send(`${address}/healthz`, { ca: tls.caCert, headers: { host: 'atlas.lab' } })).status).toBe(200);
    const other = await ensureServerCertificate(wishes());
    await expect(send(`${address}/healthz`, { ca: other.caCert })).rejects.toThrow();
    await expect(send(`${address.replace('https', 'http')}/healthz`)).rejects.toThrow();

    expect(await presented(address)).toBe(leaf(tls).fingerprint256);
    server.setTls(other);
    expect(await presented(address)).toBe(leaf(other).fingerprint256);
    expect((await send(`${address}/healthz`, { ca: other.caCert })).status).toBe(200);
  });

  test('does not accept TLS that is older than 1.2', async () => {
    const tls = await ensureServerCertificate(wishes());
    const { url } = await startServer({ tls, listen: [{ host: '0.0.0.0', port: 0 }], names: [] });
    const port = Number(new URL(url).port);
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false, ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(handshake({ ...options, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })).rejects.toThrow();
    expect(await handshake(options)).toBe('TLSv1.3');
  });

  test('that cannot have one of its addresses listens on none and says which', async () => {
    const { url } = await startServer();
    const port = Number(new URL(url).port);
    await expect(startServer({ listen: [{ host: '127.0.0.1', port }] })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: `127.0.0.1:${port} is in use`,
    });
  });
});

const handshake = (options: ConnectionOptions): Promise<string | null> =>
  new Promise((resolve, reject) => {
    const socket = connect(options, () => {
      resolve(socket.getProtocol());
      socket.destroy();
    });
    socket.on('error', reject);
  });

/** Fingerprint of what the server shows. */
const presented = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
