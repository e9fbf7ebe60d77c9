/** What an engine that was killed leaves behind, and how to take it away. Only for one that runs no more. */
import { readdir, readFile, rmdir } from 'node:fs/promises';
import type { Clock } from '../../clock/port.ts';
import { unlessMissing } from '../../errno.ts';
import { unmountAll } from './mounts.ts';
import { bridgesIn } from './network.ts';
import type { EnginePaths } from './paths.ts';
import {
  allProcesses,
  endProcess,
  isOwnContainerd,
  isOwnShim,
  pidIn,
  processesOfContainers,
  signalProcess,
} from './processes.ts';

const graceMs = 5000;

/** Ends its containerd, the containers and their parents, and unmounts what they used. @returns what stays mounted */
export async function clearLeftovers(clock: Clock, paths: EnginePaths): Promise<readonly string[]> {
  const containerd = await pidIn(paths.containerdPidFile);
  if (containerd !== undefined) await endProcess(clock, containerd, (one) => isOwnContainerd(one, paths), graceMs);
  const containers = await containerIds(paths);
  for (const pid of await processesOfContainers(containers)) signalProcess(pid, 'SIGKILL');
  for (const process of await allProcesses())
    if (isOwnShim(process, paths)) await endProcess(clock, process.pid, (one) => isOwnShim(one, paths), graceMs);
  await removeControlGroups(containers);
  return [...(await unmountAll(paths.execRoot)), ...(await unmountAll(paths.dataRoot))];
}

/** Bridges of networks that the engine still had when it ended. */
export async function leftBridges(paths: EnginePaths): Promise<readonly string[]> {
  const database = await unlessMissing(readFile(`${paths.dataRoot}/network/files/local-kv.db`, 'latin1'), '');
  return bridgesIn(database);
}

/** The engine names the folder of a container by its id: 64 hexadecimal digits, which nothing else looks like. */
async function containerIds(paths: EnginePaths): Promise<readonly string[]> {
  const names = await unlessMissing(readdir(`${paths.dataRoot}/containers`), []);
  return names.filter((name) => /^[0-9a-f]{64}$/.test(name));
}

const groupRoot = '/sys/fs/cgroup';

async function removeControlGroups(containers: readonly string[]): Promise<void> {
  // v1 has one tree per controller, v2 a single one; some machines have both.
  const trees = ['.', ...(await unlessMissing(readdir(groupRoot), []))];
  // A group goes only when it is empty, so nothing that lives is lost by trying.
  for (const tree of trees)
    for (const id of containers) await rmdir(`${groupRoot}/${tree}/docker/${id}`).catch(() => {});
}
