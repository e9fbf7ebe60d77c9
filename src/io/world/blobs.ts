/**
 * The blob store of a simulated lab: a disk that takes its time. What is being written when the daemon dies is there
 * afterwards, or is not; what was answered is there.
 */
import { sleep, type Clock } from '../devices/clock/port.ts';
import type { SeededRandom } from '../devices/random/sim.ts';
import { memoryBlobs, type BlobRef, type BlobStore } from '../stores/blobs.ts';

export interface SimBlobsOptions {
  readonly clock: Clock;
  readonly random: SeededRandom;
  /** Of each write and read, on average; one takes 0.5 to 1.5 times as long. */
  readonly latencyMs: number;
}

export class SimBlobs implements BlobStore {
  readonly #options: SimBlobsOptions;
  readonly #blobs = memoryBlobs();
  readonly #refs = new Set<BlobRef>();
  /** Of the process that writes. */
  #life = 0;

  constructor(options: SimBlobsOptions) {
    this.#options = options;
  }

  /** Without waiting: for whoever judges the world from outside. */
  get refs(): ReadonlySet<BlobRef> {
    return this.#refs;
  }

  /** Ends the process that uses the store. */
  crash(): void {
    this.#life++;
  }

  address(bytes: Uint8Array): BlobRef {
    return this.#blobs.address(bytes);
  }

  async put(bytes: Uint8Array): Promise<BlobRef> {
    const life = this.#life;
    await this.#arrive();
    if (life !== this.#life && this.#options.random.chance(0.5)) return this.#blobs.address(bytes);
    const ref = await this.#blobs.put(bytes);
    this.#refs.add(ref);
    return ref;
  }

  async get(ref: BlobRef): Promise<Uint8Array> {
    await this.#arrive();
    return this.#blobs.get(ref);
  }

  async list(): Promise<readonly BlobRef[]> {
    await this.#arrive();
    return this.#blobs.list();
  }

  async has(ref: BlobRef): Promise<boolean> {
    await this.#arrive();
    return this.#blobs.has(ref);
  }

  #arrive(): Promise<void> {
    const { clock, random, latencyMs } = this.#options;
    return sleep(clock, latencyMs * (0.5 + random.next()));
  }
}
