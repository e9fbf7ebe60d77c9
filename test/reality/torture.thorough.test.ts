/**
 * Real daemons under load, and every kind of harm once at least: what `npm run torture` does for as long as one likes
 * (`torture/torture.ts`). Each day has a seed of its own; TORTURE_SEED=… takes another one.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seededRandom } from '#io/devices/random/sim.ts';
import { describeReal } from '#test/real.ts';
import { missingMachines } from './host.ts';
import { harmNames } from './torture/nemesis.ts';
import { torture } from './torture/torture.ts';

const dayMs = 86_400_000;
const seed = Number(process.env['TORTURE_SEED'] ?? Math.floor(Date.now() / dayMs));

/** Two minutes where nobody else works. */
const timeoutMs = 600_000;

/** The more machines there are, the longer they take. */
const forFewMachines = ['restart one after the other, beginning with', 'wipe the data directory of'];

/** The same for a seed; each kind is in one of the two. */
function deal(): readonly [few: readonly string[], many: readonly string[]] {
  const random = seededRandom(seed);
  const rest = harmNames
    .filter((name) => !forFewMachines.includes(name))
    .map((name) => ({ name, at: random.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ name }) => name);
  const half = Math.floor(rest.length / 2) - 1;
  return [[...forFewMachines, ...rest.slice(0, half)], rest.slice(half)];
}

describeReal('a lab under torture', missingMachines(), () => {
  const [few, many] = deal();
  test.each([
    [3, 70_000, few],
    [5, 60_000, many],
  ] as const)(
    `of %i machines loses no acknowledged write and answers no stale read (seed ${seed})`,
    async (nodes, lastsMs, kinds) => {
      const folder = await mkdtemp(join(tmpdir(), 'floatlab-torture-'));
      try {
        const out = join(folder, 'history.jsonl');
        const say = (text: string): void => void process.stdout.write(`${text}\n`);
        const { wrong, harms } = await torture({ nodes, clients: 8, seed, lastsMs, kinds, out, say });
        expect(wrong).toEqual([]);
        expect([...harms].filter(([, times]) => times > 0).map(([name]) => name)).toEqual(
          harmNames.filter((name) => kinds.includes(name)),
        );
      } finally {
        await rm(folder, { recursive: true });
      }
    },
    timeoutMs,
  );

  test('has suffered every kind of harm', () => {
    expect([...few, ...many].toSorted()).toEqual([...harmNames].toSorted());
  });
});
