/**
 * What is in the volumes, byte for byte. The apps of the simulation write through this oracle while they run; so it
 * knows what every volume holds, and whatever else changes a volume or a snapshot is found:
 *
 *   - a volume begins empty, or as a clone with what its snapshot holds
 *   - one that has moved holds in its new dataset what it held in the old one, which stays as it was
 *   - it changes by its apps, and by a roll-back that the lab has decided; then it holds what the snapshot holds
 *   - a snapshot, the one that a roll-back makes of the present included, holds what the volume held, for ever
 *
 * Between two looks no app writes: the device's own doings are replayed in the order of the snapshots that they left.
 */
import type { StreamId } from '#events/envelope.ts';
import { label } from '#io/agent/containers/labels.ts';
import type { SimContent } from '#io/devices/volumes/sim/hands.ts';
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
  /** Datasets into which a volume has moved, once that was looked at. */
  readonly #arrived = new Set<string>();
  #written = 0;

  /** Looks at everything. The history must be up to date. */
  check(world: World, history: History): string[] {
    const wrong: string[] = [];
    const present = new Map<string, Known>();
    for (const { id, name, volumes } of world.machines) {
      for (const content of volumes.contents()) {
        const key = `${id}/${content.of.pool}/${content.of.name}`;
        const known = this.#known.get(key);
        const what = `${content.of.name} on ${name}`;
        const move = history.moveInto(content.of.name);
        if (move && !this.#arrived.has(key)) {
          // While it is copied it may hold anything.
          if (move.state === 'moved') {
            this.#arrived.add(key);
            const held = this.#known.get(`${id}/${content.of.pool}/${move.from}`)?.live;
            if (held && !same(held, content.files)) wrong.push(`${what} is not what the volume held before it moved`);
          }
        } else wrong.push(...this.#compare(what, content, known, history));
        const snapshots = content.snapshots.map(({ guid, files }) => [
          guid,
          known?.snapshots.get(guid) ?? new Map(files),
        ]);
        present.set(key, { live: new Map(content.files), snapshots: new Map(snapshots as [string, Files][]) });
      }
    }
    this.#known = present;
    return wrong;
  }

  #compare(what: string, { of, files, snapshots }: SimContent, known: Known | undefined, history: History): string[] {
    const wrong: string[] = [];
    const volume = history.volumeOf(of.name);
    let holds = known ? known.live : this.#beginning(volume, history);
    let by = known ? 'and no app wrote to it' : 'and it is not what it should begin with';
    for (const snapshot of snapshots) {
      const before = known?.snapshots.get(snapshot.guid);
      if (before) {
        if (!same(before, snapshot.files)) wrong.push(`snapshot ${snapshot.name} of ${what} has changed`);
        continue;
      }
      this.#byGuid.set(snapshot.guid, new Map(snapshot.files));
      if (holds && !same(holds, snapshot.files))
        wrong.push(`snapshot ${snapshot.name} of ${what} is not what the volume held`);
      const to = history.rollbackTo(volume, snapshot.name);
      if (to === undefined) continue;
      by = 'and it is not what the roll-back went back to';
      // One that came and went between two looks was never seen.
      holds = this.#byGuid.get(to);
    }
    if (holds && !same(holds, files)) wrong.push(`${what} has changed, ${by}`);
    return wrong;
  }

  /** @returns undefined when nobody can tell: the snapshot came and went between two looks */
  #beginning(volume: StreamId<'volume'>, history: History): Files | undefined {
    if (!history.isClone(volume)) return new Map();
    return this.#byGuid.get(history.originOf(volume) ?? '');
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
