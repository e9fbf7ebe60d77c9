/**
 * Addresses and bridges of an engine of our own.
 *
 * An engine alone on its machine takes `docker0`, as everybody expects. A second one must not: two engines on one
 * bridge would hand out the same addresses. Nor may it be started with `--bridge=none`, because such an engine deletes
 * `docker0` from under the first. So it gets a bridge of its own.
 *
 * `isolated` engines, for tests, also leave the packet filter alone: an engine that starts flushes the chains that
 * all engines share. Published ports are then served by the engine's own proxy, and one rule lets containers talk to
 * each other where another engine has made the kernel drop what it does not know.
 */
import { letTalk, removeRules } from './packet-filter.ts';
import type { EnginePaths } from './paths.ts';
import { must, tool } from './tool.ts';

export type NetworkPlan = 'docker0' | 'own-bridge' | 'isolated';

export function networkPlan(isolated: boolean, otherEngines: number): NetworkPlan {
  if (isolated) return 'isolated';
  return otherEngines === 0 ? 'docker0' : 'own-bridge';
}

/**
 * Room for a thousand apps: docker0 where it always is, then small networks. The engine's own defaults end after
 * thirty. It skips what the machine already has a route to.
 */
const roomyPools = ['base=172.17.0.0/16,size=16', 'base=172.20.0.0/14,size=24'];

/** @returns flags for the engine; makes the bridge where the plan wants one */
export async function prepareNetwork(plan: NetworkPlan, paths: EnginePaths): Promise<readonly string[]> {
  if (plan === 'docker0') return poolFlags(roomyPools);
  const range = await ensureBridge(paths);
  if (plan === 'own-bridge') return [`--bridge=${paths.bridge}`, ...poolFlags(roomyPools)];
  await letTalk(range, paths.bridge);
  return [
    `--bridge=${paths.bridge}`,
    '--iptables=false',
    '--ip-forward=false',
    ...poolFlags([`base=${range},size=24`]),
  ];
}

const poolFlags = (pools: readonly string[]): string[] => pools.map((pool) => `--default-address-pool=${pool}`);

/** Removes what `prepareNetwork` made, and what the engine left of other networks. Never `docker0`. */
export async function removeNetwork(paths: EnginePaths, leftBridges: readonly string[]): Promise<void> {
  const bridges = [paths.bridge, ...leftBridges].filter((bridge) => bridge !== 'docker0');
  await removeRules(bridges);
  const links = await linkNames();
  for (const bridge of bridges) if (links.has(bridge)) await tool('ip', 'link', 'delete', bridge);
}

/** The engine's own database of networks names its bridges: `"BridgeName":"br-0123456789ab"`. */
export function bridgesIn(database: string): readonly string[] {
  return [...new Set(database.match(/(?<="BridgeName":")br-[0-9a-f]{12}(?=")/g) ?? [])].toSorted();
}

/** @returns the range `10.x.0.0/16` of this engine; its bridge has the last of the small networks in it */
async function ensureBridge(paths: EnginePaths): Promise<string> {
  const taken = await addresses();
  const had = rangeOf(taken, paths.bridge);
  if (had !== undefined) return had;
  const second = freeSecondByte(
    taken.map(({ address }) => address),
    paths.number,
  );
  await tool('ip', 'link', 'delete', paths.bridge);
  await must('ip', 'link', 'add', 'name', paths.bridge, 'type', 'bridge');
  await must('ip', 'address', 'add', `10.${second}.255.1/24`, 'dev', paths.bridge);
  await must('ip', 'link', 'set', paths.bridge, 'up');
  return `10.${second}.0.0/16`;
}

const firstByte = 128;
const byteCount = 120;

/** Of `10.x.0.0/16`: the first x that the machine has no address in, from one that depends on the engine. */
export function freeSecondByte(taken: readonly string[], number: number): number {
  for (let i = 0; i < byteCount; i++) {
    const byte = firstByte + ((number + i) % byteCount);
    if (!taken.some((address) => address.startsWith(`10.${byte}.`))) return byte;
  }
  throw new Error('every network from 10.128.0.0/16 to 10.247.0.0/16 is in use on this machine');
}

interface Address {
  readonly device: string;
  readonly address: string;
}

async function addresses(): Promise<readonly Address[]> {
  const { stdout } = await must('ip', '-json', '-4', 'address');
  const links = JSON.parse(stdout) as { ifname: string; addr_info?: { local?: string }[] }[];
  return links.flatMap(({ ifname, addr_info = [] }) =>
    addr_info.map(({ local = '' }) => ({ device: ifname, address: local })),
  );
}

function rangeOf(all: readonly Address[], bridge: string): string | undefined {
  const own = all.find(({ device }) => device === bridge);
  const byte = /^10\.(\d+)\.255\.1$/.exec(own?.address ?? '')?.[1];
  return byte === undefined ? undefined : `10.${byte}.0.0/16`;
}

async function linkNames(): Promise<ReadonlySet<string>> {
  const { stdout } = await must('ip', '-json', 'link');
  return new Set((JSON.parse(stdout) as { ifname: string }[]).map(({ ifname }) => ifname));
}
