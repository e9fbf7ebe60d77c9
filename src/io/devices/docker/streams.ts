/** The answers of an engine that are read bit by bit: progress, logs, events. */
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { engineEvent, watchedActions } from './engine-event.ts';
import { engineError, fromDockerode } from './errors.ts';
import { frames, unframed } from './frames.ts';
import { jsonLines } from './json-lines.ts';
import { LastWords } from './last-words.ts';
import { linewise, logLines, type StampedLine } from './log-lines.ts';
import { checkedName } from './names.ts';
import type { EngineEvent, LogLine, LogOptions } from './port.ts';
import { chunksOf, openStream } from './socket.ts';
import type { About } from './within.ts';

/** Reads what the engine reports until it is done. It answers 200 first, and a failure later is one of the messages. */
export async function finish(
  stream: Readable,
  signal: AbortSignal,
  about: About,
  report: (message: object) => void,
): Promise<void> {
  for await (const message of jsonLines(chunksOf(stream, signal))) {
    const { error, errorDetail } = message as { error?: string; errorDetail?: { message?: string } };
    const failure = errorDetail?.message ?? error;
    if (failure !== undefined) throw engineError(about, { status: 500, errno: undefined, message: failure });
    report(message as object);
  }
}

/**
 * Lines, then, of a log that was followed, the last words that the engine left out.
 * @param nowMs the time of the call
 */
export async function* readLogs(
  docker: Docker,
  nowMs: number,
  id: string,
  { follow, tail, sinceMs, caughtUp }: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<LogLine, void> {
  try {
    if (signal.aborted) return;
    const { Config } = await docker.getContainer(checkedName(id)).inspect({ abortSignal: signal });
    const all = {
      stdout: '1',
      stderr: '1',
      timestamps: '1',
      follow: '0',
      tail: tail === undefined ? 'all' : `${tail}`,
    };
    const asked = sinceMs === undefined ? all : { ...all, since: seconds(nanoseconds(sinceMs)) };
    const read = async function* (query: Readonly<Record<string, string>>): AsyncGenerator<StampedLine, void> {
      const chunks = chunksOf(await openStream(docker, { path: `/containers/${id}/logs`, query, signal }), signal);
      for await (const line of logLines(Config.Tty ? linewise(unframed(chunks)) : frames(chunks))) {
        // Lines of the same chunk may be left over.
        if (signal.aborted) return;
        yield line;
      }
    };
    if (!follow) {
      for await (const line of read(asked)) yield plain(line);
      return;
    }
    // Nothing in the stream tells what was there from what comes: the newest line of before it was opened does.
    let isBehind = caughtUp !== undefined;
    const newest = isBehind && tail !== 0 ? await lastOf(read({ ...asked, tail: '1' })) : undefined;
    const atLast = (): void => {
      isBehind = false;
      caughtUp?.();
    };
    if (isBehind && !newest) atLast();
    const lastWords = new LastWords();
    for await (const line of read({ ...asked, follow: '1' })) {
      if (lastWords.tell(line)) yield plain(line);
      if (isBehind && newest && line.stamp >= newest.stamp) atLast();
    }
    if (signal.aborted) return;
    for (const half of lastWords.settledHalves()) yield plain(half);
    // Nothing told yet: all that there is came after the call, or was asked for.
    const since = lastWords.since ?? nanoseconds(tail === 0 ? nowMs : (sinceMs ?? 0));
    try {
      for await (const line of read({ ...all, tail: 'all', since: seconds(since) }))
        if (!lastWords.wasTold(line)) yield plain(line);
    } catch (error) {
      // Its log went with it when it was removed.
      if (fromDockerode(error, { op: 'docker logs', target: id }).code !== 'MISSING') throw error;
    }
  } catch (error) {
    if (!signal.aborted) throw fromDockerode(error, { op: 'docker logs', target: id });
  }
}

async function lastOf<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  let last: T | undefined;
  for await (const item of items) last = item;
  return last;
}

const plain = ({ stream, at, text }: StampedLine): LogLine => ({ stream, at, text });

const nanoseconds = (ms: number): bigint => BigInt(Math.floor(ms)) * 1_000_000n;

/** As the engine wants to be told a time: seconds and nanoseconds. */
const seconds = (ns: bigint): string => `${ns / 1_000_000_000n}.${(ns % 1_000_000_000n).toString().padStart(9, '0')}`;

/** @param sinceMs events from then on */
export async function* readEvents(
  docker: Docker,
  sinceMs: number,
  signal: AbortSignal,
): AsyncGenerator<EngineEvent, void> {
  try {
    if (signal.aborted) return;
    const query = {
      // From the moment of the call on: what happened until the stream stood is sent afterwards.
      since: (sinceMs / 1000).toFixed(3),
      filters: JSON.stringify({ type: ['container'], event: watchedActions }),
    };
    const stream = await openStream(docker, { path: '/events', query, signal });
    for await (const value of jsonLines(chunksOf(stream, signal))) {
      if (signal.aborted) return;
      const event = engineEvent(value);
      if (event) yield event;
    }
    // The engine never ends this stream: it is going away.
    if (!signal.aborted) throw Object.assign(new Error('it closed the stream of events'), { code: 'ECONNRESET' });
  } catch (error) {
    if (!signal.aborted) throw fromDockerode(error, { op: 'docker events', target: 'containers' });
  }
}
