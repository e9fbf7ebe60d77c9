/**
 * Looks every few minutes whether the volumes of its node are still as the lab has them. Each pool is asked once which
 * datasets it has, and each path whether something is there; more closely only a few are looked at each time, in turn,
 * so that many volumes cost no more than few. What it concludes it says; the lab decides what to make of that.
 *
 * A close look compares the snapshots, too, by what the file system knows them by. Those that two looks in a row do not
 * find were destroyed by somebody else.
 */
import { mostInReport } from '#actors/snapshot/commands.ts';
import { conclude, judge, notLooked, type Found, type Looked, type Verdict } from '#actors/sensors/volume-look.ts';
import type { ActorState } from '#actors/actor.ts';
import { datasetOf } from '#actors/volume/actor.ts';
import type { Commands } from '#actors/commands.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Logger } from 'pino';
import type { Call } from '../devices/call.ts';
import { sleep } from '../devices/clock/port.ts';
import { asIoError } from '../devices/error.ts';
import type { Random } from '../devices/random/port.ts';
import type { RunningLab } from '../lab/running.ts';
import type { Ports } from './worker.ts';

const everyMs = 120_000;
/** What is suspected is looked at again soon. */
const againMs = 15_000;
const timeoutMs = 30_000;
/** So many are looked at closely each time. */
const closely = 10;

export interface VolumeLooksParts {
  readonly node: StreamId<'node'>;
  readonly lab: Pick<RunningLab, 'view' | 'run'>;
  readonly ports: Pick<Ports, 'volumes' | 'content' | 'clock'>;
  readonly random: Random;
  readonly log: Logger;
}

export class VolumeLooks {
  readonly #parts: VolumeLooksParts;
  readonly #stop = new AbortController();
  readonly #known = new Map<StreamId, Looked>();
  /** Snapshots that the last close look at a volume has not found. */
  readonly #unseen = new Map<StreamId, ReadonlySet<StreamId>>();
  /** Who was looked at closely last. */
  #last = '';
  #running: Promise<void> = Promise.resolve();

  constructor(parts: VolumeLooksParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      const isSuspicious = this.#unseen.size > 0 || [...this.#known.values()].some(({ isSuspect }) => isSuspect);
      await sleep(this.#parts.ports.clock, isSuspicious ? againMs : everyMs, signal);
      if (signal.aborted) return;
      try {
        await this.look();
      } catch (error) {
        if (!signal.aborted) this.#parts.log.debug({ error: String(error) }, 'looking at the volumes failed');
      }
    }
  }

  /** Looks once at all of them. */
  async look(): Promise<void> {
    const { lab, node } = this.#parts;
    const volumes = lab.view.referrers(node, 'volume').filter(isLookedAt);
    const streams = new Set<StreamId>(volumes.map(({ stream }) => stream));
    for (const known of [this.#known, this.#unseen])
      for (const stream of known.keys()) if (!streams.has(stream)) known.delete(stream);
    const near = this.#nextOf(volumes);
    const lists = new Map<string, ReadonlySet<string> | Found>();
    for (const volume of volumes) {
      this.#stop.signal.throwIfAborted();
      const expected = expectedOf(volume);
      if (!expected) continue;
      const { pool, dataset } = expected;
      const list = lists.get(pool) ?? (await this.#list(pool));
      lists.set(pool, list);
      const isThere = !(list instanceof Set) || list.has(dataset);
      const found: Found = !(list instanceof Set)
        ? (list as Found)
        : isThere
          ? await this.#look(expected, near.has(volume.stream))
          : { dataset: null };
      const [looked, verdict] = conclude(this.#known.get(volume.stream) ?? notLooked, judge(expected, found));
      this.#known.set(volume.stream, looked);
      if (verdict) await this.#say(volume, verdict);
      if (near.has(volume.stream) && 'dataset' in found && found.dataset)
        await this.#lookForSnapshots(volume, expected);
    }
  }

  /** Those that the lab had before the look began, and that are not there. */
  async #lookForSnapshots(volume: ActorState<'volume'>, { pool, dataset }: Expected): Promise<void> {
    const { lab, ports, log } = this.#parts;
    const known = lab.view
      .referrers(volume.stream, 'snapshot')
      .filter(({ state, context }) => state === 'available' && context.guid !== null);
    // Where it has changed meanwhile, what was found is of another volume than what is known.
    if (known.length === 0 || lab.view.get(volume.stream)?.visit !== volume.visit) return;
    let guids: ReadonlySet<string | null>;
    try {
      const there = await ports.volumes.snapshots({ pool, name: dataset }, this.#call());
      guids = new Set(there.map(({ guid }) => guid));
    } catch (error) {
      log.debug({ error: String(error), volume: volume.stream }, 'looking for the snapshots of a volume failed');
      return;
    }
    const gone = known.filter(({ context }) => !guids.has(context.guid));
    const before = this.#unseen.get(volume.stream);
    const [again, first] = [
      gone.filter(({ stream }) => before?.has(stream)),
      gone.filter((one) => !before?.has(one.stream)),
    ];
    if (first.length === 0) this.#unseen.delete(volume.stream);
    else this.#unseen.set(volume.stream, new Set(first.map(({ stream }) => stream)));
    for (let from = 0; from < again.length; from += mostInReport) {
      const snapshots = again
        .slice(from, from + mostInReport)
        .map(({ stream, visit }) => ({ snapshot: stream as StreamId<'snapshot'>, visit }));
      await this.#tell('report-snapshots-gone', {
        volume: volume.stream as StreamId<'volume'>,
        visit: volume.visit,
        snapshots,
      });
    }
  }

  /** Those that are looked at closely: what is said to be wrong, and the next few in turn. */
  #nextOf(volumes: readonly ActorState<'volume'>[]): ReadonlySet<StreamId> {
    const ids = volumes.map(({ stream }) => stream).toSorted();
    const from = ids.findIndex((id) => id > this.#last);
    const inTurn = [...ids.slice(Math.max(0, from)), ...ids.slice(0, Math.max(0, from))].slice(0, closely);
    this.#last = inTurn.at(-1) ?? '';
    const wrong = volumes.filter(({ state, context }) => state === 'missing' || context.drift !== null);
    return new Set([...inTurn, ...wrong.map(({ stream }) => stream), ...this.#unseen.keys()]);
  }

  async #list(pool: string): Promise<ReadonlySet<string> | Found> {
    try {
      return new Set(await this.#parts.ports.volumes.list(pool, this.#call()));
    } catch (error) {
      return { error: asIoError(error, 'list', pool).problem };
    }
  }

  async #look(
    { pool, dataset, path }: { pool: string; dataset: string; path: string },
    isNear: boolean,
  ): Promise<Found> {
    const { volumes, content } = this.#parts.ports;
    try {
      let reach = await content.reach(path, this.#call());
      if (reach === 'absent') {
        // After a boot nothing is mounted before somebody needs it.
        await volumes.mount({ pool, name: dataset }, this.#call());
        reach = await content.reach(path, this.#call());
      }
      if (!isNear) return { reach };
      const info = await volumes.inspect({ pool, name: dataset }, this.#call());
      return { reach, dataset: info ? { path: info.path, sizeBytes: info.sizeBytes } : null };
    } catch (error) {
      return { error: asIoError(error, 'look', `${pool}/${dataset}`).problem };
    }
  }

  async #say(volume: ActorState<'volume'>, { problem, isGone }: Verdict): Promise<void> {
    const { state, context, stream, visit } = volume;
    const known = state === 'missing' ? context.problem : context.drift;
    // What is so already is not said again.
    if (known === null ? problem === null : problem !== null && known.message === problem.message) return;
    await this.#tell('report-volume-look', { volume: stream as StreamId<'volume'>, visit, problem, isGone });
  }

  async #tell<N extends 'report-volume-look' | 'report-snapshots-gone'>(name: N, input: Commands[N]): Promise<void> {
    const { lab, node, random } = this.#parts;
    const by = node as `node:${string}`;
    await lab.run({ id: random.id(), name, input, by }, this.#stop.signal);
  }

  #call(): Call {
    return { signal: this.#stop.signal, timeoutMs, progress: () => {} };
  }
}

/** Nothing else is being done with it. */
const isLookedAt = ({ state }: ActorState<'volume'>): boolean => state === 'ready' || state === 'missing';

type Expected = NonNullable<ReturnType<typeof expectedOf>>;

function expectedOf(volume: ActorState<'volume'>) {
  const of = datasetOf(volume);
  const { path, metadata, spec } = volume.context;
  return of && path !== null ? { name: metadata.name, ...of, path, sizeBytes: spec.sizeBytes } : undefined;
}
