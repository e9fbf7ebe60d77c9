import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LiveLimits } from '#io/http/live/connection.ts';
import type { RowSource } from '#io/http/live/row-source.ts';
import { RowsSub } from '#io/http/live/rows-sub.ts';
import type { RowChanges } from '#io/lab/port.ts';
import { appRow, FakeLab } from './fake-lab.ts';
import { connect, Followed, json, partsOf, quiet } from './live-model.ts';

type Op =
  | { readonly op: 'commit'; readonly put: readonly [number, boolean][]; readonly del: readonly number[] }
  | { readonly op: 'deliver'; readonly count: number }
  | { readonly op: 'ack'; readonly count: number }
  | { readonly op: 'quiet' | 'reconnect' }
  | { readonly op: 'open' | 'close'; readonly which: number };

const key = fc.integer({ min: 0, max: 11 });
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('commit' as const),
      put: fc.array(fc.tuple(key, fc.boolean()), { maxLength: 6 }),
      del: fc.array(key, { maxLength: 3 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('deliver' as const), count: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('ack' as const), count: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('quiet' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('reconnect' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constantFrom('open' as const, 'close' as const),
      which: fc.integer({ min: 0, max: 2 }),
    }),
  },
);

const views = [{ view: 'apps' }, { view: 'apps', where: { state: 'failed' } }, { view: 'activity', limit: 5 }] as const;

describe('rows that are followed', () => {
  test('are, at every index that the client is told, those of the lab, whatever order things happen in', async () => {
    /** How often each of the ways was gone that this test is about. */
    const ways = { changed: 0, resumed: 0, snappedAgain: 0, inParts: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(op, { maxLength: 80, size: 'max' }),
        fc.record({
          unacknowledged: fc.integer({ min: 1, max: 6 }),
          bufferedBytes: fc.integer({ min: 200, max: 5000 }),
          pendingRows: fc.integer({ min: 2, max: 20 }),
          chunkRows: fc.integer({ min: 1, max: 6 }),
        }),
        fc.integer({ min: 0, max: 30 }),
        async (ops, limits: LiveLimits, ringRows) => {
          const lab = new FakeLab();
          lab.readActivity = quiet;
          const parts = partsOf(lab, ringRows);
          let version = 0;
          const history = [new Map<string, unknown>()];
          const truth = (which: number) => (index: number) => {
            if (which < 2)
              return new Map(
                [...(history[index] ?? [])].filter(
                  ([, row]) => which === 0 || (row as { state: string }).state === 'failed',
                ),
              );
            return undefined as never;
          };
          const subs = new Map<number, { which: number; followed: Followed }>();
          /** Those that have not been told everything once. */
          const first = new Set<number>();
          let nextSub = 1;
          let { connection, socket } = connect(parts, limits);
          let toAck: number[] = [];

          const open = (which: number, followed: Followed): void => {
            const sub = nextSub++;
            subs.set(sub, { which, followed });
            first.add(sub);
            const resume = followed.index === undefined ? {} : { after: followed.index, epoch: followed.epoch };
            connection.hear(JSON.stringify({ t: 'open', sub, ...views[which], ...resume }));
          };
          const take = (count: number): number => {
            const frames = socket.deliver(count);
            for (const frame of frames) {
              if (frame.t === 'at') continue;
              const followed = subs.get(frame.sub)?.followed;
              if (frame.t === 'snap' || frame.t === 'rows') toAck.push(frame.index);
              if (frame.t === 'rows') ways.changed++;
              if (frame.t === 'rows' && first.has(frame.sub)) ways.resumed++;
              if (frame.t === 'rows' && frame.index === followed?.index) ways.inParts++;
              if (frame.t === 'snap' && !frame.more && !first.has(frame.sub)) ways.snappedAgain++;
              if (frame.t === 'rows' || (frame.t === 'snap' && !frame.more)) first.delete(frame.sub);
              followed?.take(frame);
            }
            return frames.length;
          };
          const follow = (which: number) => (which === 2 ? new ActivityFollowed() : new Followed(truth(which)));

          const run = async (step: Op): Promise<void> => {
            switch (step.op) {
              case 'commit': {
                const put = Object.fromEntries(
                  step.put.map(([n, failed]) => [
                    `app:${n}`,
                    appRow(`n${n}`, { state: failed ? 'failed' : 'running', version: ++version }),
                  ]),
                );
                const present = history.at(-1) ?? new Map<string, unknown>();
                const del = step.del.map((n) => `app:${n}`).filter((name) => present.has(name) && !(name in put));
                const next = new Map([...present, ...Object.entries(put)]);
                for (const name of del) next.delete(name);
                history.push(next);
                lab.commit(Object.keys(put).length + del.length === 0 ? {} : { apps: { put, del } });
                return;
              }
              case 'deliver':
                take(step.count);
                return;
              case 'ack':
                for (const index of toAck.splice(0, step.count)) connection.hear(JSON.stringify({ t: 'ack', index }));
                return;
              case 'quiet':
                return quiet();
              case 'open':
                open(step.which, follow(step.which));
                return;
              case 'close': {
                const [sub] = [...subs].find(([, { which }]) => which === step.which) ?? [];
                if (sub === undefined) return;
                subs.delete(sub);
                connection.hear(JSON.stringify({ t: 'close', sub }));
                return;
              }
              case 'reconnect': {
                connection.closed();
                ({ connection, socket } = connect(parts, limits));
                toAck = [];
                const before = [...subs.values()];
                subs.clear();
                for (const { which, followed } of before) {
                  followed.lost();
                  open(which, followed);
                }
              }
            }
          };
          for (const which of [0, 1, 2]) open(which, follow(which));
          for (const step of ops) await run(step);
          // A client that goes on reading comes to stand where the lab stands.
          let isMoving = true;
          while (isMoving) {
            isMoving = toAck.length > 0;
            for (const index of toAck.splice(0)) connection.hear(JSON.stringify({ t: 'ack', index }));
            await quiet();
            await quiet();
            isMoving = take(100) > 0 || isMoving;
          }
          for (const { which, followed } of subs.values()) {
            if (followed instanceof ActivityFollowed) followed.checkUpTo(lab.index);
            else expect(Object.fromEntries(followed.rows)).toEqual(Object.fromEntries(truth(which)(lab.index)));
          }
          connection.closed();
          parts.hubs.close();
          expect(lab.listeners('apps') + lab.listeners('activity')).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
    for (const [way, times] of Object.entries(ways)) expect([way, times > 100]).toEqual([way, true]);
  }, 60_000);

  test('that leave the sight of the reader are forgotten, and what he never saw is not even named', () => {
    let listener: (changes: RowChanges) => void = () => undefined;
    const rows = new Map<string, { secret: boolean }>([
      ['a', { secret: false }],
      ['b', { secret: true }],
    ]);
    let index = 1;
    const sees = (_: string, row: object): boolean => !(row as { secret: boolean }).secret;
    const source: RowSource = {
      accumulates: false,
      isLogged: true,
      index: () => index,
      snapshot: () => ({ index, rows: [...rows].filter(([name, row]) => sees(name, row)) }),
      watch: (heard) => {
        listener = heard;
        return () => undefined;
      },
      wants: sees,
      maySee: sees,
      since: () => [{ index: 2 as never, put: [['b', { secret: true }]], del: [] }],
    };
    const options = {
      epoch: 'e',
      source,
      json,
      maxPending: 10,
      chunkRows: 10,
      wake: () => undefined,
      fail: () => undefined,
    };
    const told = (sub: RowsSub): unknown => JSON.parse(sub.next()?.text ?? 'null');
    const change = (put: [string, { secret: boolean }][], del: string[] = []): void => {
      index++;
      for (const [name, row] of put) rows.set(name, row);
      for (const name of del) rows.delete(name);
      listener({ index: index as never, put, del });
    };

    const sub = new RowsSub({ ...options, sub: 1, resume: undefined });
    expect(told(sub)).toMatchObject({ t: 'snap', rows: [['a', { secret: false }]], more: false });
    change([
      ['a', { secret: true }],
      ['b', { secret: true }],
    ]);
    expect(told(sub)).toEqual({ t: 'rows', sub: 1, index: 2, put: [], del: ['a'] });
    change([['c', { secret: true }]], ['b']);
    expect(told(sub)).toBeNull();
    change([['b', { secret: false }]]);
    expect(told(sub)).toMatchObject({ index: 4, put: [['b', { secret: false }]], del: [] });

    // What the snapshot has already is not told again, should it be heard of late.
    listener({ index: index as never, put: [['b', { secret: false }]], del: [] });
    expect(told(sub)).toBeNull();

    // Who comes back and missed a change of a row that he may not see gets a snapshot without it.
    const again = new RowsSub({ ...options, sub: 2, resume: { after: 1, epoch: 'e' } });
    const answer = JSON.stringify(told(again));
    expect(answer).toContain('"t":"snap"');
    expect(answer).not.toContain('"a"');
  });
});

/** The activity has no table to compare with: what counts is that every event comes, once, in order. */
class ActivityFollowed extends Followed {
  readonly #indices: number[] = [];
  constructor() {
    super(() => new Map());
  }
  #isWhole = true;
  override take(frame: Parameters<Followed['take']>[0]): void {
    if (frame.t === 'snap') {
      if (this.#isWhole) this.#indices.splice(0);
      this.#isWhole = !frame.more;
      this.#indices.push(...frame.rows.map(([, row]) => (row as { index: number }).index));
      this.index = frame.index;
      this.epoch = frame.epoch;
      if (!frame.more) this.mayRepeat = false;
    } else if (frame.t === 'rows') {
      expect(frame.del).toEqual([]);
      for (const [, row] of frame.put) {
        const { index } = row as { index: number };
        if (this.mayRepeat && this.#indices.includes(index)) continue;
        this.#indices.push(index);
      }
      this.index = frame.index;
    }
    this.#check();
  }
  override lost(): void {
    super.lost();
    // A snapshot that did not come to its end is thrown away by the client, with all that it stood on.
    if (!this.#isWhole) this.index = undefined;
    this.#isWhole = true;
  }
  #check(): void {
    const [first = 0] = this.#indices;
    expect(this.#indices).toEqual(this.#indices.map((_, n) => first + n));
  }
  checkUpTo(index: number): void {
    expect(this.#indices.at(-1) ?? 0).toBe(index);
  }
}
