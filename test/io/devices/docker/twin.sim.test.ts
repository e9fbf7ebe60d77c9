/** What the simulated engine can do that a real one is not asked to: fail on demand, go away, lose its power, repeat. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Call } from '#io/devices/call.ts';
import { sleep } from '#io/devices/clock/port.ts';
import type { ContainerSpec, DockerPort } from '#io/devices/docker/port.ts';
import { simDocker, type SimDockerOptions, type SimOp } from '#io/devices/docker/sim.ts';
import { IoError, type IoErrorCode } from '#io/devices/error.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { restlessClock } from './restless-clock.ts';

function world(options: Partial<SimDockerOptions> = {}, seed = 1) {
  const clock = restlessClock();
  const sim = simDocker({ clock, random: seededRandom(seed), images: ['app:1'], ...options });
  return { clock, sim, docker: sim.port };
}

const call = (some: Partial<Call> = {}): Call => ({
  signal: new AbortController().signal,
  timeoutMs: 60_000,
  progress() {},
  ...some,
});

const spec = (name: string, some: Partial<ContainerSpec> = {}): ContainerSpec => ({
  name,
  image: 'app:1',
  environment: [],
  labels: { app: name },
  ports: [],
  mounts: [{ source: `/pool/${name}`, target: '/data', readOnly: false }],
  networks: [{ name: 'net', aliases: [] }],
  ...some,
});

async function run(docker: DockerPort, made: ContainerSpec): Promise<string> {
  await docker.ensureNetwork({ name: 'net', labels: {} }, call());
  const id = await docker.create(made, call());
  await docker.start(id, call());
  return id;
}

async function codeOf(work: Promise<unknown>): Promise<IoErrorCode | 'fine'> {
  try {
    await work;
    return 'fine';
  } catch (error) {
    if (error instanceof IoError) return error.code;
    throw error;
  }
}

const busy = new IoError('BUSY', { op: 'test', target: 'test', message: 'on purpose' });

describe('a fault', () => {
  test('before the effect leaves everything as it was, one after it does not', async () => {
    let when: 'before' | 'after' = 'before';
    const { docker, sim } = world({
      fault: (op, target, now) => (op === 'create' && target === 'web' && now === when ? busy : undefined),
    });
    expect(await codeOf(docker.create(spec('web'), call()))).toBe('BUSY');
    expect(await docker.inspect('web', call())).toBeUndefined();
    when = 'after';
    expect(await codeOf(docker.create(spec('web'), call()))).toBe('BUSY');
    expect(await docker.inspect('web', call())).toBeDefined();
    sim.setFault(undefined);
    expect(await codeOf(docker.create(spec('web'), call()))).toBe('NAME_IN_USE');
  });

  test('can be asked of every operation, before and after', async () => {
    const asked = new Set<string>();
    const { docker } = world({
      pullable: () => true,
      fault: (op, _, when) => void asked.add(`${op} ${when}`),
    });
    const id = await run(docker, spec('web'));
    await docker.info(call());
    await docker.image('app:1', call());
    await docker.pull('new:1', call());
    await docker.importImage((async function* () {})(), 'own:1', [], call());
    await docker.imageFolder('app:1', '/data', call());
    await docker.networks({}, call());
    await docker.connect(id, { name: 'net' }, call());
    await docker.containers({}, call());
    await docker.inspect(id, call());
    await docker.stats(id, call());
    await docker.exec(id, { command: ['true'], tty: false }, call());
    await docker.stop(id, 0, call());
    await docker.remove(id, call());
    await docker.removeNetwork('net', {}, call());
    const [{ id: image } = { id: '' }] = await docker.images(call());
    await docker.registryDigest('new:1', call());
    await docker.tagImage(image, 'other:1', call());
    await docker.loadImage(await docker.saveImage(image, call()), call());
    await docker.removeImage('other:1', call());
    await docker.examine(id, call());
    await docker.imageDefaults('new:1', call());
    const ops: Record<SimOp, true> = {
      info: true,
      image: true,
      images: true,
      registryDigest: true,
      tagImage: true,
      removeImage: true,
      saveImage: true,
      loadImage: true,
      pull: true,
      importImage: true,
      imageFolder: true,
      ensureNetwork: true,
      removeNetwork: true,
      networks: true,
      containers: true,
      inspect: true,
      examine: true,
      imageDefaults: true,
      create: true,
      connect: true,
      start: true,
      stop: true,
      remove: true,
      exec: true,
      stats: true,
    };
    expect([...asked].toSorted()).toEqual(
      Object.keys(ops)
        .flatMap((op) => [`${op} after`, `${op} before`])
        .toSorted(),
    );
  });
});

describe('an engine that goes away', () => {
  test('fails every call and stream at once, and its containers run on', async () => {
    const { docker, sim, clock } = world();
    const id = await run(docker, spec('web'));
    const never = new AbortController().signal;
    const events = docker.events(never)[Symbol.asyncIterator]();
    const session = await docker.exec(id, { command: ['cat'], tty: false }, call());
    const lines = docker.logs(id, { follow: true }, never)[Symbol.asyncIterator]();
    await lines.next();
    const pending = [
      events.next(),
      lines.next(),
      docker.stats(id, call()),
      docker.stop(id, 10_000, call()),
      session.exitCode,
    ];
    const before = clock.now();
    sim.engineDown();
    expect(await Promise.all(pending.map(codeOf))).toEqual(pending.map(() => 'ENGINE_UNREACHABLE'));
    expect(clock.now()).toBe(before);
    expect(await codeOf(docker.info(call()))).toBe('ENGINE_UNREACHABLE');
    expect(await codeOf(docker.events(never)[Symbol.asyncIterator]().next())).toBe('ENGINE_UNREACHABLE');
    expect(sim.running().map(({ name, labels }) => [name, labels])).toEqual([['web', { app: 'web' }]]);

    sim.engineUp();
    expect(await docker.inspect(id, call())).toMatchObject({ state: 'running' });
    sim.powerCut();
    expect(sim.running()).toEqual([]);
    expect(await codeOf(docker.info(call()))).toBe('ENGINE_UNREACHABLE');
    sim.engineUp();
    expect(await docker.inspect(id, call())).toMatchObject({ state: 'exited', exitCode: 255 });
    await docker.start(id, call());
    expect(sim.running()).toHaveLength(1);
  });

  test('does not carry out what it had not begun', async () => {
    const { docker, sim, clock } = world({ latencyMs: { create: [1000, 1000] } });
    const creating = docker.create(spec('web'), call());
    await sleep(clock, 500);
    sim.engineDown();
    sim.engineUp();
    expect(await codeOf(creating)).toBe('ENGINE_UNREACHABLE');
    await sleep(clock, 5000);
    expect(await docker.inspect('web', call())).toBeUndefined();
  });
});

describe('a call that is given up', () => {
  test('has its effect in some cases and not in others', async () => {
    const effects = new Set<boolean>();
    for (let seed = 0; seed < 20; seed++) {
      const { docker, clock } = world({ latencyMs: { create: [1000, 1000] } }, seed);
      expect(await codeOf(docker.create(spec('web'), call({ timeoutMs: 500 })))).toBe('TIMED_OUT');
      await sleep(clock, 5000);
      effects.add((await docker.inspect('web', call())) !== undefined);
    }
    expect(effects).toEqual(new Set([false, true]));
  });

  test('a pull does not go on', async () => {
    const { docker, clock } = world({ pullable: () => true, latencyMs: { pull: [1000, 1000] } });
    expect(await codeOf(docker.pull('new:1', call({ timeoutMs: 5000 })))).toBe('TIMED_OUT');
    await sleep(clock, 60_000);
    expect(await docker.image('new:1', call())).toBeUndefined();
  });
});

describe('by hand', () => {
  test('a container crashes, with an event and its exit code', async () => {
    const { docker, sim } = world();
    const id = await run(docker, spec('web'));
    const stop = new AbortController();
    const events = docker.events(stop.signal);
    sim.crashContainer('web', 139, { oomKilled: true });
    sim.crashContainer('web', 1);
    expect(await docker.inspect(id, call())).toMatchObject({ state: 'exited', exitCode: 139, oomKilled: true });
    stop.abort();
    const seen: string[] = [];
    for await (const { action } of events) seen.push(action);
    expect(seen).toEqual(['oom', 'die']);
  });

  test('health is set, stands until the next start, and is an event', async () => {
    const { docker, sim, clock } = world();
    const id = await run(docker, spec('web', { healthcheck: { test: ['CMD', 'true'], intervalMs: 1000 } }));
    const stop = new AbortController();
    const events = docker.events(stop.signal);
    sim.setHealth(id, 'unhealthy');
    sim.setHealth(id, 'unhealthy');
    await sleep(clock, 10_000);
    expect(await docker.inspect(id, call())).toMatchObject({ health: 'unhealthy' });
    stop.abort();
    const seen: string[] = [];
    for await (const { action } of events) seen.push(action);
    expect(seen).toEqual(['health']);
    await docker.stop(id, 0, call());
    await docker.start(id, call());
    expect(await docker.inspect(id, call())).toMatchObject({ health: 'starting' });
    await sleep(clock, 1500);
    expect(await docker.inspect(id, call())).toMatchObject({ health: 'healthy' });
  });

  test('an image may declare the healthcheck, and the container may switch it off', async () => {
    const { docker } = world({ imageHasHealthcheck: () => true });
    expect((await docker.image('app:1', call()))?.hasHealthcheck).toBe(true);
    const checked = await run(docker, spec('checked'));
    const unchecked = await run(docker, spec('unchecked', { healthcheck: { test: ['NONE'] } }));
    expect((await docker.inspect(checked, call()))?.health).toBe('starting');
    expect((await docker.inspect(unchecked, call()))?.health).toBe('none');
  });

  test('a container writes what it is told to, and says what it mounts', async () => {
    const { docker, sim } = world();
    const id = await run(docker, spec('web'));
    sim.say('web', 'ready', 'stderr');
    const seen: unknown[] = [];
    for await (const { stream, text } of docker.logs(id, { follow: false }, new AbortController().signal))
      seen.push([stream, text]);
    expect(seen).toEqual([
      ['stdout', 'started'],
      ['stderr', 'ready'],
    ]);
    expect(sim.mountsOf(id)).toEqual(['/pool/web']);
    expect(() => sim.say('nobody', 'x')).toThrow('has no container nobody');
  });
});

describe('a run', () => {
  /** A few containers of two apps live through everything, all at the same time. */
  async function story(seed: number): Promise<string> {
    const { docker, sim, clock } = world({ pullable: () => true }, seed);
    const chance = seededRandom(seed).fork('story');
    const told: string[] = [];
    const stop = new AbortController();
    const listening = (async () => {
      for await (const { at, action, container } of docker.events(stop.signal))
        told.push(`${at} ${action} ${container}`);
    })();
    const names = ['a', 'b', 'c', 'd'];
    await Promise.all(
      names.map(async (name) => {
        for (let i = 0; i < 8; i++) {
          const op = chance.pick(['create', 'start', 'stop', 'remove', 'pull', 'crash'] as const);
          const port = { published: 8000 + chance.below(2), target: 80, protocol: 'tcp' } as const;
          const asked = call({ timeoutMs: chance.pick([50, 60_000]) });
          const work = {
            create: () =>
              docker
                .ensureNetwork({ name: 'net', labels: {} }, asked)
                .then(() => docker.create(spec(name, { ports: [port] }), asked)),
            start: () => docker.start(name, asked),
            stop: () => docker.stop(name, 500, asked),
            remove: () => docker.remove(name, asked),
            pull: () => docker.pull(`image-${name}:1`, asked),
            crash: async () => void sim.running().find((one) => one.name === name && sim.crashContainer(name, 1)),
          }[op];
          told.push(`${clock.now()} ${name} ${op} ${await codeOf(work())}`);
          const ports = sim.running().length;
          // Two ports, one container each: never more run at a time.
          expect(ports).toBeLessThanOrEqual(2);
        }
      }),
    );
    stop.abort();
    await listening;
    return told.join('\n');
  }

  test('is the same for the same seed, and another one for another', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const first = await story(seed);
        expect(await story(seed)).toBe(first);
        expect(first.split('\n').length).toBeGreaterThan(30);
      }),
      { numRuns: 40 },
    );
    expect(await story(1)).not.toBe(await story(2));
  });
});
