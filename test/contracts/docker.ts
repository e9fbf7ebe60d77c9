/** What every container engine promises, real or simulated. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { differencesOf } from '#actors/compose/inspected/compare.ts';
import type { Call } from '#io/devices/call.ts';
import { type Clock, sleep } from '#io/devices/clock/port.ts';
import type {
  ContainerInfo,
  ContainerSpec,
  DockerPort,
  EngineEvent,
  ExecOptions,
  LogLine,
  LogOptions,
} from '#io/devices/docker/port.ts';
import { IoError, type IoErrorCode } from '#io/devices/error.ts';

export interface DockerUnderTest {
  readonly port: DockerPort;
  readonly clock: Clock;
  /** An image that the engine has, whose `sh`, `sleep`, `echo`, `cat` and `true` are the usual ones. */
  readonly image: string;
  /** Images that the engine does not have: one that its registry has, and one that it has not. */
  readonly pullable: string;
  readonly unknown: string;
  /** A root file system that can be imported. */
  tar(): AsyncIterable<Uint8Array>;
  /** A port of the machine that nobody uses. */
  freePort(): Promise<number>;
  dispose(): Promise<void>;
}

/** @param make is called once: everything that a test makes is removed after it */
export function dockerContract(title: string, make: () => Promise<DockerUnderTest>): void {
  describe(`${title} keeps the promises of a container engine:`, () => {
    const run = `contract-${process.pid}`;
    const label = { 'floatlab.test': run };
    const network = `${run}-net`;
    let subject: DockerUnderTest;
    let port: DockerPort;
    let count = 0;

    beforeAll(async () => {
      subject = await make();
      port = subject.port;
      await port.ensureNetwork({ name: network, labels: label }, call());
    });
    afterEach(async () => {
      for (const { id } of await port.containers(label, call())) await port.remove(id, call());
    });
    afterAll(async () => {
      await port?.removeNetwork(network, label, call());
      await subject?.dispose();
    });

    const spec = (some: Partial<ContainerSpec> = {}): ContainerSpec => ({
      name: `${run}-${++count}`,
      image: subject.image,
      command: ['sleep', '600'],
      environment: [],
      ports: [],
      mounts: [],
      networks: [{ name: network, aliases: [] }],
      ...some,
      labels: { ...label, ...some.labels },
    });

    async function started(some: Partial<ContainerSpec> = {}): Promise<string> {
      const id = await port.create(spec(some), call());
      await port.start(id, call());
      return id;
    }

    async function info(id: string): Promise<ContainerInfo> {
      const found = await port.inspect(id, call());
      if (!found) throw new Error(`${id} is not there`);
      return found;
    }

    /** Waits for what happens by itself. */
    async function until(id: string, isSo: (now: ContainerInfo) => boolean): Promise<ContainerInfo> {
      for (let i = 0; i < 300; i++) {
        const now = await info(id);
        if (isSo(now)) return now;
        await sleep(subject.clock, 50);
      }
      throw new Error(`in vain: ${JSON.stringify(await info(id))}`);
    }

    const lines = (id: string, options: LogOptions, signal = never()): Promise<LogLine[]> =>
      collect(port.logs(id, options, signal));
    const texts = (all: readonly LogLine[], stream: LogLine['stream']): string[] =>
      all.filter((line) => line.stream === stream).map(({ text }) => text);

    async function output(id: string, options: ExecOptions, input?: string): Promise<[string, string, number]> {
      const session = await port.exec(id, options, call());
      if (input !== undefined) await session.write(new TextEncoder().encode(input));
      session.endInput();
      const said = { stdout: '', stderr: '' };
      for await (const { stream, bytes } of session.output) said[stream] += new TextDecoder().decode(bytes);
      return [said.stdout, said.stderr, await session.exitCode];
    }

    describe('images', () => {
      test('the engine says what it is', async () => {
        const { name, version, startedAt = 0 } = await port.info(call());
        expect(name).toBe('docker');
        expect(version).toMatch(/^\d+\.\d+/);
        expect(startedAt).toBeGreaterThan(subject.clock.now() - 3_600_000);
        expect(startedAt).toBeLessThanOrEqual(subject.clock.now());
      });

      test('an image that it has is described, another is undefined', async () => {
        expect(await port.image(subject.image, call())).toMatchObject({ hasHealthcheck: false });
        expect((await port.image(subject.image, call()))?.sizeBytes).toBeGreaterThan(0);
        expect(await port.image('floatlab/never-made:1', call())).toBeUndefined();
      });

      test('what is no name of an image is refused before it reaches the engine', async () => {
        for (const name of ['', 'two words', '../containers', 'a?b', '-x'])
          await expectCode(port.image(name, call()), 'INVALID');
      });

      test('an image is pulled with progress, and is there afterwards', async () => {
        const seen: { done?: number; total?: number }[] = [];
        await port.pull(subject.pullable, { ...call(), progress: (progress) => void seen.push(progress) });
        expect(await port.image(subject.pullable, call())).toBeDefined();
        expect(seen.length).toBeGreaterThan(0);
        const done = seen.map((progress) => progress.done ?? 0);
        expect(done).toEqual(done.toSorted((a, b) => a - b));
        expect(seen.at(-1)?.done).toBe(seen.at(-1)?.total);
      });

      test('an image that its registry does not have is IMAGE_NOT_FOUND', async () => {
        await expectCode(port.pull(subject.unknown, call()), 'IMAGE_NOT_FOUND');
      });

      test('what its registry has under a name is a digest, by which it can be pulled, whatever the name means later', async () => {
        const digest = await port.registryDigest(subject.pullable, call());
        expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
        await port.pull(subject.pullable, call());
        const repository = subject.pullable.slice(0, subject.pullable.lastIndexOf(':'));
        const pulled = await port.image(subject.pullable, call());
        expect(pulled?.repoDigests).toContain(`${repository}@${digest}`);
        expect(pulled?.tags).toContain(subject.pullable);
        expect((await port.image(`${repository}@${digest}`, call()))?.id).toBe(pulled?.id);
        await expectCode(port.registryDigest(subject.unknown, call()), 'IMAGE_NOT_FOUND');
      });

      test('an image is listed, gets another name, and goes name by name', async () => {
        await port.importImage(subject.tar(), 'floatlab/named:1', [], call());
        const { id = '', createdAt = 0 } = (await port.image('floatlab/named:1', call())) ?? {};
        expect(Math.abs(createdAt - subject.clock.now())).toBeLessThan(60_000);
        await port.tagImage(id, 'floatlab/named:2', call());
        const listed = (await port.images(call())).find((one) => one.id === id);
        expect(listed?.tags).toEqual(['floatlab/named:1', 'floatlab/named:2']);
        await port.removeImage('floatlab/named:1', call());
        expect((await port.image(id, call()))?.tags).toEqual(['floatlab/named:2']);
        for (let n = 0; n < 2; n++) await port.removeImage('floatlab/named:2', call());
        expect(await port.image(id, call())).toBeUndefined();
        await expectCode(port.tagImage(id, 'floatlab/named:3', call()), 'IMAGE_NOT_FOUND');
      });

      test('an image of which a container was made stays', async () => {
        await port.importImage(subject.tar(), 'floatlab/held:1', ['CMD ["true"]'], call());
        const { id: image = '' } = (await port.image('floatlab/held:1', call())) ?? {};
        const { command: _, ...made } = spec({ image });
        const container = await port.create(made, call());
        await expectCode(port.removeImage(image, call()), 'BUSY');
        await port.remove(container, call());
        await port.removeImage(image, call());
      });

      test('an image is saved by its id and is the same where it is loaded; half of one is none', async () => {
        await port.importImage(subject.tar(), 'floatlab/saved:1', [], call());
        const { id = '' } = (await port.image('floatlab/saved:1', call())) ?? {};
        const pieces: Uint8Array[] = [];
        for await (const piece of await port.saveImage(id, call())) pieces.push(piece);
        const saved = Buffer.concat(pieces);
        await port.removeImage('floatlab/saved:1', call());
        expect(await port.image(id, call())).toBeUndefined();
        const bytes = async function* (upTo: number, failure?: Error): AsyncGenerator<Uint8Array> {
          for (let at = 0; at < upTo; at += 4096) yield saved.subarray(at, Math.min(at + 4096, upTo));
          if (failure) throw failure;
        };
        const half = Math.floor(saved.length / 2);
        await expectCode(port.loadImage(bytes(half), call()), 'DAMAGED');
        await expectCode(port.loadImage(bytes(half, new Error('the link is cut')), call()), 'FAILED');
        expect(await port.image(id, call())).toBeUndefined();
        await port.loadImage(bytes(saved.length), call());
        expect(await port.image(id, call())).toMatchObject({ id, tags: [], repoDigests: [] });
        await port.removeImage(id, call());
        await expectCode(port.saveImage(id, call()), 'IMAGE_NOT_FOUND');
      });

      test('an image can be made from a tar', async () => {
        await port.importImage(subject.tar(), 'floatlab/imported:1', ['CMD ["true"]'], call());
        expect(await port.image('floatlab/imported:1', call())).toBeDefined();
      });
    });

    describe('the life of a container', () => {
      test('it is made, started, stopped and removed, and each of these a second time changes nothing', async () => {
        const made = spec({ labels: { color: 'green' } });
        const id = await port.create(made, call());
        expect(await info(id)).toEqual({
          id,
          name: made.name,
          image: subject.image,
          labels: expect.objectContaining({ ...label, color: 'green' }) as unknown,
          state: 'created',
          health: 'none',
          healthcheck: undefined,
          exitCode: undefined,
          startedAt: undefined,
          oomKilled: false,
          restartPolicy: 'no',
          networks: [network],
        });
        await port.start(id, call());
        const running = await info(id);
        expect(running).toMatchObject({ state: 'running', exitCode: undefined });
        await port.start(id, call());
        expect(await info(id)).toEqual(running);
        expect(Math.abs((running.startedAt ?? 0) - subject.clock.now())).toBeLessThan(10_000);
        for (let i = 0; i < 2; i++) {
          await port.stop(id, 0, call());
          const { state, exitCode } = await info(id);
          expect([state, typeof exitCode]).toEqual(['exited', 'number']);
        }
        for (let i = 0; i < 2; i++) {
          await port.remove(id, call());
          expect(await port.inspect(id, call())).toBeUndefined();
        }
      });

      test('a running container can be removed', async () => {
        const id = await started();
        await port.remove(id, call());
        expect(await port.inspect(id, call())).toBeUndefined();
      });

      test('a container that is not there is stopped and removed already, and cannot be started', async () => {
        await port.stop('never-made', 1000, call());
        await port.remove('never-made', call());
        await expectCode(port.start('never-made', call()), 'MISSING');
      });

      test('a container is found by its name as well', async () => {
        const made = spec();
        const id = await port.create(made, call());
        expect((await info(made.name)).id).toBe(id);
      });

      test('one that is examined is what it was made from, beside what its image brings', async () => {
        const made = spec({
          command: ['sleep', '600'],
          environment: ['TOKEN=a b', 'EMPTY='],
          labels: { tier: 'web' },
          ports: [{ hostIp: '127.0.0.1', published: await subject.freePort(), target: 80, protocol: 'tcp' }],
          healthcheck: { test: ['CMD', 'true'], intervalMs: 90_000, retries: 4 },
          networks: [{ name: network, aliases: ['site', 'www'] }],
          settings: {
            ...{ user: '1000:1000', workingDir: '/tmp', hostname: 'web', init: true, readOnlyRoot: true },
            ...{ capAdd: ['NET_ADMIN'], capDrop: ['MKNOD'], extraHosts: ['nas:192.168.1.5'], dns: ['1.1.1.1'] },
            ...{ memoryBytes: 2 ** 27, cpus: 0.5, pidsLimit: 100, stopGraceMs: 90_000, stopSignal: 'SIGINT' },
            ...{ ulimits: { nofile: { soft: 100, hard: 200 } }, tmpfs: { '/run': 'size=64m' }, aliases: ['front'] },
            expose: ['9000/udp'],
            logging: { driver: 'json-file', options: { 'max-size': '1m' } },
          },
        });
        const found = await port.examine(await port.create(made, call()), call());
        const image = await port.imageDefaults(found?.imageId ?? '', call());
        if (!found || !image) throw new Error('it is not there');
        const { name, image: reference, labels, ports, command = [], environment, settings = {} } = made;
        const bundle = {
          ...{ image: reference, command, environment, labels, settings },
          ...(made.healthcheck && { healthcheck: made.healthcheck }),
          networks: { own: { aliases: ['site', 'www'] } },
        };
        const wanted = {
          service: name,
          spec: {
            ...{ image: reference, ports: [...ports], mounts: [], dependsOn: [], hasHealthcheck: true },
            restart: { condition: 'no' } as const,
          },
          bundle: { ...bundle, settings: { ...settings, aliases: [] } },
          networks: { own: { name: network } },
        };
        const around = { project: run, folder: undefined };
        expect(differencesOf(wanted, found, image, around)).toEqual([]);
        const other = { ...wanted, bundle: { ...wanted.bundle, environment: ['TOKEN=c'] } };
        expect(differencesOf(other, found, image, around).map(({ key }) => key)).toEqual([
          'environment.EMPTY',
          'environment.TOKEN',
        ]);
        expect(await port.examine(`${run}-none`, call())).toBeUndefined();
        expect(await port.imageDefaults('floatlab/never-made:1', call())).toBeUndefined();
      });

      test('one that ends by itself tells its exit code, and can be started again', async () => {
        const id = await started({ command: ['sh', '-c', 'exit 7'] });
        expect(await until(id, ({ state }) => state === 'exited')).toMatchObject({ exitCode: 7, oomKilled: false });
        await port.start(id, call());
        expect(await until(id, ({ state }) => state === 'exited')).toMatchObject({ exitCode: 7 });
      });

      test('a name belongs to one container', async () => {
        const made = spec();
        await port.create(made, call());
        await expectCode(port.create(made, call()), 'NAME_IN_USE', made.name);
      });

      test('an image that the engine does not have is IMAGE_NOT_FOUND, and nothing is made', async () => {
        const made = spec({ image: 'floatlab/never-made:1' });
        await expectCode(port.create(made, call()), 'IMAGE_NOT_FOUND', 'floatlab/never-made:1');
        expect(await port.inspect(made.name, call())).toBeUndefined();
      });

      test('a program that the image does not have is CONTAINER_FAILED, with its name', async () => {
        const id = await port.create(spec({ command: ['no-such-program'] }), call());
        await expectCode(port.start(id, call()), 'CONTAINER_FAILED', 'no-such-program');
        expect(await info(id)).toMatchObject({ state: 'created', exitCode: undefined });
      });

      test('a list has the containers with all of the labels, running or not, by name', async () => {
        const both = { kind: 'web', tier: '1' };
        const second = await port.create(spec({ name: `${run}-b`, labels: both }), call());
        const first = await started({ name: `${run}-a`, labels: both });
        await started({ name: `${run}-c`, labels: { kind: 'web', tier: '2' } });
        const found = await port.containers({ ...label, ...both }, call());
        expect(found.map(({ id }) => id)).toEqual([first, second]);
        expect(found.map(({ state }) => state)).toEqual(['running', 'created']);
        expect(await port.containers({ ...label, kind: 'other' }, call())).toEqual([]);
      });
    });

    describe('networks and ports', () => {
      test('a network is made once, also when asked at the same time, and removed once', async () => {
        const name = `${run}-many`;
        await Promise.all(Array.from({ length: 5 }, () => port.ensureNetwork({ name, labels: label }, call())));
        await port.ensureNetwork({ name, labels: label }, call());
        const user = await started({ networks: [{ name: name }], command: ['true'] });
        await until(user, ({ state }) => state === 'exited');
        await port.removeNetwork(name, label, call());
        await port.removeNetwork(name, label, call());
        const id = await port.create(spec({ networks: [{ name: name }] }), call());
        await expectCode(port.start(id, call()), 'MISSING', name);
      });

      test('a list has the networks with all of the labels, those of their making included', async () => {
        const [name, mine] = [`${run}-listed`, { 'floatlab.own': `${run}-own` }];
        await port.ensureNetwork({ name, labels: { ...label, ...mine }, notes: { 'floatlab.note': 'first' } }, call());
        await port.ensureNetwork({ name, labels: { ...label, ...mine }, notes: { 'floatlab.note': 'second' } }, call());
        const found = [{ name, labels: { ...label, ...mine, 'floatlab.note': 'first' } }];
        expect(await port.networks(mine, call())).toEqual(found);
        expect(await port.networks({ ...label, 'floatlab.own': null }, call())).toEqual(found);
        expect(await port.networks({ 'floatlab.own': 'other' }, call())).toEqual([]);
        expect((await port.networks(label, call())).map((one) => one.name)).toEqual([name, network]);
        await port.removeNetwork(name, mine, call());
        expect(await port.networks(mine, call())).toEqual([]);
      });

      test('a container is put into a further network once, and that is BUSY then', async () => {
        const name = `${run}-further`;
        await port.ensureNetwork({ name, labels: label }, call());
        const id = await port.create(spec(), call());
        expect((await info(id)).networks).toEqual([network]);
        await port.connect(id, { name, aliases: ['further'] }, call());
        await port.connect(id, { name, aliases: ['further'] }, call());
        await port.start(id, call());
        expect((await info(id)).networks).toEqual([network, name].toSorted());
        await expectCode(port.removeNetwork(name, label, call()), 'BUSY');
        await port.remove(id, call());
        await port.removeNetwork(name, label, call());
        const alone = await port.create(spec(), call());
        await expectCode(port.connect(alone, { name }, call()), 'MISSING');
      });

      test('a network with a running container in it is BUSY', async () => {
        await started();
        await expectCode(port.removeNetwork(network, label, call()), 'BUSY');
      });

      test('a network of somebody else is neither used nor removed, and the refusal names it and says what to do', async () => {
        const name = `${run}-theirs`;
        const theirs = { ...label, owner: 'them' };
        const ours = { ...label, owner: 'us' };
        await port.ensureNetwork({ name, labels: theirs }, call());
        const refused = await port
          .ensureNetwork({ name, labels: ours }, call())
          .catch((error: unknown) => error as IoError);
        expect(refused).toMatchObject({ code: 'NAME_IN_USE' });
        expect(refused?.message).toContain(name);
        expect(refused?.hint).toContain(`docker network rm ${name}`);
        await port.removeNetwork(name, ours, call());
        // It is still there, and still theirs.
        await expectCode(port.ensureNetwork({ name, labels: ours }, call()), 'NAME_IN_USE', name);
        await port.removeNetwork(name, theirs, call());
        await port.ensureNetwork({ name, labels: ours }, call());
        await port.removeNetwork(name, ours, call());
      });

      test('a published port belongs to one running container', async () => {
        const published = await subject.freePort();
        const http = { published, target: 8080, protocol: 'tcp' } as const;
        const first = await started({ ports: [http] });
        const second = await port.create(spec({ ports: [http] }), call());
        await expectCode(port.start(second, call()), 'PORT_IN_USE', String(published));
        await started({ ports: [{ ...http, protocol: 'udp' }] });
        await port.stop(first, 0, call());
        await port.start(second, call());
        expect(await info(second)).toMatchObject({ state: 'running' });
      });

      test('a port is open on the address that it is published on', async () => {
        const published = await subject.freePort();
        const local = { hostIp: '127.0.0.1', published, target: 8080, protocol: 'tcp' } as const;
        await started({ ports: [local] });
        await started({ ports: [{ ...local, hostIp: '127.0.0.2' }] });
        const everywhere = await port.create(spec({ ports: [{ published, target: 80, protocol: 'tcp' }] }), call());
        await expectCode(port.start(everywhere, call()), 'PORT_IN_USE');
      });
    });

    describe('health', () => {
      test('a healthcheck begins as starting and becomes healthy', async () => {
        const id = await started({ healthcheck: { test: ['CMD', 'true'], intervalMs: 1000, retries: 2 } });
        expect((await info(id)).health).toBe('starting');
        await until(id, ({ health }) => health === 'healthy');
      });

      test('a healthcheck is told as it is in force, with what was left open', async () => {
        const check = { test: ['CMD', 'true'], intervalMs: 20_000, startPeriodMs: 90_000, retries: 7 };
        expect((await info(await port.create(spec({ healthcheck: check }), call()))).healthcheck).toEqual(check);
      });

      test('a healthcheck NONE is none', async () => {
        const id = await started({ healthcheck: { test: ['NONE'] } });
        expect(await info(id)).toMatchObject({ health: 'none', healthcheck: undefined });
      });
    });

    describe('logs', () => {
      const talk = { command: ['sh', '-c', 'echo one; echo two; echo oops >&2; sleep 1; echo three'] };

      test('both streams are read to the end, with times that do not go back', async () => {
        const before = subject.clock.now() - 1000;
        const id = await started(talk);
        await until(id, ({ state }) => state === 'exited');
        const all = await lines(id, { follow: false });
        expect(texts(all, 'stdout')).toEqual(['one', 'two', 'three']);
        expect(texts(all, 'stderr')).toEqual(['oops']);
        const times = all.filter(({ stream }) => stream === 'stdout').map(({ at }) => at);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        expect(times[0]).toBeGreaterThan(before);
        expect(times.at(-1)).toBeLessThan(subject.clock.now() + 1000);
      });

      test('tail and since leave out what is older', async () => {
        const id = await started(talk);
        await until(id, ({ state }) => state === 'exited');
        expect((await lines(id, { follow: false, tail: 1 })).map(({ text }) => text)).toEqual(['three']);
        const third = (await lines(id, { follow: false })).at(-1)?.at ?? 0;
        const since = await lines(id, { follow: false, sinceMs: third - 500 });
        expect(since.map(({ text }) => text)).toEqual(['three']);
        expect(await lines(id, { follow: false, tail: 0 })).toEqual([]);
      });

      test('following ends when the container stops', async () => {
        const id = await started(talk);
        expect(texts(await lines(id, { follow: true }), 'stdout')).toEqual(['one', 'two', 'three']);
      });

      test('following ends when the container is removed', async () => {
        const id = await started({ command: ['sh', '-c', 'echo here; sleep 600'] });
        const seen: string[] = [];
        for await (const { text } of port.logs(id, { follow: true }, never())) {
          seen.push(text);
          await port.remove(id, call());
        }
        expect(seen).toEqual(['here']);
      });

      test('following from now on leaves out what was there before', async () => {
        const id = await started({ command: ['sh', '-c', 'echo old; sleep 2; echo new'] });
        await sleep(subject.clock, 1000);
        expect((await lines(id, { follow: true, tail: 0 })).map(({ text }) => text)).toEqual(['new']);
      });

      test('following says when it has given what was there, once, however much that is', async () => {
        const id = await started({ command: ['sh', '-c', 'echo one; echo two; sleep 3; echo three'] });
        const follow = async (some: Partial<LogOptions>): Promise<string[]> => {
          const seen: string[] = [];
          const options = { follow: true, caughtUp: () => void seen.push('CAUGHT UP'), ...some };
          for await (const { text } of port.logs(id, options, never())) seen.push(text);
          return seen;
        };
        await sleep(subject.clock, 1000);
        const [all, last, none] = await Promise.all([follow({}), follow({ tail: 1 }), follow({ tail: 0 })]);
        expect(all).toEqual(['one', 'two', 'CAUGHT UP', 'three']);
        expect(last).toEqual(['two', 'CAUGHT UP', 'three']);
        expect(none).toEqual(['CAUGHT UP', 'three']);
        // A log without lines has been given at once.
        const quiet = await started();
        const stop = new AbortController();
        const options = { follow: true, caughtUp: () => stop.abort() };
        expect(await lines(quiet, options, stop.signal)).toEqual([]);
      });

      test('following ends quietly when it is cancelled', async () => {
        const id = await started({ command: ['sh', '-c', 'echo here; sleep 600'] });
        const stop = new AbortController();
        const seen: string[] = [];
        for await (const { text } of port.logs(id, { follow: true }, stop.signal)) {
          seen.push(text);
          stop.abort();
        }
        expect(seen).toEqual(['here']);
        expect(await lines(id, { follow: true }, stop.signal)).toEqual([]);
      });

      test('of a container that is not there they are MISSING', async () => {
        await expectCode(lines('never-made', { follow: false }), 'MISSING');
      });
    });

    describe('commands inside', () => {
      test('a command gives its output and its exit code', async () => {
        const id = await started();
        expect(await output(id, { command: ['echo', 'hello'], tty: false })).toEqual(['hello\n', '', 0]);
        const failing = { command: ['sh', '-c', 'echo bad >&2; exit 3'], tty: false };
        expect(await output(id, failing)).toEqual(['', 'bad\n', 3]);
      });

      test('a command reads its input to the end', async () => {
        const id = await started();
        expect(await output(id, { command: ['cat'], tty: false }, 'in and out')).toEqual(['in and out', '', 0]);
      });

      test('input that the command does not read is not taken without end', async () => {
        const id = await started();
        const session = await port.exec(id, { command: ['sleep', '300'], tty: false }, call());
        let taken = 0;
        const writing = (async () => {
          for (let n = 0; n < 1000; n++) {
            await session.write(new Uint8Array(65_536));
            taken++;
          }
        })();
        await sleep(subject.clock, 1000);
        expect(taken).toBeLessThan(200);
        // Whoever waits is let go when nobody will take it any more.
        session.close();
        await writing;
        expect(taken).toBe(1000);
      });

      test('with a terminal both streams are one, and its size can be changed', async () => {
        const id = await started();
        const session = await port.exec(id, { command: ['sh', '-c', 'sleep 1; echo bad >&2'], tty: true }, call());
        await session.resize(132, 43);
        let text = '';
        for await (const { stream, bytes } of session.output) {
          expect(stream).toBe('stdout');
          text += new TextDecoder().decode(bytes);
        }
        expect(text.trim()).toBe('bad');
        expect(await session.exitCode).toBe(0);
      });

      test('the exit code comes although nobody reads the output', async () => {
        const id = await started();
        const session = await port.exec(id, { command: ['sh', '-c', 'echo unread; exit 4'], tty: false }, call());
        expect(await session.exitCode).toBe(4);
      });

      test('a session that is closed, or whose call is aborted, ends', async () => {
        const id = await started();
        const stop = new AbortController();
        for (const [signal, end] of [[never(), 'close'] as const, [stop.signal, 'abort'] as const]) {
          const session = await port.exec(id, { command: ['sleep', '300'], tty: true }, { ...call(), signal });
          if (end === 'close') session.close();
          else stop.abort();
          expect(await collect(session.output)).toEqual([]);
          await expectCode(session.exitCode, 'ABORTED');
        }
      });

      test('a command ends with its container', async () => {
        const id = await started();
        const session = await port.exec(id, { command: ['sh', '-c', 'echo ready; sleep 300'], tty: false }, call());
        let text = '';
        for await (const { bytes } of session.output) {
          text += new TextDecoder().decode(bytes);
          if (text === 'ready\n') await port.stop(id, 0, call());
        }
        expect(text).toBe('ready\n');
        expect(await session.exitCode).toBe(137);
      });

      test('in a container that does not run it is CONTAINER_FAILED, in none MISSING', async () => {
        const id = await port.create(spec(), call());
        await expectCode(port.exec(id, { command: ['true'], tty: false }, call()), 'CONTAINER_FAILED');
        await expectCode(port.exec('never-made', { command: ['true'], tty: false }, call()), 'MISSING');
      });
    });

    describe('what can be observed', () => {
      test('a running container uses memory, one that does not run nothing', async () => {
        const id = await started();
        const { cpuCores, memoryBytes, memoryLimitBytes } = await port.stats(id, call());
        expect(cpuCores).toBeGreaterThanOrEqual(0);
        expect(memoryBytes).toBeGreaterThan(0);
        expect(memoryLimitBytes).toBeGreaterThan(memoryBytes);
        await port.stop(id, 0, call());
        expect(await port.stats(id, call())).toEqual({ cpuCores: 0, memoryBytes: 0, memoryLimitBytes: 0 });
        await expectCode(port.stats('never-made', call()), 'MISSING');
      });

      test('events tell of starts, health, ends and removals, with the labels, until they are cancelled', async () => {
        const stop = new AbortController();
        const events = port.events(stop.signal);
        const id = await started({ healthcheck: { test: ['CMD', 'true'], intervalMs: 500 } });
        await until(id, ({ health }) => health === 'healthy');
        await port.remove(id, call());
        const seen: EngineEvent[] = [];
        for await (const event of events) {
          if (event.container !== id || event.action === 'other') continue;
          seen.push(event);
          if (event.action === 'destroy') stop.abort();
        }
        expect(seen.map(({ action }) => action)).toEqual(['start', 'health', 'die', 'destroy']);
        for (const { labels, at } of seen) {
          expect(labels).toMatchObject(label);
          expect(Math.abs(at - subject.clock.now())).toBeLessThan(30_000);
        }
      });
    });

    describe('a call', () => {
      test('that is aborted beforehand does nothing', async () => {
        const made = spec();
        const aborted = { ...call(), signal: AbortSignal.abort() };
        await expectCode(port.create(made, aborted), 'ABORTED');
        expect(await port.inspect(made.name, call())).toBeUndefined();
      });

      test('that makes something is answered by what it has made, although it was aborted meanwhile', async () => {
        const stop = new AbortController();
        const how = { ...call(), signal: stop.signal };
        const [made, name] = [spec(), `${run}-begun`];
        const asked = [port.create(made, how), port.ensureNetwork({ name, labels: label }, how)] as const;
        stop.abort();
        const [id] = await Promise.all(asked);
        expect(await info(id)).toMatchObject({ name: made.name, state: 'created' });
        expect(await port.networks(label, call())).toContainEqual(expect.objectContaining({ name }));
        await port.removeNetwork(name, label, call());
        const again = new AbortController();
        const starting = port.start(id, { ...call(), signal: again.signal });
        again.abort();
        await starting;
        expect(await info(id)).toMatchObject({ state: 'running' });
      });

      test('that is aborted meanwhile answers at once, one that takes too long in time', async () => {
        const id = await started();
        const stop = new AbortController();
        const answer = port.stats(id, { ...call(), signal: stop.signal });
        stop.abort();
        await expectCode(answer, 'ABORTED');
        await expectCode(port.stats(id, { ...call(), timeoutMs: 50 }), 'TIMED_OUT');
      });
    });
  });
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const never = (): AbortSignal => new AbortController().signal;

const call = (): Call => ({ signal: never(), timeoutMs: 60_000, progress() {} });

/** Every rejection is an IoError with a code; its message names the thing. */
async function expectCode(work: Promise<unknown>, code: IoErrorCode, named = ''): Promise<void> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(IoError);
  expect({ code: (error as IoError).code, message: (error as IoError).message }).toEqual({
    code,
    message: expect.stringContaining(named) as unknown,
  });
}
