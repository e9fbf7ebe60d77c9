/**
 * Which container engine a daemon uses: one app must never run in two of them. Engines of this machine are servers at
 * sockets in a folder; the engine of FloatLab's own and the pool, which need a real machine, are stood in for.
 */
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { chooseEngine, chosenDocker, type EngineChoice } from '#io/daemon/choose-engine.ts';
import { startOwnEngine, stopOwnEngine } from '#io/daemon/engine.ts';
import { engineMemoryPath, rememberEngine } from '#io/daemon/engine-memory.ts';
import { ensurePool } from '#io/daemon/pool.ts';
import { openRealNode } from '#io/daemon/real-node.ts';
import { readSettings } from '#io/daemon/settings.ts';
import { enginePaths } from '#io/devices/docker/own/paths.ts';
import { fakeEngine, type FakeEngine } from './fake-engine.ts';

vi.mock(import('#io/daemon/engine.ts'), async (original) => ({
  ...(await original()),
  // The usual socket of this very machine must not have a say: somebody may listen there.
  engineCandidates: ({ DOCKER_HOST = '' }) => [DOCKER_HOST.slice('unix://'.length)],
  startOwnEngine: vi.fn(),
  stopOwnEngine: vi.fn(),
}));
vi.mock(import('#io/daemon/pool.ts'), async (original) => ({
  ...(await original()),
  ensurePool: vi.fn(),
}));

let dataDir: string;
let sockets: string;
const engines: FakeEngine[] = [];
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'floatlab-choose-engine-'));
  sockets = await mkdtemp(join(tmpdir(), 'floatlab-sockets-'));
  vi.mocked(stopOwnEngine).mockResolvedValue();
});
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()));
  vi.restoreAllMocks();
  vi.clearAllMocks();
  for (const folder of [dataDir, sockets]) await rm(folder, { recursive: true });
});

const socket = (name: string): string => join(sockets, `${name}.sock`);
const ownSocket = (): string => enginePaths(dataDir).socket;

async function runs(name: string, id: FakeEngine['id'] = `id of ${name}`): Promise<FakeEngine> {
  const engine = await fakeEngine(socket(name), id);
  engines.push(engine);
  return engine;
}
async function ends(engine: FakeEngine): Promise<void> {
  engines.splice(engines.indexOf(engine), 1);
  await engine.close();
}

/** One start, as far as the choice goes: what was chosen is remembered. */
async function start(options: { wanted?: string; host?: string; hasHistory?: boolean } = {}): Promise<EngineChoice> {
  const choice = await chooseEngine({
    dataDir,
    wanted: options.wanted,
    environment: { DOCKER_HOST: `unix://${socket(options.host ?? 'host')}` },
    hasHistory: options.hasHistory ?? false,
    log: { info() {}, warn() {} },
    signal: new AbortController().signal,
  });
  await rememberEngine(dataDir, choice.engine);
  return choice;
}
const call = { signal: new AbortController().signal, timeoutMs: 5000, progress() {} };

describe('the first start', () => {
  test('uses the engine that people have, and remembers it', async () => {
    await runs('host', 'A');
    expect(await start()).toMatchObject({ socketPath: socket('host'), isOther: false, note: undefined });
    expect(JSON.parse(await readFile(engineMemoryPath(dataDir), 'utf8'))).toEqual({ engine: socket('host'), id: 'A' });
    expect((await stat(engineMemoryPath(dataDir))).mode & 0o777).toBe(0o600);
  });

  test('takes an engine of its own where none answers', async () => {
    expect(await start()).toMatchObject({ engine: { kind: 'own' }, socketPath: ownSocket() });
  });

  test('takes the engine that a person names, and fails where that does not answer', async () => {
    await runs('host');
    await runs('other');
    expect(await start({ wanted: socket('other') })).toMatchObject({ socketPath: socket('other') });
    await rm(engineMemoryPath(dataDir));
    await expect(start({ wanted: socket('none') })).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
    expect(await start({ wanted: 'own' })).toMatchObject({ engine: { kind: 'own' } });
  });
});

describe('a later start', () => {
  test('waits for the engine of before when it does not answer, and starts no other', async () => {
    const host = await runs('host');
    await start();
    await ends(host);
    const choice = await start({ hasHistory: true });
    expect(choice).toMatchObject({ engine: { kind: 'found' }, socketPath: socket('host') });
    expect(choice.note).toMatch(/Waiting for the container engine at .*host\.sock: it does not answer/);
    const docker = chosenDocker(choice);
    await expect(docker.info(call)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
    await runs('host');
    expect(await docker.info(call)).toMatchObject({ version: '27.0' });
  });

  test('stays with the engine of before although DOCKER_HOST names another one, and says so', async () => {
    await runs('host');
    await runs('other');
    await start();
    const choice = await start({ host: 'other', hasHistory: true });
    expect(choice.socketPath).toBe(socket('host'));
    expect(choice.note).toMatch(/DOCKER_HOST names .*other\.sock.*--engine/);
  });

  test('stays with an engine of its own although another one answers by now', async () => {
    await start();
    await runs('host');
    expect(await start({ hasHistory: true })).toMatchObject({ engine: { kind: 'own' }, note: undefined });
  });

  test('knows an engine of its own from before there was a memory', async () => {
    await mkdir(join(dataDir, 'engine', 'root', 'containers'), { recursive: true });
    await runs('host');
    expect(await start({ hasHistory: true })).toMatchObject({ engine: { kind: 'own' } });
  });

  test('of a lab from before there was a memory starts no engine of its own where none answers', async () => {
    await expect(start({ hasHistory: true })).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      hint: expect.stringContaining('--engine own'),
    });
    await runs('host');
    expect(await start({ hasHistory: true })).toMatchObject({ socketPath: socket('host') });
  });

  test('whose memory is damaged asks, and takes a person’s word', async () => {
    await writeFile(engineMemoryPath(dataDir), '{"engine":');
    await runs('host');
    await expect(start()).rejects.toMatchObject({ code: 'INVALID', hint: expect.stringContaining('--engine') });
    expect(await start({ wanted: socket('host') })).toMatchObject({ socketPath: socket('host') });
  });
});

describe('another engine at the same socket', () => {
  test('is not used, whenever it comes', async () => {
    const host = await runs('host', 'A');
    const docker = chosenDocker(await start());
    expect(await docker.info(call)).toMatchObject({ version: '27.0' });
    await ends(host);
    await expect(docker.info(call)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
    const other = await runs('host', 'B');
    await expect(docker.info(call)).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: expect.stringContaining('another container engine'),
      hint: expect.stringContaining(`--engine ${socket('host')}`),
    });
    await expect(docker.stop('web', 0, call)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
    await expect(
      (async () => {
        for await (const event of docker.events(call.signal)) throw new Error(`it said ${event.action}`);
      })(),
    ).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
    expect(other.asked.filter((path) => !path.endsWith('/info'))).toEqual([]);
    expect((await start({ hasHistory: true })).note).toMatch(/Another container engine answers/);
    await ends(other);
    await runs('host', 'A');
    expect(await docker.info(call)).toMatchObject({ version: '27.0' });
  });

  test('is used once a person says so', async () => {
    await ends(await runs('host', 'A').then(async (host) => (await start(), host)));
    await runs('host', 'B');
    const choice = await start({ wanted: socket('host'), hasHistory: true });
    expect(choice).toMatchObject({ isOther: true, note: undefined });
    expect(await chosenDocker(choice).info(call)).toMatchObject({ version: '27.0' });
    expect(await start({ wanted: socket('host'), hasHistory: true })).toMatchObject({ isOther: false });
  });

  test('cannot be told where an engine calls itself something else each time: then its socket is what counts', async () => {
    let asked = 0;
    await runs('host', () => `random ${asked++}`);
    const choice = await start();
    expect(choice.engine).toEqual({ kind: 'found', socketPath: socket('host'), id: undefined });
    expect(await chosenDocker(choice).info(call)).toMatchObject({ version: '27.0' });
    expect(await start({ hasHistory: true })).toMatchObject({ note: undefined });
  });
});

describe('a person who names another engine', () => {
  test('is refused while apps still run in the one of before, and hears which', async () => {
    const host = await runs('host');
    await runs('other');
    await start();
    host.running = ['site-web-1'];
    await expect(start({ wanted: socket('other'), hasHistory: true })).rejects.toMatchObject({
      code: 'BUSY',
      message: expect.stringMatching(/site-web-1 still run in .*host\.sock/),
      hint: expect.stringContaining('--stop-all'),
    });
    await expect(start({ wanted: 'own', hasHistory: true })).rejects.toMatchObject({ code: 'BUSY' });
    host.running = [];
    expect(await start({ wanted: socket('other'), hasHistory: true })).toMatchObject({
      socketPath: socket('other'),
      isOther: true,
    });
    // From now on, without a word.
    expect(await start({ hasHistory: true })).toMatchObject({ socketPath: socket('other') });
  });

  test('at every start, as a service does, waits when it does not answer yet', async () => {
    const host = await runs('host');
    await start({ wanted: socket('host') });
    await ends(host);
    expect((await start({ wanted: socket('host'), hasHistory: true })).note).toMatch(/Waiting/);
  });

  test('leaves an engine of FloatLab’s own, which is ended', async () => {
    await start();
    await runs('host');
    expect(await start({ wanted: socket('host'), hasHistory: true })).toMatchObject({ isOther: true });
    expect(stopOwnEngine).toHaveBeenCalledWith({ dataDir });
  });
});

describe('a daemon', () => {
  beforeEach(() => {
    vi.spyOn(process, 'getuid').mockReturnValue(0);
    vi.mocked(ensurePool).mockResolvedValue({ name: 'main', mountpoint: '/nowhere', kind: 'folder' });
    vi.mocked(startOwnEngine).mockRejectedValue(new Error('starts an engine'));
  });
  async function run(...args: string[]): Promise<void> {
    const parsed = readSettings(['--data', dataDir, '--no-sample', ...args], {}, 0);
    if (!('settings' in parsed)) throw new Error('these settings are valid');
    const { signal } = new AbortController();
    const daemon = await openRealNode(parsed.settings, {
      log: pino({ level: 'silent' }),
      signal,
      isTerminal: false,
      onBroken: () => {},
    });
    await daemon.stop();
  }

  test('starts an engine of its own only where that is the choice, and remembers none that did not start', async () => {
    await expect(run('--engine', 'own')).rejects.toThrow('starts an engine');
    await expect(stat(engineMemoryPath(dataDir))).rejects.toThrow();
    await rememberEngine(dataDir, { kind: 'own' });
    await expect(run()).rejects.toThrow('starts an engine');
  });
});
