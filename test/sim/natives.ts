/**
 * What was in the pools before FloatLab came, and can be adopted: one piece on each machine. It is judged together with
 * the volumes (`checkers/contents.ts`), because a volume that is given back is what it was as a volume.
 */
import { poolName } from '#io/world/host.ts';
import type { World } from '#io/world/world.ts';

export interface Native {
  /** Of its machine. */
  readonly machine: string;
  readonly pool: string;
  /** Its own name, as it is adopted. */
  readonly native: string;
  readonly path: string;
}

/** The name of it on every machine. */
export const nativeName = 'family';

export const makeNatives = (world: World): readonly Native[] =>
  world.machines.map(({ id, volumes }) => {
    const made = volumes.addNative(poolName, nativeName);
    volumes.filesAt(made.path)?.set('letter', 'from before');
    return { machine: id, pool: poolName, ...made };
  });
