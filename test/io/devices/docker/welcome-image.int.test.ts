/** The image of the welcome app, and the app as `examples/welcome` describes it, on a real engine. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { debianBusybox, ensureWelcomeImage, linkingOf, welcomeImage } from '#io/daemon/welcome-image.ts';
import { welcomePage } from '#io/daemon/welcome-page.ts';
import type { DockerPort } from '#io/devices/docker/port.ts';
import { missingDocker, patientCall, sharedEngine } from '#test/engine-fixture.ts';
import { describeReal } from '#test/real.ts';
import { freePort } from './free-port.ts';

const never: Pick<DockerPort, 'image' | 'importImage'> = {
  image: () => Promise.resolve(undefined),
  importImage: () => Promise.reject(new Error('nothing should be imported')),
};

describe('the welcome image', () => {
  test('needs a static busybox, and says how to get one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'floatlab-welcome-'));
    const from = (busyboxPath: string) => ensureWelcomeImage(never, { busyboxPath }, patientCall());
    const hint = expect.stringContaining('apt-get install busybox-static') as unknown;
    try {
      await expect(from(join(folder, 'none'))).rejects.toMatchObject({ code: 'MISSING', hint });
      await expect(from(process.execPath)).rejects.toMatchObject({
        code: 'INVALID',
        message: expect.stringContaining('needs libraries') as unknown,
        hint,
      });
      await writeFile(join(folder, 'text'), '#!/bin/sh\n');
      await expect(from(join(folder, 'text'))).rejects.toMatchObject({ code: 'INVALID', hint });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('how a program is linked is read from its header, of either word size and byte order', () => {
    const elf64 = Buffer.alloc(64 + 56);
    elf64.write('\u007fELF', 'latin1');
    elf64.writeUInt8(2, 4);
    elf64.writeUInt8(1, 5);
    elf64.writeUInt32LE(64, 32);
    elf64.writeUInt16LE(56, 54);
    elf64.writeUInt16LE(1, 56);
    expect(linkingOf(elf64)).toBe('static');
    elf64.writeUInt32LE(3, 64);
    expect(linkingOf(elf64)).toBe('dynamic');
    const elf32 = Buffer.alloc(52 + 32);
    elf32.write('\u007fELF', 'latin1');
    elf32.writeUInt8(1, 4);
    elf32.writeUInt8(2, 5);
    elf32.writeUInt32BE(52, 28);
    elf32.writeUInt16BE(32, 42);
    elf32.writeUInt16BE(1, 44);
    expect(linkingOf(elf32)).toBe('static');
    elf32.writeUInt32BE(3, 52);
    expect(linkingOf(elf32)).toBe('dynamic');
    expect(linkingOf(elf64.subarray(0, 66))).toBe(undefined);
    expect(linkingOf(Buffer.from('no program'))).toBe(undefined);
  });

  test('its page needs nothing from elsewhere', () => {
    expect(welcomePage).not.toMatch(/https?:|\/\/|url\(|@import|<script/);
    expect(welcomePage).toContain('prefers-color-scheme: dark');
  });
});

describeReal('The welcome app', missingDocker(), () => {
  const network = `welcome-${process.pid}`;
  const label = { 'floatlab.test': network };
  let docker: DockerPort;
  let site: string;

  beforeAll(async () => {
    ({ docker } = await sharedEngine());
    site = await mkdtemp(join(tmpdir(), 'floatlab-welcome-site-'));
    await docker.ensureNetwork({ name: network, labels: label }, patientCall());
  });
  afterEach(async () => {
    for (const { id } of await docker.containers(label, patientCall())) await docker.remove(id, patientCall());
  });
  afterAll(async () => {
    await docker?.removeNetwork(network, label, patientCall());
    if (site) await rm(site, { recursive: true, force: true });
  });

  test('its image is made once', async () => {
    expect(linkingOf(await readFile(debianBusybox))).toBe('static');
    const before = await docker.image(welcomeImage, patientCall());
    const seen: string[] = [];
    await ensureWelcomeImage(docker, {}, { ...patientCall(), progress: ({ text }) => void seen.push(text) });
    expect(seen).toEqual([]);
    expect(await docker.image(welcomeImage, patientCall())).toEqual(before);
    expect(before?.sizeBytes).toBeLessThan(4 * 2 ** 20);
  });

  test('as its compose file says: it serves the page, becomes healthy, keeps what was changed and stops quickly', async () => {
    const file = parse(
      await readFile(new URL('../../../../examples/welcome/compose.yaml', import.meta.url), 'utf8'),
    ) as {
      services: { web: { image: string; ports: string[]; volumes: string[]; healthcheck: { test: string[] } } };
    };
    const { web } = file.services;
    const published = await freePort();
    const target = Number(web.ports[0]?.split(':')[1]);
    const id = await docker.create(
      {
        name: network,
        image: web.image,
        environment: [],
        labels: label,
        ports: [{ published, target, protocol: 'tcp' }],
        mounts: [{ source: site, target: web.volumes[0]?.split(':')[1] ?? '', readOnly: false }],
        healthcheck: { test: web.healthcheck.test, intervalMs: 500, timeoutMs: 3000, retries: 3 },
        networks: [{ name: network, aliases: [] }],
      },
      patientCall(),
    );
    const get = (path: string) => vi.waitFor(() => fetch(`http://127.0.0.1:${published}${path}`), 60_000);

    await docker.start(id, patientCall());
    const page = await get('/');
    expect([page.status, page.headers.get('content-type'), await page.text()]).toEqual([200, 'text/html', welcomePage]);
    expect((await get('/icon.svg')).headers.get('content-type')).toBe('image/svg+xml');
    await vi.waitFor(async () => expect((await docker.inspect(id, patientCall()))?.health).toBe('healthy'), 60_000);

    await writeFile(join(site, 'index.html'), 'my own page');
    const before = performance.now();
    await docker.stop(id, 60_000, patientCall());
    expect(performance.now() - before).toBeLessThan(30_000);
    expect(await docker.inspect(id, patientCall())).toMatchObject({ state: 'exited', exitCode: 0 });
    await docker.start(id, patientCall());
    expect(await (await get('/')).text()).toBe('my own page');
  });
});
