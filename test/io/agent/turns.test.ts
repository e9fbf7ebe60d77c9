import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Turns } from '#io/agent/turns.ts';

const never = new AbortController().signal;

test('never more than so many of a key are under way, all have their turn in the order of asking, and keys do not wait for one another', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(
        fc.record({
          key: fc.constantFrom('a', 'b'),
          steps: fc.nat(3),
          ends: fc.constantFrom('well', 'badly', 'early'),
        }),
        {
          maxLength: 30,
        },
      ),
      async (most, asked) => {
        const turns = new Turns(most);
        const busy = new Map<string, number>();
        const begun: number[] = [];
        const all = asked.map(({ key, steps, ends }, n) => {
          const stop = new AbortController();
          const work = turns.run(key, stop.signal, async () => {
            begun.push(n);
            busy.set(key, (busy.get(key) ?? 0) + 1);
            expect(busy.get(key)).toBeLessThanOrEqual(most);
            for (let step = 0; step < steps; step++) await new Promise((resolve) => setImmediate(resolve));
            busy.set(key, (busy.get(key) ?? 0) - 1);
            if (ends === 'badly') throw new Error('badly');
          });
          if (ends === 'early') stop.abort(new Error('early'));
          return work;
        });
        const ended = await Promise.allSettled(all);
        for (const key of ['a', 'b']) {
          const own = begun.filter((n) => asked[n]?.key === key);
          expect(own).toEqual(own.toSorted((a, b) => a - b));
        }
        for (const [n, outcome] of ended.entries()) {
          // Whoever gave up has begun before that, or never.
          if (!begun.includes(n)) expect([asked[n]?.ends, outcome.status]).toEqual(['early', 'rejected']);
        }
        // And nobody holds a place for ever.
        for (const key of ['a', 'b'])
          expect(
            await Promise.all(Array.from({ length: most + 1 }, (_, n) => turns.run(key, never, async () => n))),
          ).toHaveLength(most + 1);
      },
    ),
  );
});
