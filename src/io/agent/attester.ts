/**
 * What the node of a volume attests to those of its replicas: until when a snapshot has everything that was written, and
 * about how much came since. It is asked, and never tells by itself; nothing of it is in the log. After a start it knows
 * nothing: what it attested before is with the replicas.
 */
import { replicasOf, neededOf } from '#actors/replica/known.ts';
import { attest, notAttesting, type Attesting, type Moment, type Shown } from '#actors/sensors/attesting.ts';
import type { StreamId } from '#events/envelope.ts';
import type { BootTime } from '../devices/boot-time/port.ts';
import type { Call } from '../devices/call.ts';
import type { Dataset, VolumePort } from '../devices/volumes/port.ts';
import type { RunningLab } from '../lab/running.ts';

/** As of the answer. */
export interface Attestation {
  /** Of a snapshot. */
  readonly guid: string;
  /** So long ago it had everything. */
  readonly ageMs: number;
  /** About so many bytes were written since the snapshot; undefined: unknown. */
  readonly bytes?: number;
}

export interface AttesterParts {
  readonly lab: Pick<RunningLab, 'view' | 'index' | 'readIndex'>;
  readonly bootTime: BootTime;
  readonly volumes: Pick<VolumePort, 'writtenSince'>;
}

/** An estimate costs a command: it is good for a while, and a look makes but a few of them. */
const measureEveryMs = 30_000;
const mostMeasured = 4;

interface Of {
  readonly of: Dataset;
  readonly attesting: Attesting;
  readonly shown: Shown;
  /** By guid. */
  readonly measured: Map<string, { readonly bytes: number | undefined; readonly atMs: number }>;
}

export class Attester {
  readonly #parts: AttesterParts;
  readonly #volumes = new Map<StreamId, Of>();
  readonly #stop = new AbortController();
  /** From this index on the history is all that this node has ever acted on; undefined: not known yet. */
  #wholeFrom: number | undefined;
  #asking: Promise<void> | undefined;

  constructor(parts: AttesterParts) {
    this.#parts = parts;
  }

  stop(): void {
    this.#stop.abort();
    this.#volumes.clear();
  }

  /** Before a look. */
  moment(): Moment {
    const { bootTime, lab } = this.#parts;
    this.#becomeWhole();
    return { atMs: bootTime.nowMs(), index: lab.index };
  }

  /** @param moment before the look @param shown what it found */
  looked(stream: StreamId<'volume'>, of: Dataset, moment: Moment, shown: Shown): void {
    if (this.#wholeFrom === undefined || moment.index < this.#wholeFrom) return;
    const { view } = this.#parts.lab;
    const known = this.#volumes.get(stream);
    const before = known && isSame(known.of, of) ? known : undefined;
    const needed = new Set(Object.values(neededOf(stream, view)).flat());
    const snapshots = view
      .referrers(stream, 'snapshot')
      .flatMap(({ context: { guid, sequence } }) => (guid === null ? [] : [{ guid, sequence }]));
    const attesting = attest(before?.attesting ?? notAttesting, moment, shown, snapshots, needed);
    this.#volumes.set(stream, { of, attesting, shown, measured: before?.measured ?? new Map() });
  }

  /** All but these. */
  forget(watched: ReadonlySet<StreamId>): void {
    for (const stream of this.#volumes.keys()) if (!watched.has(stream)) this.#volumes.delete(stream);
  }

  /** What is known of a volume, for its replicas. */
  of(volume: StreamId<'volume'>): readonly Attestation[] {
    const known = this.#volumes.get(volume);
    if (!known) return [];
    const nowMs = this.#parts.bootTime.nowMs();
    return [...known.attesting.until].map(([guid, atMs]) => {
      const bytes = this.#bytesOf(known, guid);
      return { guid, ageMs: Math.max(0, nowMs - atMs), ...(bytes === undefined ? {} : { bytes }) };
    });
  }

  /** Estimates how much was written since what the replicas hold, of those for which that was longest ago. Never rejects. */
  async measure(call: Call): Promise<void> {
    const { lab, bootTime, volumes } = this.#parts;
    const nowMs = bootTime.nowMs();
    const wanted = [...this.#volumes].flatMap(([stream, known]) => {
      const held = new Set(
        replicasOf(stream as StreamId<'volume'>, lab.view).flatMap(({ context: { cursor } }) => cursor?.guid ?? []),
      );
      for (const guid of known.measured.keys()) if (!held.has(guid)) known.measured.delete(guid);
      return [...held].flatMap((guid) => {
        const atMs = known.measured.get(guid)?.atMs ?? Number.NEGATIVE_INFINITY;
        const isDue = nowMs - atMs >= measureEveryMs && !isUnchanged(known, guid);
        return isDue ? [{ stream, known, guid, atMs }] : [];
      });
    });
    for (const { stream, known, guid } of wanted.toSorted((a, b) => a.atMs - b.atMs).slice(0, mostMeasured)) {
      const snapshot = lab.view.referrers(stream, 'snapshot').find(({ context }) => context.guid === guid);
      const name = snapshot?.context.metadata.name;
      // One that cannot be measured now is unknown until the next time.
      const bytes =
        name === undefined ? undefined : await volumes.writtenSince(known.of, name, call).catch(() => undefined);
      known.measured.set(guid, { bytes, atMs: nowMs });
    }
  }

  #bytesOf(known: Of, guid: string): number | undefined {
    return isUnchanged(known, guid) ? 0 : known.measured.get(guid)?.bytes;
  }

  /**
   * That a snapshot was asked for after a look is told by what was folded until then. A daemon that has just started may
   * have folded less than the one before it, which took snapshots that this one does not know of yet: so it attests
   * nothing before it knows everything that was decided until its start.
   */
  #becomeWhole(): void {
    if (this.#wholeFrom !== undefined || this.#asking) return;
    this.#asking = this.#parts.lab.readIndex(this.#stop.signal).then(
      (index) => {
        this.#wholeFrom = index;
      },
      () => {
        // Without a majority, for example: asked again at the next look.
        this.#asking = undefined;
      },
    );
  }
}

const isSame = (a: Dataset, b: Dataset): boolean => a.pool === b.pool && a.name === b.name;

/** The volume was found to be as this snapshot. */
const isUnchanged = ({ shown }: Of, guid: string): boolean => shown.since === guid && !shown.changed;
