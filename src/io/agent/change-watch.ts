/**
 * Looks every few seconds which volumes of its node have changed, and asks for snapshots of those that are due. Of those
 * that have replicas each look says until when a snapshot has everything (`attester.ts`).
 *
 * The file system is asked, once for each pool however many volumes it has. Where it does not tell, the files are walked
 * (`walked-changes.ts`). A change that settles between two looks is asked for in its moment.
 */
import { asked, dueAtMs, look, newSensor, type ChangeSensor, type Seen } from '#actors/sensors/change-snapshotter.ts';
import type { ActorState, LabView } from '#actors/actor.ts';
import type { Moment } from '#actors/sensors/attesting.ts';
import { isKept, replicasOf } from '#actors/replica/known.ts';
import type { StreamId } from '#events/envelope.ts';
import { defaultLeaseSettings } from '#events/lease/settings.ts';
import type { SnapshotOnChange } from '#events/values/snapshotting.ts';
import type { Logger } from 'pino';
import type { Call } from '../devices/call.ts';
import { sleep } from '../devices/clock/port.ts';
import { IoError } from '../devices/error.ts';
import type { Random } from '../devices/random/port.ts';
import type { Change, Dataset } from '../devices/volumes/port.ts';
import type { RunningLab } from '../lab/running.ts';
import type { Attester } from './attester.ts';
import type { Ports } from './worker.ts';
import { UntoldChanges } from './untold-changes.ts';
import { WalkedChanges } from './walked-changes.ts';

const lookEveryMs = 5000;
/** What is due is never looked for in a loop without a pause. */
const shortestMs = 100;
const timeoutMs = 60_000;
/** By a clock that is fast a delay takes so much longer. */
const asFast = 1 + defaultLeaseSettings.clockError;
/** As many as a command takes. */
const mostAsked = 1000;

/** A volume that wants snapshots of its changes, or has replicas. */
interface Watched {
  readonly stream: StreamId<'volume'>;
  readonly of: Dataset;
  readonly path: string;
  /** Undefined: it wants no snapshots of its changes, or must not have any now. */
  readonly settings: SnapshotOnChange | undefined;
  readonly isAttested: boolean;
}

interface Found {
  readonly seen: Seen;
  /** What was written until then is in it, by boot time. */
  readonly asOfMs: number;
}

export interface ChangeWatchParts {
  readonly node: StreamId<'node'>;
  readonly lab: Pick<RunningLab, 'view' | 'run'>;
  readonly ports: Pick<Ports, 'volumes' | 'marks' | 'clock'>;
  readonly attester: Attester;
  readonly random: Random;
  readonly log: Logger;
}

export class ChangeWatch {
  readonly #parts: ChangeWatchParts;
  readonly #stop = new AbortController();
  readonly #sensors = new Map<StreamId, ChangeSensor>();
  /** Those that do not tell what has changed. */
  readonly #silentPools = new Set<string>();
  readonly #walked: WalkedChanges;
  readonly #untold: UntoldChanges;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: ChangeWatchParts) {
    this.#parts = parts;
    this.#walked = new WalkedChanges(parts.ports);
    this.#untold = new UntoldChanges({ ...parts, clock: parts.ports.clock });
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#walked.forget(new Set());
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts.ports;
    const { signal } = this.#stop;
    let pauseMs = lookEveryMs;
    for (;;) {
      await sleep(clock, pauseMs, signal);
      if (signal.aborted) return;
      try {
        pauseMs = await this.look();
      } catch (error) {
        pauseMs = lookEveryMs;
        if (!signal.aborted) this.#parts.log.debug({ error: String(error) }, 'looking for changes failed');
      }
    }
  }

  /** Looks once. @returns after how long to look again */
  async look(): Promise<number> {
    const { clock } = this.#parts.ports;
    const watched = this.#watched();
    const streams = new Set<StreamId>(watched.map(({ stream }) => stream));
    const wanting = new Set<StreamId>(watched.flatMap(({ stream, settings }) => (settings ? [stream] : [])));
    for (const known of this.#sensors.keys()) if (!wanting.has(known)) this.#sensors.delete(known);
    this.#walked.forget(streams);
    const { attester } = this.#parts;
    const moment = attester.moment();
    const found = await this.#found(watched, moment);
    for (const { stream, of, isAttested } of watched) {
      const looked = isAttested ? found.get(stream) : undefined;
      if (looked) attester.looked(stream, of, moment, { ...looked.seen, asOfMs: looked.asOfMs });
    }
    attester.forget(streams);
    const seen = new Map([...found].map(([stream, one]) => [stream, one.seen]));
    const nowMs = clock.monotonicMs();
    const due: Watched[] = [];
    let nextMs = nowMs + lookEveryMs;
    for (const one of watched) {
      const { settings } = one;
      const change = seen.get(one.stream);
      if (!change || !settings) continue;
      const known = this.#sensors.get(one.stream);
      const last = known ? undefined : this.#lastMs(one.stream, settings, change, nowMs);
      const sensor = known ? look(known, change, nowMs) : newSensor(change, nowMs, last ?? nowMs);
      this.#sensors.set(one.stream, sensor);
      const dueMs = dueAtMs(sensor, settings);
      if (dueMs !== undefined && dueMs <= nowMs) due.push(one);
      else if (dueMs !== undefined) nextMs = Math.min(nextMs, dueMs);
    }
    await this.#untold.say(new Set(watched.map(({ of }) => of.pool)), this.#stop.signal);
    for (let n = 0; n < due.length; n += mostAsked) await this.#ask(due.slice(n, n + mostAsked), seen);
    await attester.measure(this.#call());
    return Math.max(shortestMs, nextMs - nowMs);
  }

  #watched(): readonly Watched[] {
    const { lab, node } = this.#parts;
    return lab.view.referrers(node, 'volume').flatMap((volume) => watchedOf(volume, node, lab.view));
  }

  /** By volume; of a pool that fails now nothing is known. @param moment before the first of them is looked at */
  async #found(watched: readonly Watched[], moment: Moment): Promise<ReadonlyMap<StreamId, Found>> {
    const found = new Map<StreamId, Found>();
    for (const pool of new Set(watched.map(({ of }) => of.pool))) {
      const there = watched.filter(({ of }) => of.pool === pool);
      try {
        const told = await this.#told(pool);
        for (const one of there) {
          const change = told?.get(one.of.name);
          if (change) found.set(one.stream, { seen: change, asOfMs: moment.atMs - change.delayMs * asFast });
          if (told) continue;
          const walked = await this.#walked.look(one, moment, this.#call());
          found.set(one.stream, { seen: walked.seen, asOfMs: walked.moment.atMs });
        }
        this.#untold.told(pool);
      } catch (error) {
        if (this.#stop.signal.aborted) throw error;
        this.#untold.failed(pool, error);
      }
    }
    return found;
  }

  /** @returns undefined where the pool cannot tell */
  async #told(pool: string): Promise<ReadonlyMap<string, Change> | undefined> {
    if (this.#silentPools.has(pool)) return undefined;
    try {
      return await this.#parts.ports.volumes.changes(pool, this.#call());
    } catch (error) {
      if (!(error instanceof IoError && error.code === 'UNSUPPORTED')) throw error;
      this.#silentPools.add(pool);
      return undefined;
    }
  }

  #call(): Call {
    return { signal: this.#stop.signal, timeoutMs, progress: () => {} };
  }

  /** After a start: as long ago as the log has it. A clock that has jumped makes the wait no longer than the interval. */
  #lastMs(stream: StreamId<'volume'>, settings: SnapshotOnChange, { since }: Seen, nowMs: number): number {
    const { lab, ports } = this.#parts;
    const newest = lab.view.referrers(stream, 'snapshot').find(({ context }) => context.guid === since);
    if (since === undefined || !newest) return Number.NEGATIVE_INFINITY;
    return nowMs - Math.min(settings.minIntervalMs, Math.max(0, ports.clock.now() - newest.context.requestedAt));
  }

  async #ask(due: readonly Watched[], seen: ReadonlyMap<StreamId, Seen>): Promise<void> {
    const { node, lab, random, ports } = this.#parts;
    const volumes = due.flatMap(({ stream }) => {
      const { mark, since } = seen.get(stream) ?? {};
      return mark === undefined ? [] : [{ volume: stream, mark, ...(since === undefined ? {} : { since }) }];
    });
    const request = { id: random.id(), name: 'request-change-snapshots', input: { node, volumes } } as const;
    const result = await lab.run({ ...request, by: node as `node:${string}` }, this.#stop.signal);
    if ('rejected' in result) throw new Error(result.rejected.explain);
    const nowMs = ports.clock.monotonicMs();
    for (const { stream } of due) {
      const sensor = this.#sensors.get(stream);
      if (sensor) this.#sensors.set(stream, asked(sensor, nowMs));
    }
  }
}

/** In these an app may write to the dataset that the lab knows, and no other one takes its place. */
const attestedStates: ReadonlySet<string> = new Set(['ready', 'changing', 'copying', 'draining']);

function watchedOf(
  { stream, state, context }: ActorState<'volume'>,
  node: StreamId<'node'>,
  lab: LabView,
): readonly Watched[] {
  const { pool, dataset, path } = context;
  if (context.node !== node || pool === null || dataset === null || path === null) return [];
  const settings = state === 'ready' ? context.spec.snapshotOnChange : undefined;
  const isAttested = attestedStates.has(state) && replicasOf(stream, lab).some(isKept);
  return settings || isAttested ? [{ stream, of: { pool, name: dataset }, path, settings, isAttested }] : [];
}
