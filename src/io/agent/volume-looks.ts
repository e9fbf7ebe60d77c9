/**
 * Looks every few minutes whether the volumes of its node are still as the lab has them. Each pool is asked once which
 * datasets it has, and each path whether something is there; more closely only a few are looked at each time, in turn,
 * so that many volumes cost no more than few. What it concludes it says; the lab decides what to make of that.
 */
import { conclude, judge, notLooked, type Found, type Looked, type Verdict } from '#actors/sensors/volume-look.ts';
import type { ActorState } from '#actors/actor.ts';
import { datasetOf } from '#actors/volume/actor.ts';
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
      const isSuspicious = [...this.#known.values()].some(({ isSuspect }) => isSuspect);
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
    for (const stream of this.#known.keys()) if (!streams.has(stream)) this.#known.delete(stream);
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
    }
  }

  /** Those that are looked at closely: what is said to be wrong, and the next few in turn. */
  #nextOf(volumes: readonly ActorState<'volume'>[]): ReadonlySet<StreamId> {
    const ids = volumes.map(({ stream }) => stream).toSorted();
    const from = ids.findIndex((id) => id > this.#last);
    const inTurn = [...ids.slice(Math.max(0, from)), ...ids.slice(0, Math.max(0, from))].slice(0, closely);
    this.#last = inTurn.at(-1) ?? '';
    const wrong = volumes.filter(({ state, context }) => state === 'missing' || context.drift !== null);
    return new Set([...inTurn, ...wrong.map(({ stream }) => stream)]);
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
    const { lab, node, random } = this.#parts;
    const { state, context, stream, visit } = volume;
    const known = state === 'missing' ? context.problem : context.drift;
    // What is so already is not said again.
    if (known === null ? problem === null : problem !== null && known.message === problem.message) return;
    const input = { volume: stream as StreamId<'volume'>, visit, problem, isGone };
    const by = node as `node:${string}`;
    await lab.run({ id: random.id(), name: 'report-volume-look', input, by }, this.#stop.signal);
  }

  #call(): Call {
    return { signal: this.#stop.signal, timeoutMs, progress: () => {} };
  }
}

/** Nothing else is being done with it. */
const isLookedAt = ({ state }: ActorState<'volume'>): boolean => state === 'ready' || state === 'missing';

function expectedOf(volume: ActorState<'volume'>) {
  const of = datasetOf(volume);
  const { path, metadata, spec } = volume.context;
  return of && path !== null ? { name: metadata.name, ...of, path, sizeBytes: spec.sizeBytes } : undefined;
}
