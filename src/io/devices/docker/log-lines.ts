/**
 * From frames of a log to lines.
 *
 * The engine begins each message with its time. A line longer than 16 KiB arrives as several messages, each with the
 * time and only the last with a line end; they may cut a character in two, so bytes are put together before they
 * become text. stdout and stderr are independent: a half line of one does not delay the other.
 */
import type { Frame } from './frames.ts';
import type { LogLine } from './port.ts';

/** A longer line is cut here: one runaway line must not fill the memory. */
export const maxLineBytes = 64 * 1024;

const time = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d) /;
/** Longest: `2026-01-02T03:04:05.123456789+00:00 `. */
const timeBytes = 36;
const newline = 0x0a;

export interface StampedLine extends LogLine {
  /** Nanoseconds since 1970, by the engine: finer than `at`. */
  readonly stamp: bigint;
  /** False for the beginning of a line whose end never came. */
  readonly isWhole: boolean;
}

interface Growing {
  parts: Uint8Array[];
  sizeBytes: number;
  stamp: bigint | undefined;
}

export async function* logLines(messages: AsyncIterable<Frame>): AsyncGenerator<StampedLine, void> {
  const growing = { stdout: empty(), stderr: empty() };
  for await (const { stream, bytes } of messages) {
    let rest = bytes;
    while (rest.length > 0) {
      const end = rest.indexOf(newline);
      add(growing[stream], end < 0 ? rest : rest.subarray(0, end));
      if (end < 0) break;
      yield finish(stream, growing[stream], true);
      growing[stream] = empty();
      rest = rest.subarray(end + 1);
    }
  }
  for (const stream of ['stdout', 'stderr'] as const)
    if (growing[stream].stamp !== undefined) yield finish(stream, growing[stream], false);
}

const empty = (): Growing => ({ parts: [], sizeBytes: 0, stamp: undefined });

function add(line: Growing, message: Uint8Array): void {
  const stamp = time.exec(Buffer.from(message.subarray(0, timeBytes)).toString('latin1'));
  line.stamp ??= stampOf(stamp);
  const text = message.subarray(stamp?.[0].length ?? 0);
  const kept = text.subarray(0, maxLineBytes - line.sizeBytes);
  // A copy: a slice would keep the whole chunk of the socket alive.
  if (kept.length > 0) line.parts.push(Uint8Array.from(kept));
  line.sizeBytes += kept.length;
}

function stampOf(match: RegExpExecArray | null): bigint {
  if (match === null) return 0n;
  const [, seconds = '', fraction = '', zone = ''] = match;
  return BigInt(Date.parse(`${seconds}${zone}`)) * 1_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
}

function finish(stream: LogLine['stream'], { parts, stamp = 0n }: Growing, isWhole: boolean): StampedLine {
  const bytes = Buffer.concat(parts);
  const kept = bytes.length < maxLineBytes ? bytes : bytes.subarray(0, wholeCharacters(bytes));
  const text = kept.toString('utf8');
  const at = Number(stamp / 1_000_000n);
  return { stream, at, text: text.endsWith('\r') ? text.slice(0, -1) : text, stamp, isWhole };
}

/** @returns how many of the bytes are whole characters: a cut may leave up to three bytes of one behind */
function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(4, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return bytes.length;
    if (byte >= 0xc0) {
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return back >= needed ? bytes.length : bytes.length - back;
    }
  }
  return bytes.length;
}

/** Puts the chunks of a terminal's log together, so that each frame is one line with its time. */
export async function* linewise(messages: AsyncIterable<Frame>): AsyncGenerator<Frame, void> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const { bytes } of messages) {
    pending = Buffer.concat([pending, bytes]);
    for (let end = pending.indexOf(newline); end >= 0; end = pending.indexOf(newline)) {
      yield { stream: 'stdout', bytes: pending.subarray(0, end + 1) };
      pending = pending.subarray(end + 1);
    }
    pending = pending.subarray(0, maxLineBytes + timeBytes);
  }
  if (pending.length > 0) yield { stream: 'stdout', bytes: pending };
}
