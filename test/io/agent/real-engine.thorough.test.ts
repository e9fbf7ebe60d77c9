/** The agent's work on a real engine and real files: what the simulated ones cannot know better than we do. */
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { pack } from 'tar-stream';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Command } from '#actors/commands.ts';
import { appFolderVolume, type Bundle, type BundleService } from '#actors/compose/model.ts';
import type { ServiceSpec } from '#events/app.ts';
import { asIndex } from '#events/envelope.ts';
import type { SnapshotHook, SnapshotHooks } from '#events/values/snapshotting.ts';
import { startOwnEngine, stopOwnEngine } from '#io/daemon/engine.ts';
import { debianBusybox } from '#io/daemon/welcome-image.ts';
import type { InstanceInput, WorkOrder } from '#actors/work.ts';
import { label } from '#io/agent/containers/labels.ts';
import { Leftovers } from '#io/agent/leftovers.ts';
import { withHooks } from '#io/agent/snapshot-hooks.ts';
import type { Ports, Run } from '#io/agent/worker.ts';
import { startInstance } from '#io/agent/workers/start-instance.ts';
import { stopInstance } from '#io/agent/workers/stop-instance.ts';
import { watchInstance } from '#io/agent/workers/watch-instance.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { enginePaths } from '#io/devices/docker/own/paths.ts';
import type { ContainerInfo, DockerPort } from '#io/devices/docker/port.ts';
import { dockerOverSocket } from '#io/devices/docker/real.ts';
import { IoError } from '#io/devices/error.ts';
import { realFiles } from '#io/devices/files/real.ts';
import { run } from '#io/devices/run.ts';
import { missingDocker, patientCall, quietLog } from '#test/engine-fixture.ts';
import { describeReal } from '#test/real.ts';

const image = 'floatlab/grafana:1';
const owner = 472;

describeReal('An app on a real engine', missingDocker(), () => {
  let folder: string | undefined;
  let dataDir: string;
  let docker: DockerPort;
  let paths: Record<string, string>;
  let running: { stop(): Promise<void> }[] = [];

  const startEngine = () => startOwnEngine({ dataDir, log: quietLog, isolated: true });

  beforeAll(async () => {
    dataDir = await realpath(await mkdtemp(join(tmpdir(), 'floatlab-agent-engine-')));
    const { socketPath } = await startEngine();
    docker = dockerOverSocket({ socketPath });
    const tar = pack();
    tar.entry({ name: 'bin/', type: 'directory' });
    tar.entry({ name: 'bin/busybox', mode: 0o755 }, await readFile(debianBusybox));
    for (const name of ['sh', 'sleep', 'cat', 'touch', 'ln', 'mv', 'rm', 'mkfifo', 'ls'])
      tar.entry({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox' });
    tar.entry({ name: 'var/lib/grafana/', type: 'directory', mode: 0o770, uid: owner, gid: owner });
    tar.entry({ name: 'var/lib/grafana/plugins/', type: 'directory', mode: 0o755, uid: owner, gid: owner });
    tar.entry({ name: 'var/lib/grafana/plugins/a', uid: owner, gid: owner }, 'of the image');
    tar.finalize();
    const bytes = tar as AsyncIterable<unknown> as AsyncIterable<Uint8Array>;
    await docker.importImage(bytes, image, [`USER ${owner}`, 'VOLUME /var/lib/grafana'], patientCall());
  });
  afterAll(async () => {
    if (!dataDir) return;
    await stopOwnEngine({ dataDir, remove: true });
    await rm(dataDir, { recursive: true, force: true });
  });
  afterEach(async () => {
    for (const one of running) await one.stop();
    running = [];
    for (const { id } of await docker.containers({}, patientCall())) await docker.remove(id, patientCall());
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const service = (mounts: ServiceSpec['mounts'], some: Partial<ServiceSpec> = {}): ServiceSpec => ({
    image,
    ports: [],
    mounts,
    restart: { condition: 'no' },
    dependsOn: [],
    hasHealthcheck: false,
    ...some,
  });

  async function app(
    services: Record<string, readonly [ServiceSpec, Partial<BundleService>]>,
    networks: Bundle['networks'] = {},
  ) {
    folder = await mkdtemp(join(tmpdir(), 'floatlab-agent-app-'));
    paths = {};
    for (const name of ['data', appFolderVolume]) {
      paths[name] = join(folder, name);
      await mkdir(paths[name]);
    }
    const bundle: Bundle = {
      services: Object.fromEntries(
        Object.entries(services).map(([name, [, some]]) => [name, { image, environment: [], labels: {}, ...some }]),
      ),
      files: [],
      networks,
    };
    const input: InstanceInput = {
      app: 'app:a1b2c3d4e5',
      namespace: 'default',
      appName: 'shop',
      images: {},
      revision: 1,
      bundle: 'ref',
      spec: {
        services: Object.fromEntries(Object.entries(services).map(([name, [spec]]) => [name, spec])),
        volumes: {},
      },
      paths,
      datasets: {},
      services: {},
    };
    const about = {
      subject: 'instance:i1',
      visit: 1,
      node: 'node:n1',
      epoch: asIndex(7),
      cause: 'c',
      correlation: 'c',
      input,
    } as const;
    const ports = {
      docker,
      files: realFiles(),
      clock: realClock,
      blobs: { get: () => Promise.resolve(Buffer.from(JSON.stringify(bundle))) },
    } as unknown as Ports;
    const told: Command[] = [];
    const runOf = (signal: AbortSignal): Run => ({
      signal,
      timeoutMs: 60_000,
      progress: () => {},
      fence: () => {
        if (signal.aborted) throw new IoError('FENCED', { op: 'x', target: 'y', message: 'no longer wanted' });
      },
      caughtUp: () => Promise.resolve(),
      report: (command) => Promise.resolve(void told.push(command)),
      afterwards: () => undefined,
      judge: () => {
        throw new Error('there is no pool');
      },
    });
    const forever = new AbortController().signal;
    running.push({
      stop: async () => void (await stopInstance({ ...about, work: 'stop-instance' }, ports, runOf(forever))),
    });
    return {
      told,
      start: (signal = forever) =>
        startInstance({ ...about, work: 'start-instance' } as WorkOrder<'start-instance'>, ports, runOf(signal)),
      stop: () => stopInstance({ ...about, work: 'stop-instance' }, ports, runOf(forever)),
      /** As the agent does: an attempt that failed is followed by another one. */
      watch() {
        const stop = new AbortController();
        const watching = (async () => {
          while (!stop.signal.aborted) {
            await watchInstance({ ...about, work: 'watch-instance' }, ports, runOf(stop.signal)).catch(() => {});
            await delay(200);
          }
        })();
        running.unshift({ stop: () => (stop.abort(), watching) });
      },
    };
  }

  async function tool(file: string, ...args: string[]): Promise<void> {
    const ran = await run(file, args, patientCall());
    if (ran.exitCode !== 0) throw new Error(ran.stderr);
  }

  const containers = async (): Promise<ReadonlyMap<string, ContainerInfo>> =>
    new Map((await docker.containers({}, patientCall())).map((one) => [one.name, one]));

  test('that does not run as root can write to its new volume, which begins with what its image has', async () => {
    const command = ['sh', '-c', 'touch /var/lib/grafana/made && exec sleep 600'];
    const mount = { volume: 'data', subpath: '.', target: '/var/lib/grafana', readOnly: false };
    const one = await app({ web: [service([mount]), { command }] });
    await one.start();
    const root = paths['data'] ?? '';
    expect((await readdir(root)).toSorted()).toEqual(['made', 'plugins']);
    expect(await stat(root)).toMatchObject({ uid: owner, gid: owner, mode: 0o40770 });
    expect(await stat(join(root, 'made'))).toMatchObject({ uid: owner });
    expect(await readFile(join(root, 'plugins', 'a'), 'utf8')).toBe('of the image');
    // Once, and never again over what the app has made of it; and nothing that was needed for it is left.
    await rm(join(root, 'plugins'), { recursive: true });
    await docker.remove('shop-web-1', patientCall());
    await one.start();
    expect(await readdir(root)).toEqual(['made']);
    expect([...(await containers()).keys()]).toEqual(['shop-web-1']);
  });

  test('is given folders of the machine: made where they are missing, and reached by no link', async () => {
    const host = await mkdtemp(join(tmpdir(), 'floatlab-host-'));
    try {
      await chmod(host, 0o755);
      await writeFile(join(host, 'film'), 'of the machine');
      const command = ['sh', '-c', 'grep machine /media/film && exec sleep 600'];
      const one = await app({
        web: [
          service([
            { host, target: '/media', readOnly: true, propagation: 'rprivate' },
            { host: join(host, 'art', 'covers'), target: '/art', readOnly: false, create: true },
            { host: '/etc/hostname', target: '/etc/hostname-of-node', readOnly: true },
          ]),
          { command },
        ],
      });
      await one.start();
      expect((await stat(join(host, 'art', 'covers'))).isDirectory()).toBe(true);
      const info = await docker.inspect('shop-web-1', patientCall());
      expect(info?.state).toBe('running');
      await one.stop();
      // What an app can do that may write there.
      await rm(join(host, 'art', 'covers'), { recursive: true });
      await symlink('/etc', join(host, 'art', 'covers'));
      await expect(one.start()).rejects.toMatchObject({
        code: 'INVALID',
        message: expect.stringContaining('is a symbolic link'),
      });
    } finally {
      await rm(host, { recursive: true, force: true });
    }
  });

  test('that shares the network of another one is found there, also when that was started anew', async () => {
    const serving = ['sh', '-c', 'cd /var/lib/grafana && echo found > index.html && exec httpd -f -p 8080 -h .'];
    const asking = ['sh', '-c', 'while :; do wget -q -O - http://127.0.0.1:8080/; sleep 1; done'];
    const one = await app({
      vpn: [service([], { restart: { condition: 'always' } }), { command: serving }],
      web: [
        service([], {
          restart: { condition: 'always' },
          dependsOn: [{ service: 'vpn', condition: 'service_started', required: true }],
        }),
        { command: asking, settings: { network: 'service:vpn' } },
      ],
    });
    await one.start();
    const found = async (since: number): Promise<boolean> => {
      const lines = docker.logs('shop-web-1', { follow: false, sinceMs: since }, AbortSignal.timeout(20_000));
      for await (const { text } of lines) if (text === 'found') return true;
      return false;
    };
    await vi.waitFor(async () => expect(await found(0)).toBe(true), { timeout: 20_000, interval: 500 });
    one.watch();
    const before = (await docker.inspect('shop-web-1', patientCall()))?.startedAt ?? 0;
    await docker.stop('shop-vpn-1', 0, patientCall());
    await vi.waitFor(
      async () => {
        const web = await docker.inspect('shop-web-1', patientCall());
        expect(web?.startedAt).toBeGreaterThan(before);
        expect(await found(web?.startedAt ?? 0)).toBe(true);
      },
      { timeout: 30_000, interval: 500 },
    );
  });

  test('of several networks lets those talk to each other that share one, and leaves none behind', async () => {
    const serving = {
      command: ['sh', '-c', 'cd /var/lib/grafana && echo found > index.html && exec httpd -f -p 8080 -h .'],
    };
    const idle = { command: ['sleep', '600'] };
    const one = await app(
      {
        db: [service([]), { ...serving, networks: { back: { aliases: ['database'] } } }],
        web: [service([], { dependsOn: [] }), { ...idle, networks: { back: {}, front: {} } }],
        cron: [service([]), { ...idle, networks: { front: {} } }],
      },
      { back: { internal: true }, front: { name: 'shop-front' } },
    );
    await one.start();
    const inNetworks = [...(await containers()).values()].map(({ name, networks }) => [name, networks]);
    expect(Object.fromEntries(inNetworks)).toEqual({
      'shop-cron-1': ['shop-front'],
      'shop-db-1': ['shop_back'],
      'shop-web-1': ['shop-front', 'shop_back'],
    });
    const asks = async (name: string): Promise<string> => {
      const command = ['sh', '-c', 'wget -q -O - http://database:8080/'];
      const session = await docker.exec(name, { command, tty: false }, patientCall());
      session.endInput();
      let said = '';
      for await (const { bytes } of session.output) said += Buffer.from(bytes).toString();
      return said.trim();
    };
    await vi.waitFor(async () => expect(await asks('shop-web-1')).toBe('found'), 15_000);
    expect(await asks('shop-cron-1')).not.toContain('found');
    // Once more: all is as it should be.
    const before = [...(await containers()).values()].map(({ id }) => id);
    await one.start();
    expect([...(await containers()).values()].map(({ id }) => id)).toEqual(before);
    await one.stop();
    expect(await docker.networks({ [label.app]: null }, patientCall())).toEqual([]);
  });

  test('runs programs from a volume whose pool allows neither device nodes nor setuid, also where it is read-only', async () => {
    const mounts = (['/data', '/ro'] as const).map((target) => ({
      volume: 'data',
      subpath: '.',
      target,
      readOnly: target === '/ro',
    }));
    const script = 'cat /bin/busybox > /data/sleep && chmod 755 /data/sleep && exec /ro/sleep 600';
    const one = await app({ web: [service(mounts), { command: ['sh', '-c', script] }] });
    const root = paths['data'] ?? '';
    await tool('mount', '-t', 'tmpfs', '-o', 'nodev,nosuid,mode=777', 'tmpfs', root);
    try {
      await one.start();
      expect((await containers()).get('shop-web-1')?.state).toBe('running');
      await docker.remove('shop-web-1', patientCall());
    } finally {
      await tool('umount', root);
    }
  });

  test('runs its hooks around a snapshot, and one that hangs is killed in time', async () => {
    const mount = { volume: 'data', subpath: '.', target: '/data', readOnly: false };
    const command = ['sh', '-c', "trap 'exit 0' TERM; while :; do sleep 1; done"];
    const one = await app({ db: [service([mount]), { command }] });
    await chmod(paths['data'] ?? '', 0o777);
    await one.start();
    const hook = (script: string, timeoutMs = 20_000): SnapshotHook => ({
      service: 'db',
      command: ['sh', '-c', script],
      timeoutMs,
    });
    const around = async (hooks: Omit<SnapshotHooks, 'onFailure'>, onFailure: SnapshotHooks['onFailure']) =>
      withHooks([{ ...hooks, onFailure, instance: 'instance:i1' }], { docker, clock: realClock }, patientCall(), () =>
        readdir(paths['data'] ?? ''),
      );
    const after = hook('rm /data/frozen');
    const { result, hooks } = await around({ before: hook('touch /data/frozen'), after }, 'skip');
    expect(result).toEqual(['frozen']);
    expect(hooks).toMatchObject({ before: { ended: 'done', exitCode: 0 }, after: { ended: 'done' } });
    expect(await readdir(paths['data'] ?? '')).toEqual([]);

    await expect(around({ before: hook('touch /data/frozen; exit 3'), after }, 'skip')).rejects.toMatchObject({
      code: 'HOOK_FAILED',
      message: expect.stringContaining('exit code 3'),
    });
    expect(await readdir(paths['data'] ?? '')).toEqual([]);

    const deaf = hook("trap '' HUP TERM; touch /data/begun; while :; do sleep 1; touch /data/begun; done", 1500);
    const hung = await around({ before: deaf }, 'take-anyway');
    expect(hung.hooks?.before).toMatchObject({ ended: 'timed-out' });
    await vi.waitFor(
      async () => {
        await rm(join(paths['data'] ?? '', 'begun'), { force: true });
        await delay(1500);
        expect(await readdir(paths['data'] ?? '')).toEqual([]);
      },
      { timeout: 15_000 },
    );
  });

  test('that puts a link to the host in the place of its mount does not get the host', async () => {
    const secret = await mkdtemp(join(tmpdir(), 'floatlab-agent-host-'));
    try {
      await writeFile(join(secret, 'secret'), 'of the host');
      const swap = `rm -r /all/data; ln -s ${secret} /all/data; exit 1`;
      const one = await app({
        web: [
          service(
            [
              { volume: appFolderVolume, subpath: '.', target: '/all', readOnly: false },
              { volume: appFolderVolume, subpath: 'data', target: '/data', readOnly: false },
            ],
            { restart: { condition: 'always' } },
          ),
          { command: ['sh', '-c', `ls /data; test -e /data/secret && sleep 600; sleep 2; ${swap}`] },
        ],
      });
      await chmod(paths[appFolderVolume] ?? '', 0o777);
      await one.start();
      one.watch();
      await vi.waitFor(
        () => expect(JSON.stringify(one.told)).toMatch(/"code":"INVALID","message":"[^"]*\/data is a symbolic link/),
        { timeout: 30_000, interval: 200 },
      );
      expect((await lstat(join(paths[appFolderVolume] ?? '', 'data'))).isSymbolicLink()).toBe(true);
      const lines: string[] = [];
      for await (const { text } of docker.logs('shop-web-1', { follow: false }, patientCall().signal)) lines.push(text);
      expect(lines).not.toContain('secret');
    } finally {
      await rm(secret, { recursive: true });
    }
  });

  test('that is no longer wanted while its engine makes a container leaves none', async () => {
    const one = await app({ web: [service([]), { command: ['sleep', '600'] }] });
    const pid = Number(await readFile(enginePaths(dataDir).pidFile, 'utf8'));
    const unwanted = new AbortController();
    const { create } = docker;
    // The engine has the request, and comes to it when nobody wants it any more.
    const spy = vi.spyOn(docker, 'create').mockImplementation(async (spec, how) => {
      process.kill(pid, 'SIGSTOP');
      const made = create(spec, how);
      await delay(300);
      unwanted.abort();
      return made;
    });
    try {
      let isOver = false;
      const starting = one.start(unwanted.signal).catch((error: unknown) => error);
      void starting.then(() => (isOver = true));
      await vi.waitFor(() => expect(unwanted.signal.aborted).toBe(true), 30_000);
      await delay(500);
      expect(isOver).toBe(false);
      process.kill(pid, 'SIGCONT');
      expect(await starting).toMatchObject({ code: expect.stringMatching(/^(FENCED|ABORTED)$/) as unknown });
    } finally {
      process.kill(pid, 'SIGCONT');
      spy.mockRestore();
    }
    expect((await containers()).get('shop-web-1')?.state).toBe('created');
    await one.stop();
    await delay(1000);
    expect([...(await containers()).keys()]).toEqual([]);
    expect(await docker.networks({ [label.app]: null }, patientCall())).toEqual([]);
  });

  test('what nobody has any more goes from a real engine, and nothing else does', async () => {
    const whose = { [label.app]: 'a1', [label.instance]: 'i0', [label.epoch]: '4' };
    const made = { ...whose, 'com.docker.compose.project': 'shop', [label.service]: 'web' };
    const theirs = { ...made, [label.instance]: 'theirs' };
    const event = { type: 'instance.assigned', stream: 'instance:i0', data: { node: 'node:n1', app: 'app:a1' } };
    const history = async function* () {
      yield await Promise.resolve([event]);
    };
    const lab = { view: { get: () => undefined }, index: 9, history };
    const leftovers = new Leftovers({ node: 'node:n1', lab: lab as never, docker, log: pino({ level: 'silent' }) });
    for (const [name, labels] of Object.entries({ 'shop-web-1': made, theirs, nobodys: {}, copied: made })) {
      const about = name === 'copied' ? {} : labels;
      await docker.ensureNetwork({ name: `net-${name}`, labels: { ...about, 'floatlab.test': 'yes' } }, patientCall());
      const some = {
        name,
        image,
        environment: [],
        ports: [],
        mounts: [],
        networks: [{ name: `net-${name}`, aliases: [] }],
      };
      const id = await docker.create({ ...some, labels, command: ['sleep', '600'] }, patientCall());
      if (name !== 'shop-web-1') await docker.start(id, patientCall());
    }
    try {
      await leftovers.clear(patientCall());
      expect([...(await containers()).keys()]).toEqual(['copied', 'nobodys', 'theirs']);
      const networks = await docker.networks({ 'floatlab.test': null }, patientCall());
      expect(networks.map(({ name }) => name)).toEqual(['net-copied', 'net-nobodys', 'net-theirs']);
    } finally {
      for (const { id } of await docker.containers({}, patientCall())) await docker.remove(id, patientCall());
      for (const { name, labels } of await docker.networks({ 'floatlab.test': null }, patientCall()))
        await docker.removeNetwork(name, labels, patientCall());
    }
  });

  test('runs again when its engine was killed, and when it was stopped in order, without a word in its policy', async () => {
    const one = await app({
      db: [service([]), { command: ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1; done'] }],
      job: [service([]), { command: ['sh', '-c', 'exit 0'] }],
    });
    await one.start();
    one.watch();
    await delay(1000);
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const before = (await containers()).get('shop-db-1');
      const pid = Number(await readFile(enginePaths(dataDir).pidFile, 'utf8'));
      process.kill(pid, signal);
      await vi.waitFor(async () =>
        expect(docker.info(patientCall())).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' }),
      );
      await delay(3000);
      await startEngine();
      await vi.waitFor(async () => expect((await containers()).get('shop-db-1')?.state).toBe('running'), {
        timeout: 30_000,
        interval: 300,
      });
      const after = (await containers()).get('shop-db-1');
      expect(after?.id).toBe(before?.id);
      expect(after?.startedAt).toBeGreaterThan(before?.startedAt ?? 0);
    }
    // Nobody was told that it had ended; the job has, by itself.
    const states = one.told
      .filter(({ name }) => name === 'report-service')
      .map(({ input }) => {
        const { service: name, status } = input as { service: string; status: { state: string } };
        return `${name} ${status.state}`;
      });
    expect(new Set(states)).toEqual(new Set(['db running', 'job completed']));
  });
});
