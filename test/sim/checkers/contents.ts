/**
 * What is in the volumes, byte for byte. The apps of the simulation write through this oracle while they run; so it
 * knows what every volume holds, and whatever else changes a volume or a snapshot is found:
 *
 *   - a volume changes by its apps, and by a roll-back that the lab has decided; then it holds what the snapshot holds
 *   - a snapshot, the one that a roll-back makes of the present included, holds what the volume held, for ever
 *
 * Between two looks no app writes: the device's own doings are replayed in the order of the snapshots that they left.
 */
import { streamOf } from '#events/envelope.ts';
import { label } from '#io/agent/containers/labels.ts';
import type { SimContent } from '#io/devices/volumes/sim.ts';
import type { World } from '#io/world/world.ts';
import type { History } from '../history.ts';

type Files = ReadonlyMap<string, string>;

interface Known {
  readonly live: Map<string, string>;
  readonly snapshots: ReadonlyMap<string, Files>;
}

export class Contents {
  #known = new Map<string, Known>();
  /** Of every snapshot that was ever seen, also of those that are gone. */
  readonly #byGuid = new Map<string, Files>();
  #written = 0;

  /** Looks at everything. The history must be up to date. */
  check(world: World, history: History): string[] {
    const wrong: string[] = [];
    const present = new Map<string, Known>();
    for (const { id, name, volumes } of world.machines) {
      for (const content of volumes.contents()) {
        const key = `${id}/${content.of.pool}/${content.of.name}`;
        const known = this.#known.get(key) ?? { live: new Map(), snapshots: new Map() };
        wrong.push(...this.#compare(`${content.of.name} on ${name}`, content, known, history));
        const snapshots = content.snapshots.map(({ guid, files }) => [
          guid,
          known.snapshots.get(guid) ?? new Map(files),
        ]);
        present.set(key, { live: new Map(content.files), snapshots: new Map(snapshots as [string, Files][]) });
      }
    }
    this.#known = present;
    return wrong;
  }

  #compare(what: string, { of, files, snapshots }: SimContent, known: Known, history: History): string[] {
    const wrong: string[] = [];
    let holds: Files | undefined = known.live;
    let by = 'and no app wrote to it';
    for (const snapshot of snapshots) {
      const before = known.snapshots.get(snapshot.guid);
      if (before) {
        if (!same(before, snapshot.files)) wrong.push(`snapshot ${snapshot.name} of ${what} has changed`);
        continue;
      }
      this.#byGuid.set(snapshot.guid, new Map(snapshot.files));
      if (holds && !same(holds, snapshot.files))
        wrong.push(`snapshot ${snapshot.name} of ${what} is not what the volume held`);
      const to = history.rollbackTo(streamOf('volume', of.name), snapshot.name);
      if (to === undefined) continue;
      by = 'and it is not what the roll-back went back to';
      // One that came and went between two looks was never seen.
      holds = this.#byGuid.get(to);
    }
    if (holds && !same(holds, files)) wrong.push(`${what} has changed, ${by}`);
    return wrong;
  }

  /** Every service that runs writes something new into each volume that it has mounted. Only right after a look. */
  write(world: World): void {
    for (const { id, docker, volumes } of world.machines) {
      const running = docker.running();
      if (running.length === 0) continue;
      const keys = new Map(volumes.contents().map(({ of, files }) => [files, `${id}/${of.pool}/${of.name}`] as const));
      for (const container of running) {
        for (const source of docker.mountsOf(container.id)) {
          const files = volumes.filesAt(source);
          const known = files && this.#known.get(keys.get(files) ?? '');
          if (!known) continue;
          const [file, text] = [container.labels[label.service] ?? '', `${++this.#written}`];
          files.set(file, text);
          known.live.set(file, text);
        }
      }
    }
  }
}

const same = (a: Files, b: Files): boolean => a.size === b.size && [...a].every(([file, text]) => b.get(file) === text);
