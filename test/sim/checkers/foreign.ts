/** Snapshots that other tools take of FloatLab's datasets, at any time: nothing that FloatLab does may remove one. */
import type { SeededRandom } from '#io/devices/random/sim.ts';
import type { SimMachine } from '#io/world/host.ts';

export class ForeignSnapshots {
  readonly #taken: {
    readonly machine: SimMachine;
    readonly pool: string;
    readonly name: string;
    readonly guid: string;
  }[] = [];

  /** Of one dataset of this machine, if it has any. */
  take(machine: SimMachine, chance: SeededRandom): void {
    const datasets = machine.volumes.contents();
    if (datasets.length === 0) return;
    const { of } = chance.pick(datasets);
    const { name, guid } = machine.volumes.snapshotByOther(of, `daily-${this.#taken.length}`);
    this.#taken.push({ machine, pool: of.pool, name, guid });
  }

  /** The tools remove what they took: what waits for that comes to its end. */
  removeAll(): void {
    for (const { machine, pool, guid } of this.#taken.splice(0))
      if (machine.volumes.poolNow(pool)) machine.volumes.removeByOther(pool, guid);
  }

  check(): string[] {
    return this.#taken
      .filter(
        ({ machine, pool, guid }) =>
          // Of a pool that was let go nobody sees anything.
          machine.volumes.poolNow(pool) !== undefined &&
          !machine.volumes.snapshotsByOthers(pool).some((one) => one.guid === guid),
      )
      .map(({ machine, name }) => `snapshot ${name} of another tool on ${machine.name} is gone`);
  }
}
