/**
 * An ordered store of bytes with atomic batches: LevelDB (`level.ts`), or the simulated disk (`sim.ts`).
 *
 * Laws, held by `test/contracts/store.ts`: keys are ordered bytewise; a batch is applied whole or not at all, also
 * across a crash; batches take effect in the order of the calls; a batch with `sync` is durable when its promise
 * resolves; a batch without survives the crash of the process, and may be lost when the power fails, even if a later
 * batch with `sync` survives (LevelDB syncs the file that it is writing, not the one before). An empty batch does
 * nothing, also with `sync`. Any error of a write means that the state of the disk is unknown: the caller ends the
 * process.
 */
export type Op = { readonly put: Uint8Array; readonly value: Uint8Array } | { readonly del: Uint8Array };

export interface Range {
  readonly gte?: Uint8Array;
  readonly lt?: Uint8Array;
  readonly reverse?: boolean;
  readonly limit?: number;
}

export interface Store {
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** In slices of up to about a thousand entries, so that a long scan costs few turns of the event loop. */
  range(range: Range): AsyncIterable<readonly (readonly [key: Uint8Array, value: Uint8Array])[]>;
  batch(ops: readonly Op[], options: { readonly sync: boolean }): Promise<void>;
  /** Deletes a range of keys, without sync. */
  clear(range: Range): Promise<void>;
  close(): Promise<void>;
}

/** A store could not be opened or read: who holds it, or what is damaged, and what to do. */
export class StoreError extends Error {
  readonly code: 'LOCKED' | 'DAMAGED' | 'MISSING' | 'FAILED';
  readonly hint: string;
  constructor(code: StoreError['code'], message: string, hint: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StoreError';
    this.code = code;
    this.hint = hint;
  }
}
