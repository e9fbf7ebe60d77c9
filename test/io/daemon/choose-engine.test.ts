/**
 * Which container engine a daemon uses. The parts that need a real machine are stood in for; the way that the daemon
 * goes through them is its own.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findEngine, startOwnEngine } from '#io/daemon/engine.ts';
import { ensurePool } from '#io/daemon/pool.ts';
import { openRealNode } from '#io/daemon/real-node.ts';
import { readSettings } from '#io/daemon/settings.ts';
import { dockerOverSocket } from '#io/devices/docker/real.ts';

vi.mock(import('#io/daemon/engine.ts'), async (original) => ({
  ...(await original()),
  findEngine: vi.fn(),
  startOwnEngine: vi.fn(),
}));
vi.mock(import('#io/daemon/pool.ts'), async (original) => ({
  ...(await original()),
  ensurePool: vi.fn(),
}));
vi.mock(import('#io/devices/docker/real.ts'), async (original) => ({
  ...(await original()),
  dockerOverSocket: vi.fn(),
}));

const ofPeople = { socketPath: '/var/run/docker.sock', version: '27.0' };
const ours = { socketPath: '/run/floatlab-1/engine.sock', version: '20.10' };

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'floatlab-choose-engine-'));
  vi.spyOn(process, 'getuid').mockReturnValue(0);
  vi.mocked(ensurePool).mockResolvedValue({ name: 'main', mountpoint: '/nowhere', kind: 'folder' });
  vi.mocked(findEngine).mockResolvedValue(ofPeople);
  vi.mocked(startOwnEngine).mockResolvedValue(ours);
  // As far as these tests go.
  vi.mocked(dockerOverSocket).mockImplementation(({ socketPath }) => {
    throw new Error(`uses ${socketPath}`);
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.clearAllMocks();
  await rm(dataDir, { recursive: true });
});

async function start(): Promise<void> {
  const parsed = readSettings(['--data', dataDir, '--no-sample'], {}, 0);
  if (!('settings' in parsed)) throw new Error('these settings are valid');
  const { signal } = new AbortController();
  await openRealNode(parsed.settings, { log: pino({ level: 'silent' }), signal, onBroken: () => {} });
}

test('a daemon uses the engine that people have', async () => {
  await expect(start()).rejects.toThrow(`uses ${ofPeople.socketPath}`);
  expect(startOwnEngine).not.toHaveBeenCalled();
});

test('a daemon starts an engine of its own where none answers', async () => {
  vi.mocked(findEngine).mockResolvedValue(undefined);
  await expect(start()).rejects.toThrow(`uses ${ours.socketPath}`);
  expect(startOwnEngine).toHaveBeenCalledWith(expect.objectContaining({ dataDir }));
});

test('a daemon that once had an engine of its own stays with it, because its apps may run there', async () => {
  await mkdir(join(dataDir, 'engine', 'root'), { recursive: true });
  await expect(start()).rejects.toThrow(`uses ${ours.socketPath}`);
  expect(startOwnEngine).toHaveBeenCalledWith(expect.objectContaining({ dataDir }));
});
