/** The other nodes of a lab, in memory: calls and flows fail where links are cut. */
import {
  gathered,
  type Answer,
  type BytesOffer,
  type Duplex,
  type DuplexOffer,
  type Offer,
  type Others,
} from '#io/lab/others.ts';

/** Calls between nodes, in memory: they fail where the group's links are cut. */
export class MemoryOthers implements Others {
  readonly self: string;
  readonly #network: Map<string, MemoryOthers>;
  readonly #isCut: (from: string, to: string) => boolean;
  readonly #answers = new Map<string, Answer>();
  readonly #offers = new Map<string, Offer>();
  readonly #duplexes = new Map<string, DuplexOffer>();
  readonly #listeners = new Set<(node: string, isUp: boolean) => void>();
  /** Aborted once this node has died: whoever waits for it hears so at once, as from a connection that has ended. */
  readonly #gone = new AbortController();
  /** Of answers: the next one is lost on its way back. */
  losesNextAnswer = false;

  constructor(self: string, network: Map<string, MemoryOthers>, isCut: (from: string, to: string) => boolean) {
    this.self = self;
    this.#network = network;
    this.#isCut = isCut;
    network.set(self, this);
  }

  get reachable(): readonly string[] {
    return [...this.#network.keys()].filter((node) => node !== this.self && !this.#isCut(this.self, node));
  }

  async ask(node: string, method: string, said: unknown, signal: AbortSignal): Promise<unknown> {
    const other = this.#network.get(node);
    if (!other || this.#isCut(this.self, node)) throw problem('NO_LINK');
    const answer = other.#answers.get(method);
    if (!answer) throw problem('UNKNOWN_METHOD');
    const asking = answer(JSON.parse(JSON.stringify(said)), this.self, this.#alive(signal)).catch(asOverLinks);
    const answered = await unless(this.#eitherGone(other), asking);
    if (this.losesNextAnswer || this.#isCut(node, this.self)) {
      this.losesNextAnswer = false;
      throw problem('LINK_LOST');
    }
    return JSON.parse(JSON.stringify(answered)) as unknown;
  }

  answer(method: string, answer: Answer): void {
    this.#answers.set(method, answer);
  }

  async *read(node: string, name: string, params: unknown, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const other = this.#network.get(node);
    if (!other || this.#isCut(this.self, node)) throw problem('NO_LINK');
    const offer = other.#offers.get(name);
    if (!offer) throw problem('UNKNOWN_STREAM');
    const gone = this.#eitherGone(other);
    const pieces = offer(JSON.parse(JSON.stringify(params)), this.self, this.#alive(signal))[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await unless(gone, pieces.next());
        if (next.done === true) return;
        if (this.#isCut(node, this.self) || this.#network.get(node) !== other) throw problem('LINK_LOST');
        yield next.value;
      }
    } catch (error) {
      asOverLinks(error);
    } finally {
      // One that is dead does not answer.
      pieces.return?.().catch(() => undefined);
    }
  }

  readonly #alive = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, this.#gone.signal]);

  readonly #eitherGone = (other: MemoryOthers): AbortSignal => AbortSignal.any([this.#gone.signal, other.#gone.signal]);

  offer(name: string, offer: Offer): void {
    this.#offers.set(name, offer);
  }

  async readBytes(
    node: string,
    name: string,
    params: unknown,
    { signal, maxBytes }: { readonly signal: AbortSignal; readonly maxBytes: number },
  ): Promise<Uint8Array> {
    return gathered(this.read(node, name, params, signal), maxBytes);
  }

  offerBytes(name: string, offer: BytesOffer): void {
    this.offer(name, async function* (params, from, signal) {
      yield await offer(params, from, signal);
    });
  }

  async duplex(node: string, name: string, params: unknown, signal: AbortSignal): Promise<Duplex> {
    const other = this.#network.get(node);
    if (!other || this.#isCut(this.self, node)) throw problem('NO_LINK');
    const offer = other.#duplexes.get(name);
    if (!offer) throw problem('UNKNOWN_STREAM');
    const [there, back] = [new Flow(), new Flow()];
    const close = (): void => {
      there.close();
      back.close();
    };
    const end = (mine: Flow, theirs: Flow): Duplex => ({
      write: async (bytes) => mine.write(bytes),
      end: async () => mine.end(),
      read: () => theirs.read(),
      close,
    });
    offer(end(back, there), params, this.self, signal).then(
      () => back.end(),
      (error: unknown) => {
        there.close();
        back.fail(overLinks(error));
      },
    );
    return end(there, back);
  }

  offerDuplex(name: string, offer: DuplexOffer): void {
    this.#duplexes.set(name, offer);
  }

  /** What this node offers comes to others as `change` makes it. */
  tamper(name: string, change: (pieces: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>): void {
    const offer = this.#offers.get(name);
    if (offer) this.#offers.set(name, (params, from, signal) => change(offer(params, from, signal)));
  }

  /** What it answers, too. */
  tamperAnswer(method: string, change: (answered: unknown) => unknown): void {
    const answer = this.#answers.get(method);
    if (answer) this.#answers.set(method, async (said, from, signal) => change(await answer(said, from, signal)));
  }

  onChange(listener: (node: string, isUp: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  goes(): void {
    this.#network.delete(this.self);
    this.#gone.abort();
    for (const other of this.#network.values()) for (const listener of other.#listeners) listener(this.self, false);
  }
}

/** @throws LINK_LOST as soon as one of the two ends is gone */
async function unless<T>(gone: AbortSignal, waiting: Promise<T>): Promise<T> {
  let lose = (): void => undefined;
  const lost = new Promise<never>((_, reject) => (lose = () => reject(problem('LINK_LOST'))));
  waiting.catch(() => undefined);
  if (gone.aborted) lose();
  gone.addEventListener('abort', lose, { once: true });
  try {
    return await Promise.race([waiting, lost]);
  } finally {
    gone.removeEventListener('abort', lose);
  }
}

/** Pieces in one direction. */
class Flow {
  readonly #pieces: Uint8Array[] = [];
  #state: 'open' | 'ended' | 'closed' = 'open';
  #why: Error | undefined;
  #wake: () => void = () => {};

  write(bytes: Uint8Array): void {
    if (this.#state !== 'open') throw problem('CLOSED');
    this.#pieces.push(bytes.slice());
    this.#wake();
  }

  end(): void {
    if (this.#state === 'open') this.#state = 'ended';
    this.#wake();
  }

  close(): void {
    this.#state = 'closed';
    this.#wake();
  }

  /** Whoever reads is told why. */
  fail(why: Error): void {
    this.#why ??= why;
    this.close();
  }

  async *read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece) yield piece;
      else if (this.#state === 'ended') return;
      else if (this.#state === 'closed') throw this.#why ?? problem('CLOSED');
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

/** Of an error at another node its code comes over, what it says, and what to do. */
function overLinks(error: unknown): Error {
  const { code, message, hint } = error as { code?: unknown; message?: string; hint?: unknown };
  const known = typeof code === 'string' ? code : 'FAILED';
  return Object.assign(new Error(message), { code: known, ...(typeof hint === 'string' ? { hint } : {}) });
}

function asOverLinks(error: unknown): never {
  throw overLinks(error);
}

const problem = (code: string): Error => Object.assign(new Error(code), { code });
