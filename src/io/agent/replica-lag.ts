/**
 * How much would be lost with each replica of this node, at this moment. Every few seconds it asks the nodes of their
 * volumes, once each, until when the snapshots have everything that was written; keeps that beside the replicas; and
 * shows what follows from it. When a volume's node answers no more, the loss grows with the time.
 *
 * What is kept on the disk is a while behind what is known, so that a disk can rest: a loss that is told from it is only
 * larger. What nothing at all was known of before is kept at once.
 */
import { carriedOver, heard, storedAttested, type Attested, type Known } from '#actors/replica/attested.ts';
import { attestedAtMs, lastWriteMs, possibleLossMs, type Writer } from '#actors/replica/loss.ts';
import type { ActorState } from '#actors/actor.ts';
import { defaultLeaseSettings } from '#events/lease/settings.ts';
import { idOf, type StreamId } from '#events/envelope.ts';
import type { ReplicaLagRow } from '#io/contract/live.ts';
import type { Logger } from 'pino';
import type { AttestationStore } from '../devices/attestations/port.ts';
import type { BootTime } from '../devices/boot-time/port.ts';
import { sleep, type Clock } from '../devices/clock/port.ts';
import type { RunningLab } from '../lab/running.ts';
import type { Attestation } from './attester.ts';
import type { ReplicaSource } from './replica-source.ts';

const askEveryMs = 5000;
const saveEveryMs = 30_000;

export interface ReplicaLagParts {
  readonly node: StreamId<'node'>;
  readonly lab: Pick<RunningLab, 'view' | 'observedRows'>;
  readonly sources: Pick<ReplicaSource, 'attested'>;
  readonly store: AttestationStore;
  readonly boot: Boot;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Of the machine. */
export interface Boot {
  /** Another one with each boot. */
  readonly id: string;
  readonly time: BootTime;
}

type Replica = ActorState<'replica'>;

export class ReplicaLag {
  readonly #parts: ReplicaLagParts;
  readonly #stop = new AbortController();
  #attested: Attested = new Map();
  /** What was said last to have been written since the snapshot that a replica holds. */
  readonly #bytes = new Map<string, { readonly guid: string; readonly bytes: number | undefined }>();
  #savedAtMs = Number.NEGATIVE_INFINITY;
  readonly #shown = new Set<StreamId<'replica'>>();
  #running: Promise<void> = Promise.resolve();

  constructor(parts: ReplicaLagParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    for (const stream of this.#shown) this.#parts.lab.observedRows.delete('replica-lag', stream);
    await this.#save().catch((error: unknown) => this.#unkept(error));
  }

  async #run(): Promise<void> {
    const { store, clock } = this.#parts;
    const { signal } = this.#stop;
    this.#attested = carriedOver(await store.read(), { ...this.#now(), logAt: this.#parts.lab.view.at });
    while (!signal.aborted) {
      try {
        await this.look();
      } catch (error) {
        if (!signal.aborted) this.#parts.log.warn({ error: String(error) }, 'how much replicas may lack is not known');
      }
      await sleep(clock, askEveryMs, signal);
    }
  }

  /** Asks once, and shows what follows. */
  async look(): Promise<void> {
    const replicas = this.#parts.lab.view
      .referrers(this.#parts.node, 'replica')
      .filter(({ state }) => state !== 'removing');
    const answers = await this.#ask(replicas);
    if (this.#stop.signal.aborted) return;
    const before = this.#attested;
    this.#attested = new Map(replicas.map((replica) => [idOf(replica.stream), this.#learn(replica, answers)]));
    for (const replica of replicas) this.#show(replica);
    const there = new Set(replicas.map(({ stream }) => stream));
    for (const stream of this.#shown) {
      if (there.has(stream)) continue;
      this.#shown.delete(stream);
      this.#bytes.delete(idOf(stream));
      this.#parts.lab.observedRows.delete('replica-lag', stream);
    }
    if (!isNew(before, this.#attested) && this.#parts.boot.time.nowMs() - this.#savedAtMs < saveEveryMs) return;
    await this.#save().catch((error: unknown) => this.#unkept(error));
  }

  /** By replica, what was said of it, and when that was asked for. A node that does not answer has said nothing. */
  async #ask(
    replicas: readonly Replica[],
  ): Promise<ReadonlyMap<string, { readonly askedAtMs: number; readonly said: readonly Attestation[] }>> {
    const { node: by, lab, sources, boot, log } = this.#parts;
    const byNode = new Map<StreamId<'node'>, string[]>();
    for (const { stream, context } of replicas) {
      const node = lab.view.get(context.volume)?.context.node ?? null;
      if (node === null) continue;
      byNode.set(node, [...(byNode.get(node) ?? []), idOf(stream)]);
    }
    const answers = new Map<string, { readonly askedAtMs: number; readonly said: readonly Attestation[] }>();
    await Promise.all(
      [...byNode].map(async ([node, ids]) => {
        const askedAtMs = boot.time.nowMs();
        try {
          const found = await sources.attested({ node, replicas: ids, by }, this.#stop.signal);
          for (const [id, said] of found) answers.set(id, { askedAtMs, said });
        } catch (error) {
          if (!this.#stop.signal.aborted) log.debug({ node, error: String(error) }, 'nobody says what was written');
        }
      }),
    );
    return answers;
  }

  #learn(
    { stream, state, context: { cursor, sync, unsaid } }: Replica,
    answers: ReadonlyMap<string, { readonly askedAtMs: number; readonly said: readonly Attestation[] }>,
  ): Known {
    const id = idOf(stream);
    const known = this.#attested.get(id);
    const { askedAtMs, said } = answers.get(id) ?? { askedAtMs: 0, said: [] };
    const news = new Map(said.map(({ guid, ageMs }) => [guid, attestedAtMs({ askedAtMs, ageMs })]));
    const about = said.find(({ guid }) => guid === cursor?.guid);
    if (about) this.#bytes.set(id, { guid: about.guid, bytes: about.bytes });
    const keep = new Set([...(cursor ? [cursor.guid] : []), ...(sync ? [sync.to.guid] : []), ...unsaid]);
    // The newest one of the volume is told as well: it is what comes next. Without an answer all that is known stays.
    const until = said.length === 0 ? (known?.until ?? new Map<string, number>()) : heard(known?.until, news, keep);
    // Of a volume that is lost somebody has said that its node writes no more.
    const endedMs = state === 'orphaned' ? (known?.endedMs ?? this.#parts.boot.time.nowMs()) : undefined;
    return { until, endedMs };
  }

  #show({ stream, context: { cursor } }: Replica): void {
    const { lab, boot, clock } = this.#parts;
    const known = this.#attested.get(idOf(stream));
    const [nowMs, at] = [boot.time.nowMs(), clock.now()];
    const writer: Writer = known?.endedMs === undefined ? { is: 'unbound' } : { is: 'fenced', atMs: known.endedMs };
    const lastWrite = lastWriteMs(writer, nowMs, defaultLeaseSettings);
    const lossMs = possibleLossMs(cursor ? known?.until.get(cursor.guid) : undefined, lastWrite, defaultLeaseSettings);
    const estimate = this.#bytes.get(idOf(stream));
    const bytes = cursor && estimate?.guid === cursor.guid ? estimate.bytes : undefined;
    this.#shown.add(stream);
    lab.observedRows.put('replica-lag', stream, {
      at,
      snapshot: cursor?.guid ?? null,
      ...(Number.isFinite(lossMs) ? { lossMs: Math.ceil(lossMs) } : {}),
      ...(bytes === undefined ? {} : { bytes }),
    } satisfies ReplicaLagRow);
  }

  async #save(): Promise<void> {
    this.#savedAtMs = this.#parts.boot.time.nowMs();
    await this.#parts.store.write(storedAttested(this.#attested, this.#now()));
  }

  #unkept(error: unknown): void {
    this.#parts.log.warn({ error: String(error) }, 'how much replicas may lack could not be kept');
  }

  #now(): { readonly boot: string; readonly bootMs: number; readonly wallMs: number } {
    const { boot, clock } = this.#parts;
    return { boot: boot.id, bootMs: boot.time.nowMs(), wallMs: clock.now() };
  }
}

/** Whether something is known now of which nothing was. */
const isNew = (before: Attested, now: Attested): boolean =>
  [...now].some(([id, { until, endedMs }]) => {
    const known = before.get(id);
    if ((known?.endedMs === undefined) !== (endedMs === undefined)) return true;
    return [...until.keys()].some((guid) => known?.until.has(guid) !== true);
  });
