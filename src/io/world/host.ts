/** A simulated machine: an engine, a pool and files that live on when its daemon is killed. */
import type { Clock } from '../devices/clock/port.ts';
import { simDocker, type SimDocker, type SimOp } from '../devices/docker/sim.ts';
import { simFiles, type SimFiles } from '../devices/files/sim.ts';
import { simHost, type SimHost } from '../devices/host/sim.ts';
import type { SeededRandom } from '../devices/random/sim.ts';
import { simVolumes, type SimVolumes } from '../devices/volumes/sim.ts';

export interface SimMachine {
  readonly id: string;
  readonly name: string;
  readonly docker: SimDocker;
  readonly volumes: SimVolumes;
  readonly files: SimFiles;
  readonly host: SimHost;
}

/** Of the one pool that each machine has. */
export const poolName = 'main';

const makes: ReadonlySet<SimOp> = new Set(['ensureNetwork', 'create', 'start']);

const names = ['atlas', 'vega', 'polaris', 'rigel', 'deneb', 'altair', 'sirius', 'mira', 'castor'];

const machineName = (n: number): string => names[n] ?? `node-${n + 1}`;

/** @param stallChance how often the engine takes seconds to make something */
export function simMachine(n: number, clock: Clock, random: SeededRandom, stallChance: number): SimMachine {
  const name = machineName(n);
  const load = random.fork(`${name}/load`);
  const docker = simDocker({
    clock,
    random: random.fork(`${name}/docker`),
    images: ['floatlab/welcome:latest'],
    // A world of its own: every image exists but those whose name says that it does not.
    pullable: (reference) => !reference.includes('missing'),
    // An engine whose disk is busy carries out late what it was asked to make, whether anybody still waits or not.
    stallMs: (op) => (makes.has(op) && load.chance(stallChance) ? load.below(6000) : 0),
  });
  const pace = random.fork(`${name}/pace`);
  const volumes = simVolumes({
    clock,
    random: random.fork(`${name}/volumes`),
    // A pool that is busy writing makes a call wait.
    latencyMs: () => (pace.chance(0.1) ? 50 + pace.below(1000) : 2 + pace.below(10)),
    pools: [{ name: poolName, sizeBytes: 200 * 2 ** 30, mountpoint: `/pools/${name}` }],
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
    files: simFiles(),
    host: simHost({ clock, random: random.fork(`${name}/host`), name }),
  };
}
