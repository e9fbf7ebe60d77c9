/** Streams that run now, in this process: what a seal ends, and what must not be removed meanwhile. */
import type { Call } from '../call.ts';
import type { Deadline } from '../volumes/deadline.ts';
import { compareEpochs } from './names.ts';
import type { Epoch } from './port.ts';

export interface Receiving {
  /** Aborted by the caller, or by a decision that ends the stream. */
  readonly signal: AbortSignal;
  end(): void;
}

interface Entry {
  readonly epoch: Epoch;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** Progress is told once for so many bytes. */
const stride = 4 * 2 ** 20;

export function runningStreams() {
  const receiving = new Map<string, Entry>();
  /** By dataset, the guids that streams are made of. */
  const sending = new Map<string, string[]>();

  return {
    receiving: (target: string): boolean => receiving.has(target),

    beginReceiving(target: string, epoch: Epoch, signal: AbortSignal): Receiving {
      const stop = new AbortController();
      let ended = (): void => undefined;
      const entry: Entry = { epoch, stop, ended: new Promise((resolve) => (ended = resolve)) };
      receiving.set(target, entry);
      return {
        signal: AbortSignal.any([signal, stop.signal]),
        end() {
          if (receiving.get(target) === entry) receiving.delete(target);
          ended();
        },
      };
    },

    /** Ends the stream for a dataset, if it is of a lower epoch than this one, and waits until it has ended. */
    async endReceiving(target: string, within: Deadline, below?: Epoch): Promise<void> {
      const entry = receiving.get(target);
      if (!entry || (below && compareEpochs(entry.epoch, below) >= 0)) return;
      entry.stop.abort();
      await within.race(entry.ended);
    },

    /** @returns to be called when it has ended */
    beginSending(target: string, guids: readonly string[]): () => void {
      const all = sending.get(target) ?? [];
      sending.set(target, all);
      all.push(...guids);
      return () => {
        for (const guid of guids) all.splice(all.indexOf(guid), 1);
        if (all.length === 0 && sending.get(target) === all) sending.delete(target);
      };
    },

    /** @param guid any of the dataset where nobody says which */
    isSent: (target: string, guid?: string): boolean => {
      const guids = sending.get(target) ?? [];
      return guid === undefined ? guids.length > 0 : guids.includes(guid);
    },
  };
}

/** @returns to be told how many bytes have come; tells the caller of the sum now and then */
export function counted({ progress }: Call, text: string, total?: number): (bytes: number) => void {
  let done = 0;
  let told = 0;
  return (bytes) => {
    done += bytes;
    if (done - told < stride) return;
    told = done;
    progress({ text, done, ...(total === undefined ? {} : { total }) });
  };
}
