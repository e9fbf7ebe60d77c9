/** Engines that hang, break off or lie: every call ends, with the right code, and leaves no connection behind. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Call } from '#io/devices/call.ts';
import type { ContainerSpec, DockerPort } from '#io/devices/docker/port.ts';
import { dockerOverSocket } from '#io/devices/docker/real.ts';
import { type Answer, fakeEngine, type FakeEngine, json } from './fake-engine.ts';

let engine: FakeEngine | undefined;
afterEach(async () => {
  vi.unstubAllEnvs();
  await engine?.close();
  engine = undefined;
});

async function portOf(answer: Answer, upgrade?: Parameters<typeof fakeEngine>[1]): Promise<DockerPort> {
  engine = await fakeEngine(answer, upgrade);
  return dockerOverSocket({ socketPath: engine.socketPath });
}

const call = (some: Partial<Call> = {}): Call => ({
  signal: new AbortController().signal,
  timeoutMs: 10_000,
  progress() {},
  ...some,
});

const hangs: Answer = () => {};
const container = json(200, { Id: 'c', Config: { Tty: false } });

/** The first answer to an inspection, the second to what comes then. */
const logsAfter =
  (answer: Answer): Answer =>
  (request, response) =>
    (request.url?.includes('/logs') ? answer : container)(request, response);

const spec: ContainerSpec = {
  name: 'web',
  image: 'x:1',
  environment: [],
  labels: {},
  ports: [],
  mounts: [],
  networks: [{ name: 'n', aliases: [] }],
};

async function* oneByte(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(new Uint8Array(1));
}

const everyCall: Record<string, (port: DockerPort, how: Call) => Promise<unknown>> = {
  info: (port, how) => port.info(how),
  image: (port, how) => port.image('x:1', how),
  pull: (port, how) => port.pull('x:1', how),
  importImage: (port, how) => port.importImage(oneByte(), 'x:1', [], how),
  imageFolder: (port, how) => port.imageFolder('x:1', '/data', how),
  ensureNetwork: (port, how) => port.ensureNetwork({ name: 'n', labels: {} }, how),
  removeNetwork: (port, how) => port.removeNetwork('n', {}, how),
  networks: (port, how) => port.networks({}, how),
  containers: (port, how) => port.containers({}, how),
  inspect: (port, how) => port.inspect('c', how),
  create: (port, how) => port.create(spec, how),
  connect: (port, how) => port.connect('c', { name: 'n' }, how),
  start: (port, how) => port.start('c', how),
  stop: (port, how) => port.stop('c', 10, how),
  remove: (port, how) => port.remove('c', how),
  exec: (port, how) => port.exec('c', { command: ['x'], tty: false }, how),
  stats: (port, how) => port.stats('c', how),
};

/** Connections close a moment later than the call. */
async function noConnectionLeft(): Promise<void> {
  await vi.waitFor(() => expect(engine?.open()).toBe(0), 2000);
}

describe('no engine', () => {
  test('is ENGINE_UNREACHABLE for every call, with what to do', async () => {
    const port = dockerOverSocket({ socketPath: '/nowhere/engine.sock' });
    for (const ask of Object.values(everyCall))
      await expect(ask(port, call())).rejects.toMatchObject({
        code: 'ENGINE_UNREACHABLE',
        hint: expect.stringContaining('docker info') as unknown,
      });
    const never = new AbortController().signal;
    await expect(port.logs('c', { follow: true }, never)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
    });
    await expect(port.events(never)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
    });
  });

  test('is never another one that the environment names', async () => {
    const version = json(200, { Version: '1.2.3', Components: [] });
    for (const host of ['tcp://127.0.0.1:1', 'unix:///nowhere', 'ssh://root@nowhere']) {
      vi.stubEnv('DOCKER_HOST', host);
      vi.stubEnv('DOCKER_CLIENT_TIMEOUT', '1');
      const port = await portOf(version);
      expect(await port.info(call())).toEqual({ name: 'docker', version: '1.2.3' });
      await engine?.close();
    }
  });
});

/** What makes something: once begun it is not cancelled. */
const making = ['ensureNetwork', 'create', 'connect', 'start'];

describe('an engine that hangs', () => {
  for (const name of making) {
    test(`${name} is waited for although it is cancelled, until its time is over`, async () => {
      const port = await portOf(hangs);
      const stop = new AbortController();
      let isOver = false;
      const answer = everyCall[name]?.(port, call({ signal: stop.signal, timeoutMs: 400 })).finally(
        () => (isOver = true),
      );
      setTimeout(() => stop.abort(), 30);
      await delay(200);
      expect([stop.signal.aborted, isOver, engine?.open()]).toEqual([true, false, 1]);
      await expect(answer).rejects.toMatchObject({ code: 'TIMED_OUT' });
      await noConnectionLeft();
      await expect(everyCall[name]?.(port, call({ signal: stop.signal }))).rejects.toMatchObject({ code: 'ABORTED' });
    });
  }

  for (const [name, ask] of Object.entries(everyCall).filter(([known]) => !making.includes(known))) {
    test(`${name} ends in time or when it is aborted, and closes its connection`, async () => {
      const port = await portOf(hangs);
      await expect(ask(port, call({ timeoutMs: 30 }))).rejects.toMatchObject({ code: 'TIMED_OUT' });
      await noConnectionLeft();
      const stop = new AbortController();
      const answer = ask(port, call({ signal: stop.signal }));
      setTimeout(() => stop.abort(), 30);
      await expect(answer).rejects.toMatchObject({ code: 'ABORTED' });
      await noConnectionLeft();
    });
  }

  test('logs and events end quietly when they are cancelled', async () => {
    const port = await portOf(hangs);
    for (const open of [
      (signal: AbortSignal) => port.logs('c', { follow: true }, signal),
      (signal: AbortSignal) => port.events(signal),
    ]) {
      const stop = new AbortController();
      const next = open(stop.signal)[Symbol.asyncIterator]().next();
      setTimeout(() => stop.abort(), 30);
      expect(await next).toEqual({ done: true, value: undefined });
      await noConnectionLeft();
    }
  });
});

describe('an engine that is killed', () => {
  const line = (text: string): Buffer => {
    const bytes = Buffer.from(`2026-11-21T08:58:01Z ${text}\n`);
    const header = Buffer.alloc(8);
    header.writeUInt8(1, 0);
    header.writeUInt32BE(bytes.length, 4);
    return Buffer.concat([header, bytes]);
  };

  test('logs give what came before, then ENGINE_UNREACHABLE', async () => {
    const port = await portOf(logsAfter((_, response) => void response.write(line('one'))));
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { text } of port.logs('c', { follow: true }, new AbortController().signal)) {
        seen.push(text);
        engine?.kill();
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
    expect(seen).toEqual(['one']);
  });

  test('events are ENGINE_UNREACHABLE, whether it breaks off or ends the stream', async () => {
    const event = `${JSON.stringify({ Action: 'start', Actor: { ID: 'c', Attributes: {} }, time: 1 })}\n`;
    for (const leave of [() => engine?.kill(), 'end' as const]) {
      const port = await portOf((_, response) => (leave === 'end' ? response.end(event) : response.write(event)));
      const seen: string[] = [];
      const reading = (async () => {
        for await (const { action } of port.events(new AbortController().signal)) {
          seen.push(action);
          if (leave !== 'end') leave();
        }
      })();
      await expect(reading).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
      expect(seen).toEqual(['start']);
      await engine?.close();
    }
  });

  test('a command fails in its output and in its exit code', async () => {
    const port = await portOf(
      (request, response) => (request.url?.endsWith('/json') ? hangs : json(201, { Id: 'e' }))(request, response),
      (socket) => void socket.write(line('half')),
    );
    const session = await port.exec('c', { command: ['x'], tty: false }, call());
    const reading = (async () => {
      for await (const _ of session.output) void engine?.close();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
    await expect(session.exitCode).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
  });

  test('a reader that leaves closes the connection', async () => {
    const port = await portOf((request, response) =>
      request.url?.startsWith('/events')
        ? void response.write(`${JSON.stringify({ Action: 'start', Actor: { ID: 'c' }, time: 1 })}\n`)
        : logsAfter((_, logs) => void logs.write(line('one')))(request, response),
    );
    const never = new AbortController().signal;
    for await (const { text } of port.logs('c', { follow: true }, never)) {
      expect(text).toBe('one');
      break;
    }
    await noConnectionLeft();
    for await (const { action } of port.events(never)) {
      expect(action).toBe('start');
      break;
    }
    await noConnectionLeft();
  });

  test('a reader that is slow holds the engine back instead of filling the memory', async () => {
    let waiting = (): number => 0;
    const port = await portOf(
      logsAfter((_, response) => {
        waiting = () => response.writableLength;
        for (let i = 0; i < 2000; i++) response.write(line('x'.repeat(16_000)));
      }),
    );
    const stop = new AbortController();
    for await (const _ of port.logs('c', { follow: true }, stop.signal)) {
      await delay(300);
      expect(waiting()).toBeGreaterThan(20_000_000);
      stop.abort();
    }
    await noConnectionLeft();
  });
});

describe('an engine that answers 200 and fails later', () => {
  const failing = (message: string): Answer => {
    const said = [
      { status: 'Pulling from x', id: '1' },
      { errorDetail: { message }, error: message },
    ];
    return (_, response) => void response.end(said.map((one) => JSON.stringify(one)).join('\r\n'));
  };

  test('a pull is IMAGE_NOT_FOUND, IMAGE_PULL_FAILED or NO_SPACE by what it says', async () => {
    for (const [said, code] of [
      ['manifest for x:1 not found: manifest unknown', 'IMAGE_NOT_FOUND'],
      ['unexpected EOF', 'IMAGE_PULL_FAILED'],
      ['write /layer: no space left on device', 'NO_SPACE'],
    ] as const) {
      const port = await portOf(failing(said));
      await expect(port.pull('x:1', call())).rejects.toMatchObject({ code });
      await engine?.close();
    }
  });

  test('a tar that cannot be read to its end is no fault of the engine', async () => {
    const port = await portOf(hangs);
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10);
      await Promise.reject(Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' }));
    }
    await expect(port.importImage(broken(), 'x:1', [], call())).rejects.toMatchObject({
      code: 'FAILED',
      message: expect.stringContaining('no such file') as unknown,
    });
  });
});
