/** Engines of our own: found, started, used again, killed, beside each other, and gone without a trace. */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { engineCandidates, findEngine, startOwnEngine, stopOwnEngine } from '#io/daemon/engine.ts';
import { ensureWelcomeImage, welcomeImage } from '#io/daemon/welcome-image.ts';
import { type EnginePaths, enginePaths } from '#io/devices/docker/own/paths.ts';
import { allProcesses, pidIn } from '#io/devices/docker/own/processes.ts';
import type { ContainerSpec, DockerPort } from '#io/devices/docker/port.ts';
import { dockerOverSocket } from '#io/devices/docker/real.ts';
import { links, linksOf, missingDocker, patientCall, quietLog, sharedEngine } from '#test/engine-fixture.ts';
import { describeReal } from '#test/real.ts';
import { freePort } from '../devices/docker/free-port.ts';

const exec = promisify(execFile);

describe('where an engine is looked for', () => {
  test('is DOCKER_HOST when that is a socket of this machine, then the usual one', () => {
    const usual = '/var/run/docker.sock';
    expect(engineCandidates({})).toEqual([usual]);
    expect(engineCandidates({ DOCKER_HOST: 'unix:///run/user/1000/docker.sock' })).toEqual([
      '/run/user/1000/docker.sock',
      usual,
    ]);
    expect(engineCandidates({ DOCKER_HOST: `unix://${usual}` })).toEqual([usual]);
    for (const elsewhere of ['tcp://10.0.0.1:2375', 'ssh://root@nas', 'unix://', ''])
      expect(engineCandidates({ DOCKER_HOST: elsewhere })).toEqual([usual]);
  });
});

describeReal('An engine', missingDocker(), () => {
  /** With a name so long that no socket would fit below it. */
  let parent: string;
  let dataDir: string;
  let paths: EnginePaths;

  beforeEach(async () => {
    parent = await realpath(await mkdtemp(join(tmpdir(), 'floatlab-engine-int-')));
    dataDir = join(parent, 'a-very-long-name-of-a-folder-'.repeat(4), 'data');
    await mkdir(dataDir, { recursive: true });
    paths = enginePaths(dataDir);
  });
  afterEach(async () => {
    await stopOwnEngine({ dataDir, remove: true });
    await rm(parent, { recursive: true, force: true });
  });

  const start = (some: { isolated?: boolean; log?: typeof quietLog } = {}) =>
    startOwnEngine({ dataDir, log: quietLog, isolated: true, ...some });

  async function site(docker: DockerPort, content: string, some: Partial<ContainerSpec> = {}): Promise<number> {
    await ensureWelcomeImage(docker, {}, patientCall());
    await docker.ensureNetwork({ name: 'app', labels: {} }, patientCall());
    const published = await freePort();
    const made: ContainerSpec = {
      name: 'web',
      image: welcomeImage,
      command: ['sh', '-c', `echo ${content} > /srv/index.html; exec httpd -f -p 8080 -h /srv`],
      environment: [],
      labels: {},
      ports: [{ published, target: 8080, protocol: 'tcp' }],
      mounts: [],
      networks: [{ name: 'app', aliases: ['web'] }],
      settings: { init: true },
      ...some,
    };
    await docker.start(await docker.create(made, patientCall()), patientCall());
    return published;
  }

  async function served(port: number): Promise<string> {
    return vi.waitFor(async () => (await (await fetch(`http://127.0.0.1:${port}/`)).text()).trim(), 60_000);
  }

  /** What one container of the network reads from another, by its alias. */
  async function heard(docker: DockerPort): Promise<string> {
    const session = await docker.exec(
      'web',
      { command: ['wget', '-q', '-O', '-', 'http://web2:8080/'], tty: false },
      patientCall(),
    );
    let text = '';
    for await (const { bytes } of session.output) text += Buffer.from(bytes).toString();
    return text.trim();
  }

  async function expectNoTrace(): Promise<void> {
    expect(existsSync(paths.home)).toBe(false);
    expect(existsSync(paths.runtime)).toBe(false);
    const mounts = await readFile('/proc/self/mountinfo', 'utf8');
    expect(mounts).not.toContain(paths.runtime);
    expect(mounts).not.toContain(paths.home);
    const left = (await allProcesses()).filter(({ args }) => args.some((arg) => arg.includes(paths.runtime)));
    expect(left).toEqual([]);
    expect(await links()).not.toContain(paths.bridge);
    for (const table of ['filter', 'nat'])
      expect((await exec('iptables', ['-t', table, '-S'])).stdout).not.toContain(paths.bridge);
  }

  test('that answers is found, a socket where nobody listens is passed over', async () => {
    const { socketPath } = await sharedEngine();
    const stale = join(parent, 'stale.sock');
    await writeFile(stale, '');
    const candidates = ['/nowhere/docker.sock', stale, socketPath];
    expect(await findEngine({ candidates })).toMatchObject({
      socketPath,
      version: expect.stringMatching(/^\d+\./) as unknown,
    });
    expect(await findEngine({ candidates: candidates.slice(0, 2) })).toBeUndefined();
  });

  test('that accepts and never answers does not hold up the start', async () => {
    const path = join(parent, 'mute.sock');
    const mute = await new Promise<Server>((resolve) => {
      const server = createServer(() => {}).listen(path, () => resolve(server));
    });
    const before = performance.now();
    expect(await findEngine({ candidates: [path] })).toBeUndefined();
    expect(performance.now() - before).toBeLessThan(30_000);
    mute.close();
  });

  test('of our own serves a published port, beside another one that does the same, and leaves no trace', async () => {
    const other = join(parent, 'other');
    await mkdir(other);
    try {
      const [first, second] = await Promise.all([
        start(),
        startOwnEngine({ dataDir: other, log: quietLog, isolated: true }),
      ]);
      const engines = [first, second].map((engine) => dockerOverSocket(engine));
      const ports = await Promise.all(engines.map((docker, i) => site(docker, `site ${i}`)));
      expect(await Promise.all(ports.map(served))).toEqual(['site 0', 'site 1']);
      for (const [i, docker] of engines.entries()) {
        await site(docker, `neighbour ${i}`, { name: 'web2', networks: [{ name: 'app', aliases: ['web2'] }] });
        await vi.waitFor(async () => expect(await heard(docker)).toBe(`neighbour ${i}`), 60_000);
      }
      await stopOwnEngine({ dataDir, remove: true });
      await expectNoTrace();
      expect(await served(ports[1] ?? 0)).toBe('site 1');
    } finally {
      await stopOwnEngine({ dataDir: other, remove: true });
    }
  });

  test('of our own goes on when the daemon ends, and is used again by the next one', async () => {
    const script = new URL('../devices/docker/own/start-and-leave.ts', import.meta.url).pathname;
    const { stdout } = await exec(process.execPath, ['--import', 'tsx', script, dataDir]);
    expect(stdout).toBe(paths.socket);
    const pid = await pidIn(paths.pidFile);
    const port = await site(dockerOverSocket({ socketPath: stdout }), 'goes on');
    const told: string[] = [];
    const engine = await start({ log: { ...quietLog, info: (...said: string[]) => void told.push(...said) } });
    expect(engine.socketPath).toBe(paths.socket);
    expect(await pidIn(paths.pidFile)).toBe(pid);
    expect(told.join()).toContain('runs already');
    expect(await served(port)).toBe('goes on');
  });

  test('that was killed is started again, knows its containers, and leaves nothing when it is removed', async () => {
    const killEngine = async () => {
      const pid = await pidIn(paths.pidFile);
      process.kill(pid ?? 0, 'SIGKILL');
      await vi.waitFor(() => expect(existsSync(`/proc/${pid}/exe`)).toBe(false), 5000);
    };
    const docker = dockerOverSocket(await start());
    const port = await site(docker, 'survives');
    await killEngine();
    await expect(docker.info(patientCall())).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
    await start();
    expect(await docker.inspect('web', patientCall())).toMatchObject({ state: 'exited' });
    await docker.start('web', patientCall());
    expect(await served(port)).toBe('survives');

    const own = await linksOf(paths.socket);
    expect(own.some((name) => name.startsWith('br-'))).toBe(true);
    await killEngine();
    await stopOwnEngine({ dataDir, remove: true });
    await expectNoTrace();
    expect((await links()).filter((name) => own.includes(name))).toEqual([]);
  });

  test('that is stopped and started keeps its images and containers', async () => {
    const docker = dockerOverSocket(await start());
    const port = await site(docker, 'kept');
    const own = await linksOf(paths.socket);
    expect(own).toContain(paths.bridge);
    await stopOwnEngine({ dataDir });
    // Neither its own bridge nor those of its networks stay.
    expect((await links()).filter((name) => own.includes(name))).toEqual([]);
    await stopOwnEngine({ dataDir });
    await start();
    expect(await docker.inspect('web', patientCall())).toMatchObject({ state: 'exited' });
    expect(await docker.image(welcomeImage, patientCall())).toBeDefined();
    await docker.start('web', patientCall());
    expect(await served(port)).toBe('kept');
  });

  test('that cannot start says why, with the end of its log', async () => {
    await mkdir(paths.home, { recursive: true });
    await writeFile(paths.configFile, '{ "storage-driver": "no-such-driver" }');
    await expect(start()).rejects.toMatchObject({
      code: 'FAILED',
      message: expect.stringMatching(/ended with exit code 1[^]*no-such-driver/) as unknown,
      hint: expect.stringContaining(paths.log) as unknown,
    });
    // What the person wrote there stays.
    expect(await readFile(paths.configFile, 'utf8')).toContain('no-such-driver');
  });

  test('a process that has only the number of the engine is not touched', async () => {
    const innocent = spawn('sleep', ['300']);
    try {
      await mkdir(paths.runtime, { recursive: true });
      await writeFile(paths.pidFile, String(innocent.pid));
      await stopOwnEngine({ dataDir });
      expect(innocent.exitCode ?? innocent.signalCode).toBeNull();
      await start();
      expect(await pidIn(paths.pidFile)).not.toBe(innocent.pid);
      expect(innocent.exitCode ?? innocent.signalCode).toBeNull();
    } finally {
      innocent.kill('SIGKILL');
    }
  });

  test('where there never was one is stopped already', async () => {
    await stopOwnEngine({ dataDir, remove: true });
    await stopOwnEngine({ dataDir: join(parent, 'never'), remove: true });
  });

  describe('that is not isolated, while another one runs,', () => {
    beforeAll(async () => void (await sharedEngine()));
    afterAll(async () => {
      // The other one is the shared engine: nothing here may have ended it.
      const { docker } = await sharedEngine();
      await docker.info(patientCall());
    });

    test('leaves docker0 to the other one, says so, and publishes ports', async () => {
      const warned: string[] = [];
      const engine = await start({
        isolated: false,
        log: { ...quietLog, warn: (...said: string[]) => void warned.push(...said) },
      });
      expect(warned.join()).toMatch(/another container engine runs on this machine \(process \d+\)/);
      const own = await linksOf(engine.socketPath);
      expect(own).toContain(paths.bridge);
      expect(own).not.toContain('docker0');
      const docker = dockerOverSocket(engine);
      expect(await served(await site(docker, 'beside'))).toBe('beside');
      await stopOwnEngine({ dataDir, remove: true });
      await expectNoTrace();
    });
  });
});
