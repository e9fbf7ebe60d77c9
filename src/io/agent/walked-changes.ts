/**
 * Changes of volumes whose pool does not tell them: the files are walked now and then, and what is found is compared
 * with what a walk through the newest snapshot finds. Watches make it look sooner; the walk is what counts.
 */
import type { Moment } from '#actors/sensors/attesting.ts';
import type { Seen } from '#actors/sensors/change-snapshotter.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Call } from '../devices/call.ts';
import type { Dataset, SnapInfo } from '../devices/volumes/port.ts';
import type { Ports } from './worker.ts';

/** So often without a sign, */
const walkEveryMs = 60_000;
/** and never more than this part of the time. */
const walkShare = 1 / 20;

interface Walk {
  readonly seen: Seen;
  readonly moment: Moment;
  readonly endedMs: number;
  readonly tookMs: number;
  /** Something was done there since. */
  isTouched: boolean;
  stopWatching(): void;
}

export class WalkedChanges {
  readonly #ports: Pick<Ports, 'volumes' | 'marks' | 'clock'>;
  readonly #walks = new Map<StreamId, Walk>();
  /** Of the newest snapshot of each: what is in it never changes. */
  readonly #bases = new Map<StreamId, { readonly guid: string; readonly mark: string }>();

  constructor(ports: Pick<Ports, 'volumes' | 'marks' | 'clock'>) {
    this.#ports = ports;
  }

  /** All but these. */
  forget(wanted: ReadonlySet<StreamId>): void {
    for (const [stream, { stopWatching }] of this.#walks) {
      if (wanted.has(stream)) continue;
      stopWatching();
      this.#walks.delete(stream);
      this.#bases.delete(stream);
    }
  }

  /**
   * As the last walk found it, or a new one when it is time.
   * @param now before this look @returns the moment before the walk, too @throws IoError
   */
  async look(
    { stream, of, path }: { readonly stream: StreamId; readonly of: Dataset; readonly path: string },
    now: Moment,
    call: Call,
  ): Promise<Pick<Walk, 'seen' | 'moment'>> {
    const { volumes, marks, clock } = this.#ports;
    const newest = (await volumes.snapshots(of, call)).at(-1);
    const last = this.#walks.get(stream);
    const restedMs = last ? clock.monotonicMs() - last.endedMs : Number.POSITIVE_INFINITY;
    const isSame = last !== undefined && last.seen.since === newest?.guid;
    const hasRested = last === undefined || restedMs * walkShare >= last.tookMs;
    const isTime = !isSame || (hasRested && (last.isTouched || restedMs >= walkEveryMs));
    if (last && !isTime) return last;
    const beganMs = clock.monotonicMs();
    const { mark, folders } = await marks.walk(path, call);
    const base = newest && (await this.#base(stream, of, newest, call));
    const endedMs = clock.monotonicMs();
    last?.stopWatching();
    const walk: Walk = {
      seen: { since: newest?.guid, changed: mark !== base, mark },
      moment: now,
      endedMs,
      tookMs: endedMs - beganMs,
      isTouched: false,
      stopWatching: marks.watch(folders, () => (walk.isTouched = true)),
    };
    this.#walks.set(stream, walk);
    return walk;
  }

  async #base(stream: StreamId, of: Dataset, { guid, name }: SnapInfo, call: Call): Promise<string> {
    const known = this.#bases.get(stream);
    if (known?.guid === guid) return known.mark;
    const { volumes, marks } = this.#ports;
    const { mark } = await marks.walk(await volumes.snapshotPath(of, name, call), call);
    this.#bases.set(stream, { guid, mark });
    return mark;
  }
}
