/**
 * A stream that outlives its links: after a break it is opened again at the offset that was reached, and goes on. The
 * reader sees one sequence of bytes, each once. It gives up when nothing has come for so many tries, or when the source
 * says that it is not the same any more.
 */
import { backoffMs } from '../agent/backoff.ts';
import { sleep, type Clock } from '../devices/clock/port.ts';
import type { Random } from '../devices/random/port.ts';
import { problem, StreamError } from './channel.ts';
import { LinkError } from './errors.ts';
import { openStream, type Incoming, type OpenOptions } from './streams.ts';

export interface ResumeOptions extends OpenOptions {
  readonly from?: number;
  readonly clock: Clock;
  readonly random: Pick<Random, 'next'>;
  /** In a row, without a byte. Few by default: where it is to be had elsewhere, that is asked soon. */
  readonly tries?: number;
  /** Told of every break. */
  onBreak?(atByte: number, why: Error): void;
}

const patience = { baseMs: 200, maxMs: 10_000 };
/** What may be better next time. */
const passing: readonly string[] = ['LINK_LOST', 'UNREACHABLE', 'TIMED_OUT', 'BUSY', 'LOST', 'DEAD', 'STOPPING'];

/** @throws StreamError, LinkError */
export async function* resumeStream(options: ResumeOptions): AsyncGenerator<Buffer, void, undefined> {
  const { clock, random, signal, tries = 4 } = options;
  let offset = options.from ?? 0;
  let first: Incoming | undefined;
  for (let failures = 0; ;) {
    try {
      const incoming = await openStream({ ...options, from: offset });
      first ??= incoming;
      if (incoming.version !== first.version || incoming.totalBytes !== first.totalBytes) throw changed(options.name);
      for await (const chunk of incoming.chunks) {
        failures = 0;
        offset += chunk.length;
        yield chunk;
      }
      if (first.totalBytes !== undefined && offset !== first.totalBytes) throw changed(options.name);
      return;
    } catch (error) {
      if (!isPassing(error) || signal.aborted) throw error;
      failures += 1;
      options.onBreak?.(offset, error);
      if (failures >= tries) throw givenUp(options.name, offset, failures, error);
      await sleep(clock, backoffMs(patience, failures, random.next()), signal);
    }
  }
}

const isPassing = (error: unknown): error is Error =>
  (error instanceof StreamError || error instanceof LinkError) && passing.includes(error.code);

const changed = (name: string): StreamError =>
  problem('CHANGED', `the source of the stream ${name} has changed while it was read`, 'Read it again from the start.');

const givenUp = (name: string, offset: number, tries: number, cause: Error): StreamError =>
  new StreamError(
    {
      code: 'LINK_LOST',
      message: `the stream ${name} broke at byte ${offset}, and ${tries} tries in a row brought no more: ${cause.message}`,
      hint: 'Look at the network between the two nodes, and start it again.',
    },
    cause,
  );
