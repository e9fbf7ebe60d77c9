/** A new member fetches the history from peers that are slow, away, or not to be trusted. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { fetchMissing, type FetchOptions, type FetchProgress, type FetchReport } from '#io/log/raft/history/fetch.ts';
import { firstHead, type HistoryHead } from '#io/log/raft/history/head.ts';
import type { History } from '#io/log/raft/history/history.ts';
import { OpenSegment } from '#io/log/raft/history/open-segment.ts';
import { beginHistory } from '#io/log/raft/history/open.ts';
import { historyKind, noHash, type SegmentInfo } from '#io/log/raft/history/segment.ts';
import type { SegmentSource } from '#io/log/raft/history/source.ts';
import { endKind, makeFrame, readHead, type Head } from '#io/log/raft/snapshots/frame.ts';
import { SimDirectory } from '#io/stores/directory-sim.ts';
import type { Directory } from '#io/stores/directory.ts';
import { settle, VirtualClock } from '#test/io/stores/virtual-clock.ts';
import { everyCrash, runUntilCrash, simDirectory, simMedium } from '../snapshots/crash-points.ts';
import { described, entries, filesOf, historyUpTo, readAll, reopen, smallSealing } from './samples.ts';

const end = 43;
let healthy: SegmentSource;
let head: HistoryHead;
let whole: Record<string, string>;
let clock: VirtualClock;

beforeEach(async () => {
  const disk = simDirectory();
  const history = await historyUpTo(disk.open(), end);
  healthy = inPieces(history.source('healthy'), 100);
  head = await history.at(end);
  whole = filesOf(disk);
  clock = new VirtualClock();
});

const join = async (directory: Directory): Promise<History> =>
  (await beginHistory(directory, head, { sealing: smallSealing })).history;

function fetching(
  history: History,
  sources: readonly SegmentSource[],
  more: Partial<FetchOptions> = {},
): Promise<FetchReport> {
  return fetchMissing(history, sources, { clock, signal: new AbortController().signal, ...more });
}

/** Lets time pass until it is done. */
async function until<T>(done: Promise<T>): Promise<T> {
  let isDone = false;
  const ended = done.finally(() => (isDone = true));
  ended.catch(() => undefined);
  while (!isDone) {
    await settle();
    if (!isDone) await clock.advance(1000);
  }
  return ended;
}

/** The same source, in pieces of this size; so that something can happen in between. */
const inPieces = (source: SegmentSource, size: number): SegmentSource => ({
  ...source,
  async *read(segment, from) {
    for await (const piece of source.read(segment, from))
      for (let at = 0; at < piece.length; at += size) yield piece.subarray(at, at + size);
  },
});

type Read = (segment: SegmentInfo, from: number) => AsyncIterable<Uint8Array>;

const peer = (name: string, read: Read): SegmentSource => ({ name, list: () => healthy.list(), read });

const hangs = () => new Promise<never>(() => undefined);

/** Segments in the right place, of the right size, in order by themselves: only their entries are not the true ones. */
const forger = async (): Promise<SegmentSource> =>
  inPieces(
    peer('forger', async function* ({ first, last }, from) {
      const before = (await healthy.list()).find((segment) => segment.last === first - 1);
      const start = { first, previous: before?.sha256 ?? noHash };
      const { segment, bytes } = OpenSegment.begin(start);
      const forged = entries(first, last).map((entry) => ({ ...entry, bytes: entry.bytes.map((byte) => byte ^ 1) }));
      const run = segment.take(forged, 0, { entries: 1000, bytes: 1e9 });
      yield Buffer.concat([bytes, run.bytes, segment.seal().end]).subarray(from);
    }),
    100,
  );

const liars: Record<string, () => Promise<SegmentSource>> = {
  garbage: async () =>
    peer('liar', async function* () {
      for (;;) yield new Uint8Array(90).fill(7);
    }),
  'another segment': async () =>
    peer('liar', async function* (segment) {
      const other = (await healthy.list()).find(({ first }) => first !== segment.first);
      if (other) yield* healthy.read(other, 0);
    }),
  'segments with other entries': forger,
  'a changed byte': async () =>
    peer('liar', async function* (segment, from) {
      let at = from;
      for await (const piece of healthy.read(segment, from)) {
        const changed = piece.slice();
        if (at <= 300 && 300 < at + piece.length) changed[300 - at] = (changed[300 - at] ?? 0) ^ 1;
        at += piece.length;
        yield changed;
      }
    }),
  'more than there is': async () =>
    peer('liar', async function* (segment, from) {
      let held: Uint8Array | undefined;
      for await (const piece of healthy.read(segment, from)) {
        if (held) yield held;
        held = piece;
      }
      yield Buffer.concat([held ?? new Uint8Array(), Buffer.of(0)]);
    }),
  'an end that belies what is before it': async () =>
    peer('liar', async function* (segment) {
      const pieces: Uint8Array[] = [];
      for await (const piece of healthy.read(segment, 0)) pieces.push(piece);
      const file = Buffer.concat(pieces);
      const { seed } = readHead(historyKind, file) as Head;
      const body = file.subarray(-44);
      body.writeUIntLE(body.readUIntLE(6, 6) + 1, 6, 6);
      yield Buffer.concat([file.subarray(0, -59), makeFrame(endKind, segment.last + 1, body, seed)]);
    }),
  'pieces without measure': async () =>
    peer('liar', async function* () {
      yield new Uint8Array(2_000_000);
    }),
};

const lame: Record<string, () => Promise<SegmentSource>> = {
  'does not answer': async () => ({ name: 'lame', list: hangs, read: healthy.read }),
  'is away': async () => ({
    name: 'lame',
    list: async () => {
      throw new Error('connection refused');
    },
    read: healthy.read,
  }),
  'has nothing': async () => ({ name: 'lame', list: async () => [], read: healthy.read }),
  'says nonsense about what it has': async () => ({
    name: 'lame',
    list: async () => 7 as unknown as SegmentInfo[],
    read: healthy.read,
  }),
  'hangs in the middle': async () =>
    peer('lame', async function* (segment, from) {
      let sent = 0;
      for await (const piece of healthy.read(segment, from)) {
        if (sent++ === 2) await hangs();
        yield piece;
      }
    }),
  'loses its connection in the middle': async () =>
    peer('lame', async function* (segment, from) {
      let sent = 0;
      for await (const piece of healthy.read(segment, from)) {
        if (sent++ === 2) throw new Error('connection reset');
        yield piece;
      }
    }),
  'fails before it begins': async () =>
    peer('lame', () => {
      throw new Error('no such stream');
    }),
  'ends early': async () =>
    peer('lame', async function* (segment, from) {
      for await (const piece of healthy.read(segment, from)) {
        yield piece;
        return;
      }
    }),
  trickles: async () =>
    peer('lame', async function* (segment, from) {
      for await (const piece of healthy.read(segment, from)) {
        for (const byte of piece) {
          await new Promise<void>((resolve) => clock.setTimeout(resolve, 5000));
          yield Uint8Array.of(byte);
        }
      }
    }),
  'sends nothing, again and again': async () =>
    peer('lame', async function* () {
      for (;;) {
        await new Promise<void>((resolve) => clock.setTimeout(resolve, 1000));
        yield new Uint8Array();
      }
    }),
};

test('a new member fetches everything, and then has the files that everybody has', async () => {
  const disk = simDirectory();
  const history = await join(disk.open());
  const total = history.missing().length;
  expect(total).toBeGreaterThan(4);
  const seen: FetchProgress[] = [];
  const report = await fetching(history, [healthy], { progress: (progress) => seen.push(progress) });
  expect(report).toEqual({ fetched: total, missing: 0, complaints: [] });
  expect(filesOf(disk)).toEqual(whole);
  expect(await history.verify()).toBeUndefined();
  expect(await readAll(history)).toEqual(described(entries(1, end)));
  const bytes = seen.map(({ bytes: { done } }) => done);
  expect(bytes).toEqual(bytes.toSorted((a, b) => a - b));
  expect(seen.at(-1)).toEqual({
    source: 'healthy',
    segments: { done: total, total },
    bytes: { done: bytes.at(-1), total: bytes.at(-1) },
  });
  expect(await fetching(history, [healthy])).toEqual({ fetched: 0, missing: 0, complaints: [] });
});

describe.each(Object.entries(lame))('a peer that %s', (_, make) => {
  test('holds nobody up for long: the others serve', async () => {
    const disk = simDirectory();
    const history = await join(disk.open());
    const report = await until(fetching(history, [await make(), healthy]));
    expect(report.missing).toBe(0);
    expect(report.complaints.every(({ source }) => source === 'lame')).toBe(true);
    // The one that serves is asked first from then on.
    expect(report.complaints.length).toBeLessThanOrEqual(1);
    expect(filesOf(disk)).toEqual(whole);
  });

  test('alone leaves what is missing to be fetched later', async () => {
    const disk = simDirectory();
    const history = await join(disk.open());
    const report = await until(fetching(history, [await make()]));
    expect(report.missing).toBeGreaterThan(0);
    expect((await until(fetching(history, [healthy]))).missing).toBe(0);
    expect(filesOf(disk)).toEqual(whole);
  });
});

describe.each(Object.entries(liars))('a peer that sends %s', (what, make) => {
  test('is found out, not asked again, and does no harm', async () => {
    const disk = simDirectory();
    const history = await join(disk.open());
    const liar = await make();
    const report = await until(fetching(history, [liar, healthy]));
    expect(report.missing).toBe(0);
    expect(report.complaints).toMatchObject([{ source: liar.name }]);
    expect(report.complaints[0]?.explain).toMatch(/segment with entries \d+ to \d+ did not come: at byte \d+: \w+/);
    expect(filesOf(disk)).toEqual(whole);
  });

  test('alone brings nothing that counts', async () => {
    const history = await join(simDirectory().open());
    const total = history.missing().length;
    const report = await until(fetching(history, [await make()]));
    expect(report).toMatchObject({ fetched: 0, missing: total });
    expect(what).not.toBe('');
  });
});

test('a part that somebody forged is thrown away with what an honest peer added, and nobody honest is blamed', async () => {
  const forged = await forger();
  const half = peer('half a forger', async function* (segment, from) {
    let sent = 0;
    for await (const piece of forged.read(segment, from)) {
      if (sent++ === 3) throw new Error('connection reset');
      yield piece;
    }
  });
  const disk = simDirectory();
  const history = await join(disk.open());
  const report = await until(fetching(history, [half, healthy]));
  expect(report.missing).toBe(0);
  expect(report.complaints.map(({ source }) => source)).toEqual(['half a forger']);
  expect(filesOf(disk)).toEqual(whole);
});

test('what one peer began the next one finishes', async () => {
  const asked: number[] = [];
  const half = (name: string): SegmentSource =>
    peer(name, async function* (segment, from) {
      asked.push(from);
      let sent = 0;
      for await (const piece of healthy.read(segment, from)) {
        if (sent++ === 2) throw new Error('connection reset');
        yield piece;
      }
    });
  const history = await join(simDirectory().open());
  const peers = ['a', 'b', 'c', 'd', 'e', 'f'].map(half);
  await until(fetching(history, peers));
  expect(asked.slice(0, 3)).toEqual(asked.slice(0, 3).toSorted((a, b) => a - b));
  expect(new Set(asked.slice(0, 3)).size).toBe(3);
  for (let round = 0; history.missing().length > 0; round++) {
    expect(round).toBeLessThan(10);
    await until(fetching(history, peers));
  }
  expect(await history.verify()).toBeUndefined();
});

test('whoever no longer wants it gets what has come so far, and goes on later', async () => {
  const disk = simDirectory();
  const history = await join(disk.open());
  const over = new AbortController();
  const slow = peer('slow', async function* (segment, from) {
    for await (const piece of healthy.read(segment, from)) {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 500));
      yield piece;
    }
  });
  const report = fetching(history, [slow], { signal: over.signal });
  for (let passed = 0; passed < 8; passed++) await clock.advance(1000);
  over.abort();
  expect((await report).missing).toBeGreaterThan(0);
  await until(fetching(history, [healthy]));
  expect(filesOf(disk)).toEqual(whole);
});

test('history goes on, and is dropped, while it is fetched', async () => {
  const disk = simDirectory();
  const history = await join(disk.open());
  const dropTo = history.manifest()[2]?.last ?? 0;
  let sent = 0;
  const meddling = peer('healthy', async function* (segment, from) {
    for await (const piece of healthy.read(segment, from)) {
      await history.append([...entries(history.last + 1, history.last + 1)]);
      if (++sent === 20) await history.dropBelow(dropTo + 1, new Uint8Array());
      yield piece;
    }
  });
  const report = await fetching(history, [meddling]);
  expect(sent).toBeGreaterThan(20);
  expect(report.missing).toBe(0);
  await history.sync();
  expect(history.floor.index).toBe(dropTo);
  expect(await history.verify()).toBeUndefined();
  expect(await readAll(history)).toEqual(described(entries(dropTo + 1, history.last)));
  expect(Object.keys(filesOf(disk)).filter((name) => name.endsWith('.part'))).toEqual([]);
});

test('a segment that is dropped while it arrives does not come back', async () => {
  const disk = simDirectory();
  const history = await join(disk.open());
  const [oldest] = history.manifest();
  if (!oldest) throw new Error('there is a segment');
  const receiver = await history.receive(oldest);
  for await (const piece of healthy.read(oldest, 0)) await receiver?.take(piece);
  await history.dropBelow(oldest.last + 1, new Uint8Array());
  expect(await receiver?.finish()).toBeUndefined();
  expect(await history.receive(oldest)).toBeUndefined();
  expect(Object.keys(filesOf(disk)).filter((name) => !name.endsWith('.open'))).toEqual(['manifest']);
});

test('a crash at any moment costs at most a segment that was not all there', async () => {
  for (const seed of [1, 2]) {
    let resumed = 0;
    await everyCrash(async (point) => {
      const disk = simDirectory(seed * 1000 + point.call);
      await (await join(disk.open())).close();
      let asked: number[] = [];
      const source = peer('healthy', (segment, from) => {
        asked.push(from);
        return healthy.read(segment, from);
      });
      const counted: number[] = [];
      const hasEnded = await runUntilCrash(disk, point, async (directory) => {
        const { history } = await reopen(directory);
        await fetching(history, [source], { progress: ({ segments }) => void counted.push(segments.done) });
      });
      asked = [];
      const { history } = await reopen(disk.open(), end);
      const before = history.manifest().length - history.missing().length;
      expect(before).toBeGreaterThanOrEqual(counted.at(-1) ?? 0);
      const report = await fetching(history, [source]);
      expect(report).toMatchObject({ missing: 0, complaints: [] });
      if ((asked[0] ?? 0) > 0) resumed++;
      disk.crash('power');
      expect(await (await reopen(disk.open(), end)).history.verify()).toBeUndefined();
      expect(filesOf(disk)).toEqual(whole);
      return hasEnded;
    });
    expect(resumed).toBeGreaterThan(5);
  }
});

test('a full disk ends it with the error', async () => {
  const medium = simMedium(1);
  const disk = new SimDirectory(medium);
  const history = await join(disk.open());
  medium.isFull = true;
  await expect(fetching(history, [healthy])).rejects.toMatchObject({ name: 'StoreError', code: 'FAILED' });
});

test('whatever the mix of peers, nothing false counts, and one healthy peer is enough', async () => {
  const makers = { ...lame, ...liars };
  const names = Object.keys(makers);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...names), { maxLength: 5 }),
      fc.nat(5),
      fc.boolean(),
      async (mix, at, hasHealthy) => {
        const peers = await Promise.all(mix.map((name) => (makers[name] as () => Promise<SegmentSource>)()));
        if (hasHealthy) peers.splice(at, 0, healthy);
        const disk = simDirectory();
        const history = await join(disk.open());
        const report = await until(fetching(history, peers));
        if (hasHealthy) expect(report.missing).toBe(0);
        for (const { first, sha256 } of history.manifest()) {
          const name = `${String(first).padStart(16, '0')}.segment`;
          if (filesOf(disk)[name] !== undefined) expect(filesOf(disk)[name], sha256).toBe(whole[name]);
        }
        expect((await until(fetching(history, [healthy]))).missing).toBe(0);
        expect(filesOf(disk)).toEqual(whole);
      },
    ),
    { numRuns: 60 },
  );
}, 120_000);

test('a member that begins with nothing has nothing to fetch', async () => {
  const { history } = await beginHistory(simDirectory().open(), firstHead, { sealing: smallSealing });
  expect(await fetching(history, [healthy])).toEqual({ fetched: 0, missing: 0, complaints: [] });
});
