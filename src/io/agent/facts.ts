/** What a node publishes of itself: what changes rarely. What does not answer is left out: the node then takes no work that needs it. */
import { foldVersions, protocolVersions } from '#actors/versions.ts';
import type { NodeFacts } from '#events/node.ts';
import type { Call } from '../devices/call.ts';
import type { HostShare } from '../devices/host/port.ts';
import type { PoolInfo } from '../devices/volumes/port.ts';
import type { Ports } from './worker.ts';

/** As many as fit into an event. */
const mostDevices = 256;

const mostShares = 64;
const longestSource = 1024;

const shareFacts = ({ path, source, type }: HostShare): HostShare => ({
  ...{ path, type },
  source: source.slice(0, longestSource) || type,
});

export async function factsOf(
  ports: Pick<Ports, 'host' | 'docker' | 'volumes'>,
  version: string,
  call: Call,
): Promise<NodeFacts> {
  const host = await ports.host.facts(call);
  const engine = await ports.docker.info(call).catch(() => null);
  const pools = await ports.volumes.pools(call).catch((): readonly PoolInfo[] => []);
  return {
    architecture: host.architecture,
    cpus: host.cpus,
    memoryBytes: host.memoryBytes,
    os: host.os,
    kernel: host.kernel,
    engine: engine && { name: engine.name, version: engine.version },
    pools: pools
      .filter(({ state }) => state !== 'unavailable')
      .map(({ name, driver, sizeBytes, can }) => ({
        ...{ name, driver, sizeBytes },
        can: { ...can, compression: [...can.compression] },
      })),
    version,
    devices: host.devices.slice(0, mostDevices).map((device) => ({ ...device })),
    ...(host.shares.length === 0 ? {} : { shares: host.shares.slice(0, mostShares).map(shareFacts) }),
    supports: { protocol: protocolVersions, fold: foldVersions },
  };
}
