/** Frames, log lines and lines of JSON: however the bytes are cut on their way, what comes out is the same. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Frame, frames, unframed } from '#io/devices/docker/frames.ts';
import { jsonLines } from '#io/devices/docker/json-lines.ts';
import { LastWords } from '#io/devices/docker/last-words.ts';
import { linewise, logLines, maxLineBytes, type StampedLine } from '#io/devices/docker/log-lines.ts';
import type { LogLine } from '#io/devices/docker/port.ts';

const at = '2026-11-21T08:58:01.894972219Z';
const atMs = Date.parse('2026-11-21T08:58:01.894Z');

function framed(stream: LogLine['stream'], text: string | Uint8Array): Buffer {
  const bytes = Buffer.from(text as string);
  const header = Buffer.alloc(8);
  header.writeUInt8(stream === 'stdout' ? 1 : 2, 0);
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

async function* cut(bytes: Uint8Array, places: readonly number[]): AsyncGenerator<Uint8Array> {
  const sorted = [...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  let from = 0;
  for (const to of sorted) {
    yield await Promise.resolve(bytes.subarray(from, to));
    from = to;
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function linesOf(bytes: Uint8Array, places: readonly number[] = []): Promise<LogLine[]> {
  const lines = await collect(logLines(frames(cut(bytes, places))));
  return lines.map(({ stream: of, at: when, text }) => ({ stream: of, at: when, text }));
}

const places = fc.array(fc.nat(100_000), { maxLength: 30 });
const stream = fc.constantFrom<LogLine['stream']>('stdout', 'stderr');

describe('frames', () => {
  test('are found wherever the chunks are cut', async () => {
    const frame = fc.record({ stream, bytes: fc.uint8Array({ maxLength: 200 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 20 }), places, async (sent, where) => {
        const bytes = Buffer.concat(sent.map((one) => framed(one.stream, one.bytes)));
        const got = await collect(frames(cut(bytes, where)));
        expect(got.map((one) => [one.stream, [...one.bytes]])).toEqual(sent.map((one) => [one.stream, [...one.bytes]]));
      }),
    );
  });

  test('bytes without frames are refused instead of waited for', async () => {
    await expect(collect(frames(cut(Buffer.from('plain text, no frames'), [])))).rejects.toThrow('without frames');
  });

  test('a frame that the end cuts off is dropped', async () => {
    const bytes = Buffer.concat([framed('stdout', 'whole'), framed('stdout', 'half').subarray(0, 10)]);
    expect((await collect(frames(cut(bytes, [])))).map((frame) => Buffer.from(frame.bytes).toString())).toEqual([
      'whole',
    ]);
  });
});

describe('log lines', () => {
  test('carry stream, time of the engine and text', async () => {
    const bytes = Buffer.concat([framed('stdout', `${at} one\n`), framed('stderr', `${at} oops\r\n`)]);
    expect(await linesOf(bytes)).toEqual([
      { stream: 'stdout', at: atMs, text: 'one' },
      { stream: 'stderr', at: atMs, text: 'oops' },
    ]);
  });

  test('are the same however messages and chunks are cut, characters of several bytes included', async () => {
    const text = fc
      .array(fc.constantFrom('a', 'ä', '€', '🦦', ' ', ':', '2026-11-21T08:58:01Z'), { maxLength: 40 })
      .map((parts) => parts.join(''));
    const line = fc.record({ stream, text, pieces: fc.array(fc.nat(200), { maxLength: 3 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 10 }), places, async (sent, where) => {
        const messages = sent.flatMap(({ stream: of, text: whole, pieces }) => {
          const bytes = Buffer.from(`${whole}\n`);
          // An empty last piece would be a message of the engine without anything in it; it sends none.
          const ends = [...new Set([...pieces.map((piece) => piece % bytes.length), bytes.length])]
            .filter((end) => end > 0)
            .toSorted((a, b) => a - b);
          return ends.map((end, i) =>
            framed(of, Buffer.concat([Buffer.from(`${at} `), bytes.subarray(ends[i - 1] ?? 0, end)])),
          );
        });
        const got = await linesOf(Buffer.concat(messages), where);
        expect(got.map((one) => [one.stream, one.text])).toEqual(sent.map((one) => [one.stream, one.text]));
        for (const one of got) expect(one.at).toBe(atMs);
      }),
    );
  });

  test('half a line of one stream does not hold up or spoil the other', async () => {
    const bytes = Buffer.concat([
      framed('stdout', `${at} begun and `),
      framed('stderr', `${at} oops\n`),
      framed('stdout', `${at} ended\n`),
    ]);
    expect((await linesOf(bytes)).map(({ text }) => text)).toEqual(['oops', 'begun and ended']);
  });

  test('a last line without an end is a line', async () => {
    expect(await linesOf(framed('stdout', `${at} no newline`))).toEqual([
      { stream: 'stdout', at: atMs, text: 'no newline' },
    ]);
  });

  test('an empty line is a line', async () => {
    expect((await linesOf(framed('stdout', `${at} \n`))).map(({ text }) => text)).toEqual(['']);
  });

  test('a line is cut at 64 KiB, never inside a character, and the next one is whole', async () => {
    const piece = Buffer.concat([Buffer.from(`${at} `), Buffer.from('€'.repeat(5461))]);
    const long = Array.from({ length: 5 }, () => framed('stdout', piece));
    const bytes = Buffer.concat([...long, framed('stdout', `${at} \n`), framed('stdout', `${at} next\n`)]);
    const [first, next] = await linesOf(bytes);
    expect(Buffer.byteLength(first?.text ?? '')).toBeLessThanOrEqual(maxLineBytes);
    expect(Buffer.byteLength(first?.text ?? '')).toBeGreaterThan(maxLineBytes - 4);
    expect(first?.text).toMatch(/^€+$/);
    expect(next?.text).toBe('next');
  });

  test('of a container with a terminal are the same however the chunks are cut', async () => {
    const bytes = Buffer.from(`${at} grün\r\n${at} two\r\n${at} last`);
    await fc.assert(
      fc.asyncProperty(places, async (where) => {
        const got = await collect(logLines(linewise(unframed(cut(bytes, where)))));
        expect(got).toMatchObject(['grün', 'two', 'last'].map((text) => ({ stream: 'stdout', at: atMs, text })));
        expect(got.map(({ isWhole }) => isWhole)).toEqual([true, true, false]);
      }),
    );
  });

  test('a terminal that never ends its line does not fill the memory', async () => {
    async function* endless(): AsyncGenerator<Frame> {
      yield { stream: 'stdout', bytes: Buffer.from(`${at} `) };
      for (let i = 0; i < 100; i++) yield { stream: 'stdout', bytes: await Promise.resolve(Buffer.alloc(16_384, 'x')) };
      yield { stream: 'stdout', bytes: Buffer.from('\n') };
    }
    for await (const { bytes } of linewise(endless())) expect(bytes.length).toBeLessThan(2 * maxLineBytes);
  });
});

describe('the last words of a followed log', () => {
  const line = (second: number, text: string, isWhole = true): StampedLine => ({
    stream: 'stdout',
    at: second * 1000,
    text,
    stamp: BigInt(second) * 1_000_000_000n + 5n,
    isWhole,
  });

  test('are told once, wherever the engine stopped following', () => {
    const all = fc.array(fc.record({ gap: fc.nat(1), text: fc.constantFrom('a', 'b') }), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(all, fc.nat(12), (items, stop) => {
        let second = 1;
        const written = items.map(({ gap, text }) => line((second += gap), text));
        const words = new LastWords();
        const told = written.slice(0, stop).filter((one) => words.tell(one));
        const again = written.filter(({ stamp }) => stamp >= (words.since ?? 0n));
        told.push(...again.filter((one) => !words.wasTold(one)));
        expect(told).toEqual(written);
      }),
    );
  });

  test('the beginning of a line waits for the second reading, unless that begins later', () => {
    const words = new LastWords();
    expect(words.tell(line(1, 'half', false))).toBe(false);
    expect(words.settledHalves()).toEqual([]);
    expect(words.tell(line(2, 'whole'))).toBe(true);
    expect(words.settledHalves().map(({ text }) => text)).toEqual(['half']);
    expect(words.wasTold(line(1, 'an engine that begins earlier than asked'))).toBe(true);
  });
});

describe('lines of JSON', () => {
  test('are read wherever the chunks are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.jsonValue(), fc.constant({ text: 'grün €🦦' })), { maxLength: 10 }),
        places,
        fc.boolean(),
        async (values, where, ended) => {
          const text = values.map((value) => JSON.stringify(value)).join('\r\n') + (ended ? '\n' : '');
          const got = await collect(jsonLines(cut(Buffer.from(text), where)));
          expect(got).toEqual(values.map((value) => JSON.parse(JSON.stringify(value)) as unknown));
        },
      ),
    );
  });
});
