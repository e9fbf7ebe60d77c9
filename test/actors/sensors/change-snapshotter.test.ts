import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asked, dueAtMs, look, newSensor, type ChangeSensor, type Seen } from '#actors/sensors/change-snapshotter.ts';

const of = { settleMs: 30_000, minIntervalMs: 300_000 };
const seen = (mark: string, more: Partial<Seen> = {}): Seen => ({ since: 'a', changed: true, mark, ...more });
const quiet = seen('0', { changed: false });
const never = Number.NEGATIVE_INFINITY;

describe('a volume that is snapshotted when it changes', () => {
  test('is not due while nothing has changed', () => {
    expect(dueAtMs(look(newSensor(quiet, 0, never), quiet, 5000), of)).toBeUndefined();
  });

  test('is due once nothing was written for as long as it takes to settle', () => {
    let sensor = newSensor(quiet, 0, never);
    sensor = look(sensor, seen('1'), 5000);
    sensor = look(sensor, seen('2'), 10_000);
    sensor = look(sensor, seen('2'), 15_000);
    expect(dueAtMs(sensor, of)).toBe(40_000);
  });

  test('that is written to all the time is due after the interval all the same', () => {
    let sensor = newSensor(quiet, 0, never);
    for (let now = 5000; now <= 305_000; now += 5000) sensor = look(sensor, seen(String(now)), now);
    expect(dueAtMs(sensor, of)).toBe(305_000);
  });

  test('waits for the interval since the last snapshot, whoever asked for that', () => {
    const other = look(newSensor(seen('1'), 0, never), { since: 'b', changed: true, mark: '2' }, 10_000);
    expect(dueAtMs(other, of)).toBe(310_000);
  });

  test('is asked for again after the interval when the snapshot failed', () => {
    const sensor = asked(look(newSensor(quiet, 0, never), seen('1'), 5000), 35_000);
    expect(dueAtMs(look(sensor, seen('1'), 40_000), of)).toBe(335_000);
  });

  test('is forgiven a change that is taken back', () => {
    const sensor = look(look(newSensor(quiet, 0, never), seen('1'), 5000), quiet, 10_000);
    expect(dueAtMs(sensor, of)).toBeUndefined();
  });
});

const lookEveryMs = 5000;

/** What is on a disk, its newest snapshot, and a node that looks, is restarted, and asks; snapshots take a while. */
class Node {
  nowMs = 0;
  content = 0;
  readonly writes: { atMs: number; content: number }[] = [];
  readonly snapshots: { askedMs: number; content: number; id: number }[] = [];
  #sensor: ChangeSensor | undefined;
  readonly #settings: { settleMs: number; minIntervalMs: number };
  readonly #takesMs: number;
  #taking: { doneMs: number; askedMs: number } | undefined;
  #nextMs = 0;

  constructor(settings: { settleMs: number; minIntervalMs: number }, takesMs: number) {
    this.#settings = settings;
    this.#takesMs = takesMs;
  }

  /** To the moment, with everything that is due on the way. */
  to(atMs: number): void {
    for (;;) {
      const doneMs = this.#taking?.doneMs ?? Number.POSITIVE_INFINITY;
      const nextMs = Math.min(this.#nextMs, doneMs);
      if (nextMs > atMs) break;
      this.nowMs = nextMs;
      if (doneMs <= this.#nextMs) this.#take();
      else this.#look();
    }
    this.nowMs = atMs;
  }

  write(): void {
    this.writes.push({ atMs: this.nowMs, content: ++this.content });
  }

  restart(): void {
    this.#sensor = undefined;
    this.#nextMs = this.nowMs + lookEveryMs;
  }

  #take(): void {
    const askedMs = this.#taking?.askedMs ?? 0;
    this.snapshots.push({ askedMs, content: this.content, id: this.snapshots.length });
    this.#taking = undefined;
  }

  #look(): void {
    const newest = this.snapshots.at(-1);
    const found: Seen = {
      since: newest && String(newest.id),
      changed: newest?.content !== this.content,
      mark: String(this.content),
    };
    const lastMs = newest?.askedMs ?? Number.NEGATIVE_INFINITY;
    this.#sensor = this.#sensor ? look(this.#sensor, found, this.nowMs) : newSensor(found, this.nowMs, lastMs);
    const dueMs = dueAtMs(this.#sensor, this.#settings);
    if (dueMs !== undefined && dueMs <= this.nowMs) {
      // The lab does not ask for a second one while the first is being taken.
      this.#taking ??= { doneMs: this.nowMs + this.#takesMs, askedMs: this.nowMs };
      this.#sensor = asked(this.#sensor, this.nowMs);
      this.#nextMs = this.nowMs + lookEveryMs;
    } else this.#nextMs = Math.min(this.nowMs + lookEveryMs, dueMs ?? Number.POSITIVE_INFINITY);
  }
}

const script = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.integer({ min: 1, max: 8000 }), fc.integer({ min: 1, max: 400_000 })),
    restarts: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  }),
  { minLength: 1, maxLength: 80 },
);
const settings = fc.record({
  settleMs: fc.integer({ min: 1000, max: 120_000 }),
  minIntervalMs: fc.integer({ min: 10_000, max: 600_000 }),
});

describe('whatever is written, whenever the daemon is restarted', () => {
  test('between two snapshots something was written, and at least the interval lies between them', () => {
    fc.assert(
      fc.property(script, settings, fc.integer({ min: 1, max: 9000 }), (steps, given, takesMs) => {
        const node = new Node(given, takesMs);
        for (const { afterMs, restarts } of steps) {
          node.to(node.nowMs + afterMs);
          if (restarts) node.restart();
          else node.write();
        }
        node.to(node.nowMs + 2_000_000);
        for (const [n, { content, askedMs }] of node.snapshots.entries()) {
          const before = node.snapshots[n - 1];
          if (!before) continue;
          expect(content).not.toBe(before.content);
          expect(askedMs - before.askedMs).toBeGreaterThanOrEqual(given.minIntervalMs);
        }
      }),
    );
  });

  test('what was written is in a snapshot one look and the longer of the spans later', () => {
    fc.assert(
      fc.property(script, settings, fc.integer({ min: 1, max: 9000 }), (steps, given, takesMs) => {
        const node = new Node(given, takesMs);
        for (const { afterMs } of steps) {
          node.to(node.nowMs + afterMs);
          node.write();
        }
        node.to(node.nowMs + 2_000_000);
        const bound = lookEveryMs + Math.max(given.settleMs, given.minIntervalMs);
        for (const { atMs, content } of node.writes) {
          const holder = node.snapshots.find((one) => one.content >= content);
          expect(holder).toBeDefined();
          // A snapshot that is still being taken at the time of the look delays it by that.
          expect((holder?.askedMs ?? 0) - atMs).toBeLessThanOrEqual(bound + takesMs);
        }
      }),
    );
  });
});
