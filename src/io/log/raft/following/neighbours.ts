/** The other nodes, as far as following needs them: `io/lab/others.ts` is this, over links or in memory. */
export interface Neighbours {
  /** @throws with a code */
  ask(node: string, method: string, said: unknown, signal: AbortSignal): Promise<unknown>;
  answer(method: string, answer: (said: unknown, from: string, signal: AbortSignal) => Promise<unknown>): void;
  /** Bytes that a node offers, with backpressure. Leaving early ends it. @throws with a code */
  read(node: string, name: string, params: unknown, signal: AbortSignal): AsyncIterable<Uint8Array>;
  offer(name: string, offer: (params: unknown, from: string, signal: AbortSignal) => AsyncIterable<Uint8Array>): void;
  /** Nodes that can be asked at this moment. */
  readonly reachable: readonly string[];
}

/** What nodes ask one another for; the first four are methods, the others flows of bytes. */
export const asks = {
  /** How a node sees the group: `sight.ts`. */
  sight: 'log/sight',
  /** The entry up to which a reader has to have applied all, so that it reads nothing stale. */
  read: 'log/read',
  /** What the history of the group has at an entry, as its leader knows it. */
  position: 'log/position',
  /** Entries as they come: `frames.ts`. */
  follow: 'log/follow',
  /** The history as of its last entry: `../history/head.ts`. */
  head: 'log/head',
} as const;

export const codeOf = (error: unknown): string => String((error as { readonly code?: unknown } | undefined)?.code);

export const coded = (code: string, message: string): Error => Object.assign(new Error(message), { code });
