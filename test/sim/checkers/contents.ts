/**
 * What is in the volumes, byte for byte. The apps of the simulation write through this oracle while they run; so it
 * knows what every volume holds, and whatever else changes a volume or a snapshot is found:
 *
 *   - a volume begins empty, as a clone with what its snapshot holds, or adopted with what was there
 *   - one that has moved holds in its new dataset what it held in the old one, which stays as it was
 *   - it changes by its apps, by a roll-back, a restore and an import that the lab has decided; then it holds what the
 *     snapshot or the archive holds, and an import that failed has changed nothing
 *   - a snapshot, the one that a roll-back makes of the present included, holds what the volume held, for ever
 *   - what was adopted and given back holds what it held as a volume, for ever
 *
 * Between two looks no app writes: the device's own doings are replayed in the order of the snapshots that they left.
 */
import { idOf, type StreamId } from '#events/envelope.ts';
import { label } from '#io/agent/containers/labels.ts';
import type { SimContent } from '#io/devices/volumes/sim/hands.ts';
import type { World } from '#io/world/world.ts';
import { Carriers } from '../carriers.ts';
import type { History, Transfer } from '../history.ts';
import type { Native } from '../natives.ts';

type Files = ReadonlyMap<string, string>;

interface Known {
  readonly live: Map<string, string>;
  readonly snapshots: ReadonlyMap<string, Files>;
}

interface Place {
  /** Of the machine. */
  readonly id: string;
  readonly what: string;
}

export class Contents {
  #known = new Map<string, Known>();
  /** Of every snapshot that was ever seen, also of those that are gone. */
  readonly #byGuid = new Map<string, Files>();
  /** Datasets into which a volume has moved, once that was looked at. */
  readonly #arrived = new Set<string>();
  /** Transfers whose end was looked at. */
  readonly #ended = new Set<StreamId>();
  /** What natives hold, by machine and own name: the same map as that of the volume that one is. */
  readonly #natives = new Map<string, Map<string, string>>();
  readonly #list: readonly Native[];
  #written = 0;

  constructor(natives: readonly Native[], world: World) {
    this.#list = natives;
    for (const { machine, native, path } of natives) {
      const { volumes } = world.machines.find(({ id }) => id === machine) ?? {};
      this.#natives.set(`${machine}/${native}`, new Map(volumes?.filesAt(path)));
    }
  }

  /** What a snapshot holds or held. */
  held(guid: string): Files | undefined {
    return this.#byGuid.get(guid);
  }

  /** Looks at everything. The history must be up to date. */
  check(world: World, history: History): string[] {
    const wrong: string[] = [];
    const present = new Map<string, Known>();
    for (const { id, name, volumes } of world.machines) {
      for (const content of volumes.contents()) {
        const key = `${id}/${content.of.pool}/${content.of.name}`;
        const known = this.#known.get(key);
        const what = `${content.of.name} on ${name}`;
        const volume = history.volumeOf(content.of.name);
        const move = history.moveInto(content.of.name);
        const imports = this.#transfersOf(volume, 'import', history);
        const isOpen = imports.some(({ state }) => state === 'underway');
        if (move && !this.#arrived.has(key)) {
          // While it is copied it may hold anything.
          if (move.state === 'moved') {
            this.#arrived.add(key);
            const held = this.#known.get(`${id}/${content.of.pool}/${move.from}`)?.live;
            if (held && !same(held, content.files)) wrong.push(`${what} is not what the volume held before it moved`);
          }
        } else wrong.push(...this.#compare({ id, what }, content, known, history));
        const snapshots = content.snapshots.map(({ guid, files }) => [
          guid,
          known?.snapshots.get(guid) ?? new Map(files),
        ]);
        // While it is imported it may hold anything; it goes back to what it held, or becomes what is brought.
        const before = known?.live ?? this.#beginning(id, volume, history);
        const live = isOpen && before ? new Map(before) : new Map(content.files);
        present.set(key, { live, snapshots: new Map(snapshots as [string, Files][]) });
        const native = history.adoptedAs(volume);
        if (native !== undefined && !move) this.#natives.set(`${id}/${native}`, live);
      }
      wrong.push(...this.#compareNatives(world, id, history));
    }
    this.#known = present;
    for (const { stream, state } of history.transfers) if (state !== 'underway') this.#ended.add(stream);
    return wrong;
  }

  #compare(
    { id, what }: Place,
    { of, files, snapshots }: SimContent,
    known: Known | undefined,
    history: History,
  ): string[] {
    const wrong: string[] = [];
    const volume = history.volumeOf(of.name);
    const restores = this.#transfersOf(volume, 'restore', history);
    const imports = this.#transfersOf(volume, 'import', history);
    const archives = imports
      .filter(({ state }) => state === 'finished')
      .map(({ command }) => Carriers.archiveOf(command));
    let holds = known ? known.live : this.#beginning(id, volume, history);
    let by = known ? 'and no app wrote to it' : 'and it is not what it should begin with';
    const isExplained = (from: Files, to: Files): boolean =>
      same(from, to) || (restores.length > 0 && this.#isRestored(from, to, restores, history));
    for (const snapshot of snapshots) {
      const before = known?.snapshots.get(snapshot.guid);
      if (before) {
        if (!same(before, snapshot.files)) wrong.push(`snapshot ${snapshot.name} of ${what} has changed`);
        continue;
      }
      this.#byGuid.set(snapshot.guid, new Map(snapshot.files));
      // What an import that failed had written: it is on its way back.
      if (imports.some(({ stream }) => snapshot.name === `import-${idOf(stream)}`)) continue;
      const isArchive = archives.some((archive) => same(archive, snapshot.files));
      if (holds && !isArchive && !isExplained(holds, snapshot.files))
        wrong.push(`snapshot ${snapshot.name} of ${what} is not what the volume held`);
      const to = history.rollbackTo(volume, snapshot.name);
      if (to === undefined) continue;
      by = 'and it is not what the roll-back went back to';
      // One that came and went between two looks was never seen.
      holds = this.#byGuid.get(to);
    }
    if (imports.some(({ state }) => state === 'underway')) return wrong;
    const last = imports.at(-1);
    if (last) by = `and the import has ${last.state}`;
    if (archives.length > 0) holds = archives.at(-1);
    if (holds && !isExplained(holds, files)) wrong.push(`${what} has changed, ${by}`);
    wrong.push(...this.#missing(what, files, restores, history));
    return wrong;
  }

  /** Underway, or ended since the last look. */
  #transfersOf(volume: StreamId<'volume'>, what: Transfer['task']['do'], history: History) {
    return history.transfers.filter(
      (one) => one.volume === volume && one.task.do === what && !this.#ended.has(one.stream),
    );
  }

  /** Whether all that is different came out of the snapshots that are being restored from. */
  #isRestored(from: Files, to: Files, restores: readonly Transfer[], history: History): boolean {
    if ([...from.keys()].some((file) => !to.has(file))) return false;
    return [...to].every(
      ([file, text]) =>
        from.get(file) === text || restores.some((one) => this.#comesFrom(one, file, text, from.has(file), history)),
    );
  }

  #comesFrom({ task }: Transfer, file: string, text: string, isReplaced: boolean, history: History): boolean {
    if (task.do !== 'restore') return false;
    const source = this.#byGuid.get(history.guidOf(task.snapshot) ?? '');
    if (!source) return true;
    return task.paths.some((path) => {
      const beside = `${wantedAt(task, path)}.restored-${history.nameOf(task.snapshot)}`;
      return [...source].some(([name, one]) => {
        const rest = within(path, name);
        if (rest === undefined || one !== text) return false;
        if (file === `${wantedAt(task, path)}${rest}`) return task.overwrite || !isReplaced;
        return file.startsWith(beside) && file.endsWith(rest);
      });
    });
  }

  /** What was brought back under a name of its own is there: nobody else writes to it. */
  #missing(what: string, files: Files, restores: readonly Transfer[], history: History): string[] {
    return restores.flatMap(({ state, task, written }) => {
      if (state !== 'finished' || task.do !== 'restore') return [];
      const source = this.#byGuid.get(history.guidOf(task.snapshot) ?? '');
      return written
        .filter(({ path, as }) => as !== wantedAt(task, path))
        .flatMap(({ path, as }) =>
          [...(source ?? [])].flatMap(([name, text]) => {
            const rest = within(path, name);
            return rest === undefined || files.get(`${as}${rest}`) === text
              ? []
              : [`${what} does not hold ${as}${rest}, which was restored`];
          }),
        );
    });
  }

  /** @returns undefined when nobody can tell: the snapshot came and went between two looks */
  #beginning(machine: string, volume: StreamId<'volume'>, history: History): Files | undefined {
    const native = history.adoptedAs(volume);
    if (native !== undefined) return this.#natives.get(`${machine}/${native}`);
    if (!history.isClone(volume)) return new Map();
    return this.#byGuid.get(history.originOf(volume) ?? '');
  }

  /** Those that are no volumes, and those that are none any more. */
  #compareNatives(world: World, machine: string, history: History): string[] {
    const volumes = world.machines.find(({ id }) => id === machine)?.volumes;
    const adopted = new Set(
      (volumes?.contents() ?? []).map(({ of }) => history.adoptedAs(history.volumeOf(of.name)) ?? ''),
    );
    return this.#list
      .filter((one) => one.machine === machine && !adopted.has(one.native))
      .flatMap(({ native, path }) => {
        const files = volumes?.filesAt(path);
        const known = this.#natives.get(`${machine}/${native}`);
        if (!files || !known || same(known, files)) return [];
        return [`${native} on ${machine}, which is no volume, has changed`];
      });
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

/** Where a path is to go, when nothing is in its place. */
function wantedAt({ to }: { readonly to?: string }, path: string): string {
  if (to === undefined) return path;
  const base = path.slice(path.lastIndexOf('/') + 1);
  return to === '' ? base : `${to}/${base}`;
}

/** What is left of a file's path below another: empty of the file itself. */
function within(path: string, file: string): string | undefined {
  if (file === path) return '';
  return file.startsWith(`${path}/`) ? file.slice(path.length) : undefined;
}
