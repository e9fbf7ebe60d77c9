/** Whether a checker notices what is spoilt on purpose, and the ways to spoil a world. */
import type { WiredLab } from '#io/daemon/wire.ts';
import type { DockerPort } from '#io/devices/docker/port.ts';
import type { TreePort } from '#io/devices/tree/port.ts';
import type { SimVolumes } from '#io/devices/volumes/sim.ts';
import type { World } from '#io/world/world.ts';
import { scripted, seeds } from './scripted.ts';
import { simulate } from './simulate.ts';
import type { Action } from './swarm.ts';

/**
 * @param hint a story, where the swarm would take long to tell one that fits; or the seed to begin with, where those
 *   before it told nothing when this was written
 */
export async function notices(
  what: RegExp,
  sabotage: (world: World) => void,
  hint: readonly Action[] | number = 1,
): Promise<void> {
  for (let n = 0; n < seeds; n++) {
    const seed = typeof hint === 'number' ? ((hint - 1 + n) % seeds) + 1 : n + 1;
    const { wrong } = await (typeof hint === 'number'
      ? scripted(seed, sabotage)
      : simulate({ seed, script: hint, sabotage }));
    if (wrong.some((one) => what.test(one))) return;
  }
  throw new Error(`no seed made a checker say ${what.source}`);
}

export const eachEngine =
  (spoil: (docker: DockerPort) => void) =>
  ({ machines }: World): void => {
    for (const { docker } of machines) spoil(docker.port);
  };

export const eachPool =
  (spoil: (volumes: SimVolumes) => void) =>
  ({ machines }: World): void => {
    for (const { volumes } of machines) spoil(volumes);
  };

export const eachTree =
  (spoil: (tree: TreePort, volumes: SimVolumes) => void) =>
  ({ machines }: World): void => {
    for (const { tree, volumes } of machines) spoil(tree, volumes);
  };

export const eachDaemon =
  (spoil: (daemon: WiredLab, world: World) => void) =>
  (world: World): void => {
    const { start } = world;
    world.start = async () => {
      const daemon = await start.call(world);
      spoil(daemon, world);
      return daemon;
    };
  };
