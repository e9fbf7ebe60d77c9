/** A simulated machine: an engine, a pool and files that live on when its daemon is killed. */
import type { AttestationStore } from '../devices/attestations/port.ts';
import { simAttestations } from '../devices/attestations/sim.ts';
import type { BootTime } from '../devices/boot-time/port.ts';
import type { Clock } from '../devices/clock/port.ts';
import type { ContentPort } from '../devices/content/port.ts';
import { simContent } from '../devices/content/sim.ts';
import { simDocker, type SimDocker, type SimOp } from '../devices/docker/sim.ts';
import { SimRegistry } from '../devices/docker/sim/registry.ts';
import { simFiles, type SimFiles } from '../devices/files/sim.ts';
import { simHost, type SimHost } from '../devices/host/sim.ts';
import type { MarksPort } from '../devices/marks/port.ts';
import { simMarks } from '../devices/marks/sim.ts';
import type { SeededRandom } from '../devices/random/sim.ts';
import type { SimDisk } from '../devices/pools/sim/disks.ts';
import type { TreePort } from '../devices/tree/port.ts';
import { simTree } from '../devices/tree/sim.ts';
import { simVolumes, type SimVolumes } from '../devices/volumes/sim.ts';
import type { SimDriver } from '../devices/volumes/sim/pools.ts';
import { simPlaces, type SimPlaces } from '../devices/places/sim.ts';
import { simNodePools, type SimNodePools } from './pools.ts';

export interface SimMachine {
  readonly id: string;
  readonly name: string;
  readonly docker: SimDocker;
  readonly volumes: SimVolumes;
  readonly files: SimFiles;
  readonly tree: TreePort;
  readonly marks: MarksPort;
  readonly content: ContentPort;
  readonly host: SimHost;
  readonly pools: SimNodePools;
  readonly bootTime: BootTime;
  readonly attestations: AttestationStore;
  /** Beside what the lab looks after. */
  readonly places: SimPlaces;
}

/** How a machine's clock runs: 1.05 is five percent too fast; and what it shows at the beginning. */
export interface Drift {
  readonly rate: number;
  readonly aheadMs: number;
}

/** In units of 10 ms, as a real one. */
const bootTimeOf = (clock: Clock, { rate, aheadMs }: Drift): BootTime => ({
  nowMs: () => Math.floor((clock.monotonicMs() * rate + aheadMs) / 10) * 10,
});

/** Of the one pool that each machine has. */
export const poolName = 'main';

const makes: ReadonlySet<SimOp> = new Set(['ensureNetwork', 'create', 'connect', 'start']);

/** A lab of three has one of each; a single machine has what most of them have. */
const drivers: readonly SimDriver[] = ['btrfs', 'zfs', 'dir'];

const names = ['atlas', 'vega', 'polaris', 'rigel', 'deneb', 'altair', 'sirius', 'mira', 'castor'];

const machineName = (n: number): string => names[n] ?? `node-${n + 1}`;

const GiB = 2 ** 30;

/** Two disks are in the pool, two are free, one holds what somebody else has put there, and one has the system. */
const disksOf = (driver: SimDriver): readonly SimDisk[] => [
  ...(driver === 'dir' ? [] : [disk('sda', 200), disk('sdb', 200)]),
  disk('sdc', 400),
  disk('sdd', 400),
  { ...disk('sde', 1000), holds: 'ext4 "old-backup"' },
  { ...disk('nvme0n1', 477), usedBy: 'mounted at /' },
];

const disk = (name: string, sizeGiB: number): SimDisk => ({ path: `/dev/${name}`, sizeBytes: sizeGiB * GiB });

/** A world of its own: every image exists but those whose name says that it does not. */
export const worldRegistry = (): SimRegistry => new SimRegistry((reference) => !reference.includes('missing'));

/** @param stallChance how often the engine takes seconds to make something */
export function simMachine(
  n: number,
  clock: Clock,
  random: SeededRandom,
  stallChance: number,
  drift: Drift = { rate: 1, aheadMs: 0 },
  registry = worldRegistry(),
): SimMachine {
  const name = machineName(n);
  const load = random.fork(`${name}/load`);
  const docker = simDocker({
    clock,
    random: random.fork(`${name}/docker`),
    images: ['floatlab/welcome:latest'],
    registry,
    // An engine whose disk is busy carries out late what it was asked to make, whether anybody still waits or not.
    stallMs: (op) => (makes.has(op) && load.chance(stallChance) ? load.below(6000) : 0),
  });
  const driver = drivers[n % drivers.length] ?? 'btrfs';
  const where = `/pools/${name}`;
  const pace = random.fork(`${name}/pace`);
  const volumes = simVolumes({
    clock,
    random: random.fork(`${name}/volumes`),
    // A pool that is busy writing makes a call wait.
    latencyMs: () => (pace.chance(0.1) ? 50 + pace.below(1000) : 2 + pace.below(10)),
    pools: [
      {
        name: poolName,
        driver,
        sizeBytes: 200 * GiB,
        mountpoint: where,
      },
    ],
  });
  volumes.usedBy = (path) =>
    docker
      .running()
      .find(({ id }) => docker.mountsOf(id).some((source) => source === path || source.startsWith(`${path}/`)))?.name;
  return {
    id: `sim${String(n + 1).padStart(4, '0')}`,
    name,
    docker,
    volumes,
    files: simFiles([where]),
    tree: simTree(volumes),
    marks: simMarks(volumes),
    content: simContent({ volumes, clock, random: random.fork(`${name}/content`) }),
    pools: simNodePools({
      clock,
      volumes,
      usual: { name: poolName, driver, where },
      usualDisks: ['/dev/sda', '/dev/sdb'],
      disks: disksOf(driver),
    }),
    host: simHost({ clock, random: random.fork(`${name}/host`), name }),
    bootTime: bootTimeOf(clock, drift),
    attestations: simAttestations(),
    places: simPlaces(),
  };
}
