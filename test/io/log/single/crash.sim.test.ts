/**
 * Writers and followers on a simulated disk that crashes at any moment, over several lives of the process.
 * After each crash: acknowledged means present, everything else is whole or absent, the order is that of the calls,
 * and whatever a follower has seen is still there.
 */
import { expect, test } from 'vitest';
import type { LabEvent, StreamId } from '#events/envelope.ts';
import { asIndex } from '#events/envelope.ts';
import { seededRandom, type SeededRandom } from '#io/devices/random/sim.ts';
import type { EventLog } from '#io/log/port.ts';
import { openSingleLog } from '#io/log/single/open.ts';
import { storeWatermark } from '#io/log/single/watermark.ts';
import { SimDisk } from '#io/stores/sim.ts';
import { entryFor } from '#test/io/log/entries.ts';
import { settle, VirtualClock } from '#test/io/stores/virtual-clock.ts';

/** What was accepted, in the order of the calls: each event as `command/ordinal stream@version`. */
interface Accepted {
  readonly events: readonly string[];
  acknowledged: boolean;
}

const seeds = Array.from({ length: 40 }, (_, i) => i + 1);

test('no seed loses an acknowledged entry, splits one, or takes back what a follower has seen', async () => {
  let crashesInFlight = 0;
  let kept = 0;
  for (const seed of seeds) {
    const lab = new CrashingLab(seed);
    for (let life = 0; life < 4; life++) await lab.live(life);
    crashesInFlight += lab.crashesInFlight;
    kept += lab.durable.length;
  }
  // Otherwise this test would prove nothing.
  expect(crashesInFlight).toBeGreaterThan(seeds.length);
  expect(kept).toBeGreaterThan(10 * seeds.length);
});

test('a seed tells the same story each time', async () => {
  for (const seed of seeds.slice(0, 5)) {
    const stories = [];
    for (let run = 0; run < 2; run++) {
      const lab = new CrashingLab(seed);
      for (let life = 0; life < 4; life++) await lab.live(life);
      stories.push(lab.durable);
    }
    expect(stories[0], `seed ${seed}`).toEqual(stories[1]);
  }
});

class CrashingLab {
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #clock = new VirtualClock();
  readonly #disk: SimDisk;
  readonly #markDisk: SimDisk;
  readonly #versions = new Map<StreamId, number>();
  #accepted: Accepted[] = [];
  #commands = 0;
  crashesInFlight = 0;
  /** Events that are known to be in the log. */
  durable: string[] = [];

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = seededRandom(seed);
    const options = { clock: this.#clock, latencyMs: 5, rotation: 0.1 };
    this.#disk = new SimDisk({ ...options, random: this.#random.fork('disk') });
    this.#markDisk = new SimDisk({ ...options, random: this.#random.fork('mark') });
  }

  async live(life: number): Promise<void> {
    const where = `seed ${this.#seed}, life ${life}`;
    let broken = false;
    const opening = openSingleLog({
      store: this.#disk.open(),
      watermark: storeWatermark(this.#markDisk.open()),
      clock: this.#clock,
      random: this.#random.fork(`life ${life}`),
      onBroken: () => (broken = true),
    });
    const log = await this.#until(opening);
    await this.#judge(log, where);

    const followers = [0, 1].map(() => this.#follow(log));
    const steps = this.#random.below(60);
    const failsAt = this.#random.chance(0.2) ? this.#random.below(60) : -1;
    for (let step = 0; step < steps && !broken; step++) {
      for (let n = this.#random.below(5); n > 0; n--) this.#append(log);
      if (step === failsAt) this.#disk.failNextWrite(this.#random.pick(['ENOSPC', 'EIO']));
      if (this.#random.chance(0.7)) await this.#clock.step();
      else await settle();
    }
    if (this.#random.chance(0.3)) await this.#clock.advance(1500);
    await settle();

    if (this.#accepted.some(({ acknowledged }) => !acknowledged)) this.crashesInFlight++;
    const kind = this.#random.pick(['process', 'power'] as const);
    this.#disk.crash(kind);
    this.#markDisk.crash(kind);
    for (const seen of followers) {
      const acknowledged = [...this.durable, ...this.#accepted.flatMap(({ events }) => events)];
      expect(seen.events.map(textOf), `a follower of ${where}`).toEqual(
        acknowledged.slice(seen.after, seen.after + seen.events.length),
      );
      this.#seen = Math.max(this.#seen, seen.after + seen.events.length);
    }
  }
  #seen = 0;

  #append(log: EventLog): void {
    const command = `c${this.#commands++}`;
    const streams = Array.from({ length: 1 + this.#random.below(3) }, (): StreamId =>
      this.#random.pick(['volume:a', 'volume:b', 'volume:c']),
    );
    const first = streams[0] as StreamId;
    const stale = this.#random.chance(0.2);
    const entry = entryFor(streams, {
      command,
      expect: [[first, (this.#versions.get(first) ?? 0) + (stale ? 1 : 0)]],
    });
    const answer = log.append(entry, new AbortController().signal);
    if (stale) {
      answer.then(
        (got) => expect(got).toEqual({ conflict: first }),
        () => undefined,
      );
      return;
    }
    const events = streams.map((stream, i) => {
      const version = (this.#versions.get(stream) ?? 0) + 1;
      this.#versions.set(stream, version);
      return `${command}/${i} ${stream}@${version}`;
    });
    const accepted = { events, acknowledged: false };
    this.#accepted.push(accepted);
    answer.then(
      (got) => {
        expect(got).toHaveProperty('index');
        accepted.acknowledged = true;
      },
      (error: unknown) => expect(error).toMatchObject({ code: 'BROKEN' }),
    );
  }

  #follow(log: EventLog): { after: number; events: LabEvent[] } {
    const after = this.#random.below(log.head + 1);
    const seen = { after, events: [] as LabEvent[] };
    const run = async () => {
      for await (const slice of log.follow(asIndex(after), new AbortController().signal)) {
        seen.events.push(...slice.events);
      }
    };
    run().catch((error: unknown) => expect(error).toMatchObject({ code: 'BROKEN' }));
    return seen;
  }

  /** What is in the log after a crash, against what was promised before it. */
  async #judge(log: EventLog, where: string): Promise<void> {
    const found: string[] = [];
    const reading = (async () => {
      for await (const slice of log.read(asIndex(0), log.head)) found.push(...slice.map(textOf));
    })();
    await this.#until(reading);
    const promised = [...this.durable];
    const maybe: string[][] = [];
    for (const { events, acknowledged } of this.#accepted) {
      if (acknowledged) {
        expect(maybe, `${where}: acknowledged out of order`).toEqual([]);
        promised.push(...events);
      } else maybe.push([...events]);
    }
    expect(found.slice(0, promised.length), `${where}: acknowledged entries`).toEqual(promised);
    expect(found.length, `${where}: events that were followed`).toBeGreaterThanOrEqual(this.#seen);
    let rest = found.slice(promised.length);
    for (const events of maybe) {
      if (rest.length === 0) break;
      expect(rest.slice(0, events.length), `${where}: an entry under way`).toEqual(events);
      rest = rest.slice(events.length);
    }
    expect(rest, `${where}: events that nobody appended`).toEqual([]);
    this.durable = found;
    this.#accepted = [];
    this.#versions.clear();
    for (const event of found) {
      const [, stream, version] = /^\S+ (\S+)@(\d+)$/.exec(event) ?? [];
      this.#versions.set(stream as StreamId, Number(version));
    }
  }

  /** Moves time until the promise has settled. */
  async #until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = () => (settled = true);
    promise.then(done, done);
    await settle();
    while (!settled) if (!(await this.#clock.step()) && !settled) throw new Error('nothing moves any more');
    return promise;
  }
}

const textOf = (event: LabEvent): string => `${event.id} ${event.stream}@${event.version}`;
