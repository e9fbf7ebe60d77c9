/** Log time among voters whose clocks do not all say the same (safety rule 17). */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clockToleranceMs } from '#events/values/clock.ts';
import { agreedClock } from '#io/lab/agreed-clock.ts';
import { LogTime } from '#io/lab/log-time.ts';
import { VoterClocks } from '#io/lab/voter-clocks.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { MemoryOthers } from './memory-others.ts';

const begun = 1_700_000_000_000;
const tenYearsMs = 3653 * 86_400_000;

describe('what time it is, of several clocks', () => {
  const clocks = (...all: readonly (readonly [string, number])[]) => new Map(all);

  test('is what this node says, if most voters are near it', () => {
    expect(agreedClock(clocks(['a', 1000], ['b', 1500]), 3, 'b')).toEqual({ now: 1500, by: ['b', 'a'] });
  });

  test('is what most others say, if this one is far off', () => {
    const found = agreedClock(clocks(['a', 1000], ['b', begun], ['c', 2000]), 3, 'b');
    expect(found).toEqual({ now: 1000, by: ['a', 'c'] });
  });

  test('is not known where no majority agrees, or too few were heard', () => {
    expect(agreedClock(clocks(['a', 0], ['b', begun]), 3, 'a')).toBeUndefined();
    expect(agreedClock(clocks(['a', 0]), 3, 'a')).toBeUndefined();
    expect(agreedClock(clocks(['a', 0], ['b', clockToleranceMs + 1]), 2, 'a')).toBeUndefined();
  });

  test('is never what a minority says', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3 * clockToleranceMs), { minLength: 1, maxLength: 9 }), fc.nat(8), (all, own) => {
        const map = new Map(all.map((now, n) => [`n${n}`, now]));
        const found = agreedClock(map, all.length, `n${own % all.length}`);
        if (!found) return;
        const near = all.filter((now) => Math.abs(now - found.now) <= clockToleranceMs);
        expect(near.length).toBeGreaterThan(all.length / 2);
        expect(found.by).toHaveLength(near.length);
      }),
    );
  });
});

describe('log time', () => {
  const names = ['a', 'b', 'c'];
  let clocks: VirtualClock[];
  let nodes: VoterClocks[];
  let cuts: Set<string>;
  let voters: readonly string[];
  beforeEach(() => {
    const network = new Map<string, MemoryOthers>();
    cuts = new Set();
    voters = names;
    clocks = names.map(() => new VirtualClock(begun));
    const others = names.map((name) => new MemoryOthers(name, network, (from, to) => cuts.has(from) || cuts.has(to)));
    nodes = others.map((other, n) => {
      return new VoterClocks({ others: other, clock: clocks[n] as VirtualClock, voters: () => voters });
    });
  });
  afterEach(() => nodes.forEach((node) => node.stop()));

  const run = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 500) await Promise.all(clocks.map((clock) => clock.run(500)));
  };
  /** Of `a`, which leads. */
  const timeOfA = (floor = 0): LogTime =>
    new LogTime({ clock: clocks[0] as VirtualClock, voterClocks: nodes[0] as VoterClocks, floor: () => floor });

  test('is the wall clock of a leader that most voters agree with, and follows it forward', async () => {
    await run(6000);
    const time = timeOfA();
    expect(time.now()).toBe(begun + 6000);
    for (const clock of clocks) clock.jump(3_600_000);
    await run(6000);
    expect(time.now()).toBe(begun + 3_600_000 + 12_000);
  });

  test('goes on as it was when the clock of the leader jumps ten years ahead, and such a clock is found out', async () => {
    await run(6000);
    const time = timeOfA();
    time.now();
    clocks[0]?.jump(tenYearsMs);
    expect(time.now()).toBe(begun + 6000);
    await run(6000);
    expect(Math.abs(time.now() - (begun + 12_000))).toBeLessThan(1000);
    expect(nodes[0]?.agreed()?.by).toEqual(['b', 'c']);
  });

  test('never goes back, whatever clocks are set to', async () => {
    await run(6000);
    const time = timeOfA();
    const before = time.now();
    for (const clock of clocks) clock.jump(-tenYearsMs);
    await run(6000);
    expect(time.now()).toBe(before + 6000);
  });

  test('is not begun by a clock that nobody has confirmed: it goes on from the last event until somebody has', async () => {
    for (const name of ['b', 'c']) cuts.add(name);
    clocks[0]?.jump(tenYearsMs);
    const time = timeOfA(begun - 1000);
    expect(time.now()).toBe(begun - 1000);
    cuts.clear();
    await run(6000);
    expect(Math.abs(time.now() - (begun + 6000))).toBeLessThan(1000);
  });

  test('is the wall clock of one that votes alone', async () => {
    voters = ['a'];
    clocks[0]?.jump(tenYearsMs);
    expect(timeOfA().now()).toBe(begun + tenYearsMs);
  });

  test('does not count a voter that has not answered for long', async () => {
    await run(6000);
    for (const name of ['b', 'c']) cuts.add(name);
    await run(31_000);
    expect(nodes[0]?.agreed()).toBeUndefined();
    const known = nodes[0]?.known(500);
    await run(1000);
    await known;
  });
});
