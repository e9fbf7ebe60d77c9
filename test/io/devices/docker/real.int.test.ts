/** What only a real engine can show: that a specification arrives in the container as it was meant. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, pack } from 'tar-stream';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ContainerSpec, DockerPort, LogLine } from '#io/devices/docker/port.ts';
import { dockerOverSocket } from '#io/devices/docker/real.ts';
import { dockerAt } from '#io/devices/docker/socket.ts';
import { missingDocker, patientCall, sharedEngine, type SharedEngine } from '#test/engine-fixture.ts';
import { describeReal } from '#test/real.ts';
import { freePort } from './free-port.ts';
import { startRegistry } from './registry.ts';

describeReal('A real engine', missingDocker(), () => {
  const run = `real-${process.pid}`;
  const labels = { 'floatlab.test': run };
  const network = `${run}-net`;
  let engine: SharedEngine;
  let docker: DockerPort;
  let folder: string;
  let count = 0;

  beforeAll(async () => {
    engine = await sharedEngine();
    docker = engine.docker;
    folder = await mkdtemp(join(tmpdir(), 'floatlab-real-docker-'));
    await docker.ensureNetwork({ name: network, labels }, patientCall());
  });
  afterEach(async () => {
    for (const { id } of await docker.containers(labels, patientCall())) await docker.remove(id, patientCall());
  });
  afterAll(async () => {
    await docker?.removeNetwork(network, labels, patientCall());
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  async function start(some: Partial<ContainerSpec>): Promise<string> {
    const id = await docker.create(
      {
        name: `${run}-${++count}`,
        image: engine.image,
        command: ['sleep', '600'],
        environment: [],
        ports: [],
        mounts: [],
        networks: [{ name: network, aliases: [] }],
        labels,
        ...some,
      },
      patientCall(),
    );
    await docker.start(id, patientCall());
    return id;
  }

  async function says(id: string, ...command: string[]): Promise<string> {
    const session = await docker.exec(id, { command, tty: false }, patientCall());
    let text = '';
    for await (const { bytes } of session.output) text += Buffer.from(bytes).toString();
    return text.trim();
  }

  async function logOf(id: string): Promise<LogLine[]> {
    const all: LogLine[] = [];
    for await (const line of docker.logs(id, { follow: true }, AbortSignal.timeout(30_000))) all.push(line);
    return all;
  }

  test('gives a container its environment, user, folder, host name and first process', async () => {
    const id = await start({
      environment: ['COLOR=green and blue', 'PATH=/bin'],
      settings: { user: '65534:65534', workingDir: '/usr/share', hostname: 'photos', init: true },
    });
    expect(await says(id, 'sh', '-c', 'echo "$COLOR|$PWD|$(hostname)|$(id -u):$(id -g)"')).toBe(
      'green and blue|/usr/share|photos|65534:65534',
    );
    expect(await says(id, 'cat', '/proc/1/comm')).toMatch(/init|tini/);
  });

  test('gives a container the rights, limits, devices and names of its settings', async () => {
    const id = await start({
      settings: {
        ...{ groups: ['44'], domainName: 'lab.test', hostname: 'photos', readOnlyRoot: true, capDrop: ['CHOWN'] },
        ...{ securityOptions: ['no-new-privileges'], shmBytes: 2 ** 22, tmpfs: { '/run': 'size=1m,mode=700' } },
        devices: [{ path: '/dev/null', target: '/dev/nothing', permissions: 'rw' }],
        ...{ ulimits: { nofile: { soft: 100, hard: 200 } }, sysctls: { 'net.ipv4.ip_forward': '0' } },
        ...{ extraHosts: ['nas:10.9.8.7'], dns: ['10.9.8.6'], dnsSearch: ['lab.test'], oomScoreAdjust: 300 },
        ...{ expose: ['9001/tcp'], annotations: { why: 'test' }, logging: { driver: 'json-file', options: {} } },
      },
    });
    const shell = (script: string) => says(id, 'sh', '-c', script);
    expect(await shell('id -G; hostname -f; ulimit -n; cat /proc/1/oom_score_adj')).toBe(
      '0 44\nphotos.lab.test\n100\n300',
    );
    expect(await shell('touch /file 2>&1; touch /run/file && echo fine')).toMatch(/Read-only file system\nfine/);
    expect(await shell('echo lost > /dev/nothing; cat /dev/nothing; df -k /dev/shm | tail -1')).toMatch(/^shm\s+4096/);
    expect(await shell('chown 5 /run 2>&1; grep -h nas /etc/hosts; grep -h search /etc/resolv.conf')).toMatch(
      /not permitted\n10\.9\.8\.7\s+nas\nsearch lab\.test/,
    );
    expect(await shell('grep NoNewPrivs /proc/1/status')).toMatch(/1$/);
  });

  test('puts a container into the network of its node, or into none', async () => {
    const inHost = await start({ settings: { network: 'host' }, networks: [] });
    const { Networks } = (await dockerAt(engine.socketPath).getContainer(inHost).inspect()).NetworkSettings;
    expect(Object.keys(Networks)).toEqual(['host']);
    expect(await says(inHost, 'ls', '-l', '/proc/self/ns/net')).toContain(await readlink('/proc/self/ns/net'));
    const alone = await start({ settings: { network: 'none' }, networks: [] });
    expect(await says(alone, 'ls', '/sys/class/net')).toBe('lo');
  });

  test('puts a container into several networks, with an address of its own, and lets nothing out of an inner one', async () => {
    const [inner, fixed] = [`${run}-inner`, `${run}-fixed`];
    // Of the range that this engine has for itself: what the packet filter of the machine lets through.
    const { IPAM } = await dockerAt(engine.socketPath).getNetwork(network).inspect();
    const part = `${IPAM?.Config?.[0]?.Subnet?.split('.').slice(0, 2).join('.')}.77`;
    const subnets = [{ subnet: `${part}.0/24`, gateway: `${part}.1` }];
    await docker.ensureNetwork({ name: inner, labels, settings: { internal: true } }, patientCall());
    await docker.ensureNetwork({ name: fixed, labels, settings: { subnets } }, patientCall());
    const mac = '02:42:0a:00:77:09';
    const both = { name: fixed, aliases: ['site'], ipv4: `${part}.9`, mac };
    const serving = ['sh', '-c', 'echo found > /srv/index.html; exec httpd -f -p 80 -h /srv'];
    const server = await start({ networks: [both], command: serving });
    await docker.connect(server, { name: inner, aliases: ['behind'] }, patientCall());
    const found = (await docker.inspect(server, patientCall()))?.networks;
    expect(found).toEqual([fixed, inner].toSorted());
    expect(await says(server, 'cat', '/sys/class/net/eth0/address')).toBe(mac);
    const shut = await start({ networks: [{ name: inner }] });
    await vi.waitFor(
      async () => expect(await says(shut, 'wget', '-q', '-O', '-', 'http://behind/')).toBe('found'),
      10_000,
    );
    expect(await says(shut, 'ip', 'route')).not.toContain('default');
    const other = await start({ networks: [{ name: fixed }] });
    expect(await says(other, 'wget', '-q', '-O', '-', `http://${part}.9/`)).toBe('found');
    for (const id of [server, shut, other]) await docker.remove(id, patientCall());
    for (const name of [inner, fixed]) await docker.removeNetwork(name, labels, patientCall());
  });

  test('mounts folders and files, read-only where asked to', async () => {
    await mkdir(join(folder, 'data'));
    await writeFile(join(folder, 'settings'), 'from outside');
    const id = await start({
      mounts: [
        { source: join(folder, 'data'), target: '/data', readOnly: false },
        { source: join(folder, 'settings'), target: '/etc/settings', readOnly: true },
      ],
    });
    expect(await says(id, 'sh', '-c', 'echo from inside > /data/file; cat /etc/settings')).toBe('from outside');
    expect(await says(id, 'sh', '-c', 'echo no > /etc/settings')).toContain('Read-only file system');
    expect(await readFile(join(folder, 'data', 'file'), 'utf8')).toBe('from inside\n');
  });

  test('does not make the missing source of a mount, but says that it is missing', async () => {
    const source = join(folder, 'not-there');
    await expect(start({ mounts: [{ source, target: '/data', readOnly: false }] })).rejects.toMatchObject({
      code: 'MISSING',
      message: expect.stringContaining(source) as unknown,
    });
    await expect(readFile(source)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('lets containers of one network find each other by their aliases', async () => {
    await start({
      networks: [{ name: network, aliases: ['web', 'www'] }],
      command: ['sh', '-c', 'echo found > /srv/index.html; exec httpd -f -p 80 -h /srv'],
    });
    const other = await start({});
    for (const name of ['web', 'www'])
      await vi.waitFor(
        async () => expect(await says(other, 'wget', '-q', '-O', '-', `http://${name}/`)).toBe('found'),
        10_000,
      );
  });

  test('publishes a port to this machine', async () => {
    const published = await freePort();
    await start({
      ports: [{ published, target: 8080, protocol: 'tcp' }],
      command: ['sh', '-c', 'echo published > /srv/index.html; exec httpd -f -p 8080 -h /srv'],
    });
    await vi.waitFor(
      async () => expect(await (await fetch(`http://127.0.0.1:${published}/`)).text()).toBe('published\n'),
      10_000,
    );
  });

  test('says which port is taken when another program of the machine has it', async () => {
    const registry = await startRegistry(Buffer.alloc(1));
    try {
      const published = Number(registry.address.split(':')[1]);
      await expect(start({ ports: [{ published, target: 80, protocol: 'tcp' }] })).rejects.toMatchObject({
        code: 'PORT_IN_USE',
        message: `port ${published} of this machine is taken`,
        hint: expect.stringContaining(`:${published}`) as unknown,
      });
    } finally {
      await registry.close();
    }
  });

  test('restarts nothing by itself', async () => {
    const id = await start({ command: ['false'] });
    await vi.waitFor(async () => expect((await docker.inspect(id, patientCall()))?.state).toBe('exited'), 60_000);
    const raw = await dockerAt(engine.socketPath).getContainer(id).inspect();
    expect([raw.HostConfig.RestartPolicy?.Name, raw.RestartCount]).toEqual(['no', 0]);
  });

  test('stops with the signal that was asked for, and kills after the grace', async () => {
    const listens = 'trap "exit 9" INT; while true; do sleep 0.1; done';
    const polite = await start({ settings: { stopSignal: 'SIGINT' }, command: ['sh', '-c', listens] });
    const deaf = await start({});
    await delay(500);
    await docker.stop(polite, 10_000, patientCall());
    expect((await docker.inspect(polite, patientCall()))?.exitCode).toBe(9);
    const before = performance.now();
    await docker.stop(deaf, 1000, patientCall());
    expect(performance.now() - before).toBeGreaterThan(900);
    expect((await docker.inspect(deaf, patientCall()))?.exitCode).toBe(137);
  });

  test('tells that a container became unhealthy', async () => {
    const id = await start({
      healthcheck: { test: ['CMD-SHELL', 'exit 1'], intervalMs: 200, timeoutMs: 1000, retries: 2 },
    });
    await vi.waitFor(async () => expect((await docker.inspect(id, patientCall()))?.health).toBe('unhealthy'), 20_000);
  });

  test('gives long lines whole, and cuts endless ones', async () => {
    // Only ASCII is long here: Docker itself spoils a character that it cuts in two after 16 KiB of a line.
    const script =
      'echo "grün €"; tr "\\0" x < /dev/zero | head -c 40000; echo; tr "\\0" y < /dev/zero | head -c 200000; echo; echo after';
    const lines = (await logOf(await start({ command: ['sh', '-c', script] }))).map(({ text }) => text);
    expect(lines.map(({ length }) => length)).toEqual([6, 40_000, 65_536, 5]);
    expect([lines[0], lines[3]]).toEqual(['grün €', 'after']);
  });

  test('tells the last words of a container, each once, also without a line end', async () => {
    const script =
      'echo begin; sleep 0.4; for i in 1 2 3; do echo again; done; echo bad >&2; printf "last words"; exit 3';
    for (let i = 0; i < 5; i++) {
      const lines = await logOf(await start({ command: ['sh', '-c', script] }));
      expect(lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => text)).toEqual([
        'begin',
        'again',
        'again',
        'again',
        'last words',
      ]);
      expect(lines.filter(({ stream }) => stream === 'stderr').map(({ text }) => text)).toEqual(['bad']);
    }
  });

  test('reads the log of a container that has a terminal, which another tool made', async () => {
    const raw = dockerAt(engine.socketPath);
    const made = await raw.createContainer({
      Image: engine.image,
      Tty: true,
      Labels: labels,
      Cmd: ['sh', '-c', 'echo grün; echo two'],
    });
    await made.start();
    const lines = await logOf(made.id);
    expect(lines.map(({ stream, text }) => [stream, text])).toEqual([
      ['stdout', 'grün'],
      ['stdout', 'two'],
    ]);
    expect(Math.abs((lines[0]?.at ?? 0) - Date.now())).toBeLessThan(10_000);
  });

  test('ends the shell of a terminal that is closed, and what runs in it', async () => {
    const id = await start({ settings: { init: true } });
    const session = await docker.exec(id, { command: ['sh'], tty: true }, patientCall());
    await session.write(Buffer.from('sleep 4321\n'));
    await vi.waitFor(async () => expect(await says(id, 'ps')).toMatch(/sleep 4321/), 5000);
    session.close();
    await vi.waitFor(async () => expect(await says(id, 'ps')).not.toMatch(/sleep 4321/), 5000);
    expect(await says(id, 'ps')).not.toMatch(/^\s*\d+ root\s+\S+ sh$/m);
  });

  test('a terminal has the size that it was given', async () => {
    const id = await start({});
    const session = await docker.exec(id, { command: ['sh'], tty: true }, patientCall());
    await session.resize(132, 43);
    await session.write(Buffer.from('stty size; exit 5\n'));
    let text = '';
    for await (const { bytes } of session.output) text += Buffer.from(bytes).toString();
    expect(text).toContain('43 132');
    expect(await session.exitCode).toBe(5);
  });

  test('a great deal of output of a command arrives whole, also when the reader is slow', async () => {
    const id = await start({});
    const command = ['sh', '-c', 'head -c 20000000 /dev/zero; echo done >&2'];
    const session = await docker.exec(id, { command, tty: false }, patientCall());
    await delay(500);
    const bytesOf = { stdout: 0, stderr: 0 };
    for await (const { stream, bytes } of session.output) bytesOf[stream] += bytes.length;
    expect(bytesOf).toEqual({ stdout: 20_000_000, stderr: 5 });
    expect(await session.exitCode).toBe(0);
  });

  describe('what an image has in a folder', () => {
    const image = 'floatlab/folders:1';
    const raw = () => dockerAt(engine.socketPath);
    beforeAll(async () => {
      const tar = pack();
      tar.entry({ name: 'data/', type: 'directory', mode: 0o750, uid: 472, gid: 5 });
      tar.entry({ name: 'data/a', uid: 472, mode: 0o600 }, 'hello');
      tar.entry({ name: 'linked', type: 'symlink', linkname: '/data' });
      tar.entry({ name: 'file' }, 'x');
      tar.finalize();
      const bytes = tar as AsyncIterable<unknown> as AsyncIterable<Uint8Array>;
      // An engine makes a volume of its own for each container of it.
      await docker.importImage(bytes, image, ['VOLUME /data'], patientCall());
    });
    const volumes = async () => (await raw().listVolumes()).Volumes.length;

    async function entries(path: string): Promise<string[] | undefined> {
      const tar = await docker.imageFolder(image, path, patientCall());
      if (!tar) return undefined;
      const found: string[] = [];
      const unpacked = extract();
      const feeding = pipeline(Readable.from(tar), unpacked);
      for await (const entry of unpacked) {
        const { name, type, uid, mode } = entry.header;
        found.push(`${name} ${type} ${uid} ${(mode & 0o7777).toString(8)}`);
        entry.resume();
      }
      await feeding;
      return found;
    }

    test('is read with owners and modes, through a link of the image as well; a file or nothing is no folder', async () => {
      const before = await volumes();
      const whole = ['./ directory 472 750', './a file 472 600'];
      expect(await entries('/data')).toEqual(whole);
      expect(await entries('/linked')).toEqual(whole);
      expect(await entries('/file')).toBeUndefined();
      expect(await entries('/nothing')).toBeUndefined();
      await expect(docker.imageFolder('floatlab/never:1', '/data', patientCall())).rejects.toMatchObject({
        code: 'IMAGE_NOT_FOUND',
      });
      // No container and no volume is left.
      expect(await docker.containers({ 'floatlab.helper': 'image-folder' }, patientCall())).toEqual([]);
      expect(await volumes()).toBe(before);
    });

    test('leaves nothing behind when its reader goes, and the next one takes away what a crash left', async () => {
      const helper = { 'floatlab.helper': 'image-folder' };
      for await (const _ of (await docker.imageFolder(image, '/data', patientCall())) ?? []) break;
      expect(await docker.containers(helper, patientCall())).toEqual([]);
      await docker.imageFolder(image, '/data', patientCall());
      expect(await docker.containers(helper, patientCall())).toHaveLength(1);
      // Another daemon knows nothing of it.
      const next = dockerOverSocket({ socketPath: engine.socketPath });
      for await (const _ of (await next.imageFolder(image, '/data', patientCall())) ?? []);
      expect(await docker.containers(helper, patientCall())).toEqual([]);
    });
  });

  test('an image that declares a healthcheck says so, and a refused pull is told apart from a failed one', async () => {
    const registry = await startRegistry(randomBytes(1000));
    try {
      await docker.pull(registry.image, patientCall());
      expect((await docker.image(registry.image, patientCall()))?.hasHealthcheck).toBe(true);
      const refusals = [
        [401, 'UNAUTHORIZED', 'authentication required', 'IMAGE_PULL_FAILED'],
        [403, 'DENIED', 'requested access to the resource is denied', 'IMAGE_PULL_FAILED'],
        [404, 'MANIFEST_UNKNOWN', 'manifest unknown', 'IMAGE_NOT_FOUND'],
        [404, 'NAME_UNKNOWN', 'repository name not known to registry', 'IMAGE_NOT_FOUND'],
        [429, 'TOOMANYREQUESTS', 'too many', 'IMAGE_PULL_FAILED'],
        [500, 'UNKNOWN', 'broken', 'IMAGE_PULL_FAILED'],
      ] as const;
      for (const [status, code, message, expected] of refusals) {
        registry.fail({ status, code, message });
        await expect(docker.pull(registry.image.replace('1.0', 'other'), patientCall())).rejects.toMatchObject({
          code: expected,
        });
      }
    } finally {
      await registry.close();
    }
    await expect(docker.pull(registry.image, patientCall())).rejects.toMatchObject({ code: 'IMAGE_PULL_FAILED' });
  });
});
