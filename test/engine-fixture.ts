/**
 * A real container engine for the tests of one file.
 *
 *   describeReal('…', missingDocker(), () => {
 *     let engine: SharedEngine;
 *     beforeAll(async () => { engine = await sharedEngine(); });
 *     …
 *   });
 *
 * The first call starts an isolated engine in a folder of its own, with the welcome image in it; later calls of the
 * same file get the same one. It is taken away after the last test of the file, however that ended. What a killed run
 * left behind is taken away by the next start. With FLOATLAB_TEST_DOCKER=<socket> that engine is used and left alone,
 * so tests remove their own containers and networks in any case.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { afterAll } from 'vitest';
import { startOwnEngine, stopOwnEngine } from '#io/daemon/engine.ts';
import { debianBusybox, ensureWelcomeImage, welcomeImage } from '#io/daemon/welcome-image.ts';
import type { Call } from '#io/devices/call.ts';
import type { DockerPort } from '#io/devices/docker/port.ts';
import { dockerOverSocket } from '#io/devices/docker/real.ts';

export interface SharedEngine {
  readonly socketPath: string;
  readonly docker: DockerPort;
  /** An image that it has: busybox, which runs any `command`. */
  readonly image: string;
}

const given = process.env['FLOATLAB_TEST_DOCKER'];

/** What this machine lacks for tests on a real engine, for `describeReal`; undefined when it has all. */
export function missingDocker(): string | undefined {
  if (given) return undefined;
  if (process.getuid?.() !== 0) return 'root';
  for (const program of ['dockerd', 'containerd', 'runc', 'ip', 'iptables']) if (!hasProgram(program)) return program;
  return isExecutable(debianBusybox) ? undefined : 'busybox-static';
}

/** What this machine lacks of a program, for `describeReal`. */
export const missingProgram = (name: string): string | undefined => (hasProgram(name) ? undefined : name);

function hasProgram(name: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => isExecutable(join(folder, name)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A call that nobody cancels. */
export const patientCall = (timeoutMs = 60_000): Call => ({
  signal: new AbortController().signal,
  timeoutMs,
  progress() {},
});

export const quietLog = { info() {}, warn() {} };

const folderPrefix = 'floatlab-engine-test-';
let shared: Promise<SharedEngine> | undefined;
let dataDir: string | undefined;

export function sharedEngine(): Promise<SharedEngine> {
  return (shared ??= begin());
}

async function begin(): Promise<SharedEngine> {
  const socketPath = given ?? (await startFresh());
  const docker = dockerOverSocket({ socketPath });
  await ensureWelcomeImage(docker, {}, patientCall());
  return { socketPath, docker, image: welcomeImage };
}

async function startFresh(): Promise<string> {
  await removeAbandoned();
  // The process in the name tells the next run whether anybody still uses the folder.
  dataDir = await mkdtemp(join(tmpdir(), `${folderPrefix}${process.pid}-`));
  return (await startOwnEngine({ dataDir, log: quietLog, isolated: true })).socketPath;
}

async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = new RegExp(`^${folderPrefix}(\\d+)-`).exec(name)?.[1];
    if (owner !== undefined && !isRunning(Number(owner))) await dispose(join(tmpdir(), name));
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function dispose(folder: string): Promise<void> {
  await stopOwnEngine({ dataDir: folder, remove: true });
  await rm(folder, { recursive: true, force: true });
}

afterAll(async () => {
  // A start that failed may still have left a process.
  await shared?.catch(() => {});
  if (dataDir !== undefined) await dispose(dataDir);
  shared = dataDir = undefined;
});

/** Names of the network links of this machine. */
export async function links(): Promise<readonly string[]> {
  return (await allLinks()).map(({ ifname }) => ifname);
}

/** The bridges of one engine, and what hangs on them: others on this machine have theirs, which come and go meanwhile. */
export async function linksOf(socketPath: string): Promise<readonly string[]> {
  const networks = await new Docker({ socketPath }).listNetworks();
  const bridges = networks
    .filter(({ Driver }) => Driver === 'bridge')
    .map(({ Id, Options }) => Options?.['com.docker.network.bridge.name'] ?? `br-${Id.slice(0, 12)}`);
  return (await allLinks())
    .filter(({ ifname, master = '' }) => bridges.includes(ifname) || bridges.includes(master))
    .map(({ ifname }) => ifname);
}

async function allLinks(): Promise<readonly { readonly ifname: string; readonly master?: string }[]> {
  const { stdout } = await promisify(execFile)('ip', ['-json', 'link']);
  return JSON.parse(stdout) as { ifname: string }[];
}
