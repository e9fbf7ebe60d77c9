/**
 * Fetches the sealed segments that are missing here, from any members that have them.
 *
 *   for each segment, newest first
 *     from one source after another, those that served before first
 *       pieces ─▶ each entry checked ─▶ all there ─▶ hash as in the manifest ─▶ it counts
 *
 * A source that fails, stalls or is slow is left, and the next one goes on where it stopped. One that sends what cannot
 * be is not asked again. Where several sent parts and the whole is wrong nobody knows whose fault it was: it is thrown
 * away, and fetched from one source alone. What has come survives a crash. In memory there is one piece, and one entry.
 */
import { sleep, type Clock } from '../../../devices/clock/port.ts';
import type { History } from './history.ts';
import type { SegmentReceiver } from './segment-receiver.ts';
import type { SegmentInfo } from './segment.ts';
import type { SegmentSource } from './source.ts';

export interface FetchOptions {
  readonly clock: Clock;
  /** Ends it early. */
  readonly signal: AbortSignal;
  /** A source that sends nothing for so long is left. Default 10 s. */
  readonly idleMs?: number;
  /** A source that takes longer than this for one segment is left. Default 60 s: less than 100 KB/s. */
  readonly segmentMs?: number;
  readonly progress?: (progress: FetchProgress) => void;
}

export interface FetchProgress {
  readonly source: string;
  readonly segments: { readonly done: number; readonly total: number };
  readonly bytes: { readonly done: number; readonly total: number };
}

export interface FetchReport {
  /** Segments. */
  readonly fetched: number;
  readonly missing: number;
  readonly complaints: readonly { readonly source: string; readonly explain: string }[];
}

/** Of a piece; a source that sends larger ones does not keep to the port. */
const maxPieceBytes = 1024 * 1024;

/**
 * Asks every source once for every missing segment; call it again, after a while, if something is still missing. One call
 * at a time. @throws StoreError FAILED for this member's own disk, LogError TOO_NEW
 */
export async function fetchMissing(
  history: History,
  sources: readonly SegmentSource[],
  options: FetchOptions,
): Promise<FetchReport> {
  return new Fetch(history, options).run(sources);
}

interface Peer {
  readonly source: SegmentSource;
  /** Hashes of what it has. */
  readonly has: ReadonlySet<string>;
}

type Outcome =
  | 'whole'
  /** Not from this source, not now. */
  | 'failed'
  /** It sent what cannot be. */
  | 'lied'
  /** Parts of several sources make no whole. */
  | 'mixed';

class Fetch {
  readonly #history: History;
  readonly #options: FetchOptions;
  readonly #complaints: { readonly source: string; readonly explain: string }[] = [];
  readonly #wanted: readonly SegmentInfo[];
  /** Best first. */
  #peers: Peer[] = [];
  #fetched = 0;
  #fetchedBytes = 0;

  constructor(history: History, options: FetchOptions) {
    this.#history = history;
    this.#options = options;
    this.#wanted = history.missing().toReversed();
  }

  async run(sources: readonly SegmentSource[]): Promise<FetchReport> {
    if (this.#wanted.length > 0) {
      const peers = await Promise.all(sources.map((source) => this.#ask(source)));
      this.#peers = peers.filter((peer) => peer !== undefined);
    }
    for (const segment of this.#wanted) await this.#fetch(segment);
    const missing = this.#history.missing().length;
    return { fetched: this.#fetched, missing, complaints: this.#complaints };
  }

  async #ask(source: SegmentSource): Promise<Peer | undefined> {
    const has = await this.#within(
      this.#idleMs,
      async () => new Set((await source.list()).map(({ sha256 }) => sha256)),
    );
    if ('problem' in has) return this.#complain(source, `It did not say what it has: ${has.problem}.`);
    return { source, has: has.value };
  }

  async #fetch(segment: SegmentInfo): Promise<void> {
    for (const peer of this.#peers.filter(({ has }) => has.has(segment.sha256))) {
      if (this.#options.signal.aborted) return;
      let outcome = await this.#attempt(peer.source, segment);
      if (outcome === 'mixed') outcome = await this.#attempt(peer.source, segment);
      const others = this.#peers.filter((other) => other !== peer);
      if (outcome === 'whole') {
        this.#peers = [peer, ...others];
        this.#fetched++;
        this.#fetchedBytes += segment.sizeBytes;
        return this.#report(peer.source, 0);
      }
      this.#peers = outcome === 'lied' ? others : [...others, peer];
    }
  }

  async #attempt(source: SegmentSource, segment: SegmentInfo): Promise<Outcome> {
    const receiver = await this.#history.receive(segment);
    if (!receiver) return 'whole';
    const isBegun = receiver.offset > 0;
    const outcome = await this.#receive(source, segment, receiver);
    if (outcome !== 'whole') return outcome;
    const problem = await receiver.finish();
    if (!problem) return 'whole';
    if (isBegun) return 'mixed';
    this.#complainOf(source, segment, `at byte ${problem.offset}: ${problem.explain}`);
    return 'lied';
  }

  /** @returns `whole` when all bytes have come */
  async #receive(source: SegmentSource, segment: SegmentInfo, receiver: SegmentReceiver): Promise<Outcome> {
    const { clock } = this.#options;
    const until = clock.monotonicMs() + (this.#options.segmentMs ?? 60_000);
    const pieces = piecesOf(source, segment, receiver.offset);
    try {
      while (receiver.offset < segment.sizeBytes) {
        const next = await this.#within(Math.min(this.#idleMs, until - clock.monotonicMs()), () => pieces.next());
        if ('problem' in next) return this.#failed(source, segment, next.problem);
        if (next.value.done) return this.#failed(source, segment, `it ended at byte ${receiver.offset}`);
        const bytes = next.value.value;
        const problem = bytes.length > maxPieceBytes ? tooMuch(bytes) : await receiver.take(bytes);
        if (problem) {
          this.#complainOf(source, segment, `at byte ${problem.offset}: ${problem.explain}`);
          return 'lied';
        }
        this.#report(source, receiver.offset);
      }
      return 'whole';
    } finally {
      // A source that hangs is not waited for.
      pieces.return().catch(() => undefined);
    }
  }

  get #idleMs(): number {
    return this.#options.idleMs ?? 10_000;
  }

  /** What another member does may fail in any way, or never end. */
  async #within<T>(ms: number, call: () => Promise<T>): Promise<{ readonly value: T } | { readonly problem: string }> {
    const { clock, signal } = this.#options;
    const over = new AbortController();
    const limit = async (): Promise<{ readonly problem: string }> => {
      await sleep(clock, ms, AbortSignal.any([signal, over.signal]));
      return { problem: signal.aborted ? 'it is no longer wanted' : 'it took too long' };
    };
    const answer = async (): Promise<{ readonly value: T } | { readonly problem: string }> => {
      try {
        return { value: await call() };
      } catch (error) {
        return { problem: error instanceof Error ? error.message : String(error) };
      }
    };
    try {
      return await Promise.race([answer(), limit()]);
    } finally {
      over.abort();
    }
  }

  #report(source: SegmentSource, arrivedBytes: number): void {
    this.#options.progress?.({
      source: source.name,
      segments: { done: this.#fetched, total: this.#wanted.length },
      bytes: {
        done: this.#fetchedBytes + arrivedBytes,
        total: this.#wanted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      },
    });
  }

  #failed(source: SegmentSource, segment: SegmentInfo, problem: string): 'failed' {
    this.#complainOf(source, segment, problem);
    return 'failed';
  }

  #complainOf(source: SegmentSource, { first, last }: SegmentInfo, problem: string): void {
    this.#complain(source, `The segment with entries ${first} to ${last} did not come: ${problem}.`);
  }

  #complain(source: SegmentSource, explain: string): undefined {
    this.#complaints.push({ source: source.name, explain });
  }
}

/** Whatever the source does, it does when it is asked for the next piece. */
async function* piecesOf(
  source: SegmentSource,
  segment: SegmentInfo,
  from: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* source.read(segment, from);
}

const tooMuch = ({ length }: Uint8Array) => ({ offset: 0, explain: `a piece of ${length} bytes` });
