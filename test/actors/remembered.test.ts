/** Commands that are remembered: as a map with the oldest taken out would, at any length of history. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RememberedCommands, type CommandRange } from '#actors/remembered.ts';

test('are those that began last, with their first and last event, oldest first', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 60 }),
      (limit, ids) => {
        const remembered = new RememberedCommands(limit);
        const model = new Map<string, CommandRange>();
        for (const [index, n] of ids.entries()) {
          const id = `c${n}`;
          remembered.add(id, index);
          model.set(id, [model.get(id)?.[0] ?? index, index]);
          if (model.size > limit) model.delete([...model.keys()][0] ?? '');
          expect([...remembered]).toEqual([...model]);
          expect(remembered.size).toBe(model.size);
          for (const [known, range] of model) expect(remembered.get(known)).toEqual(range);
        }
      },
    ),
  );
});

test('a range that is put back counts like one that was noted', () => {
  const remembered = new RememberedCommands(2);
  remembered.set('a', [1, 3]);
  remembered.add('a', 4);
  remembered.set('b', [5, 5]);
  remembered.set('c', [6, 7]);
  expect([...remembered]).toEqual([
    ['b', [5, 5]],
    ['c', [6, 7]],
  ]);
  expect(remembered.get('a')).toBeUndefined();
});

test('say from where on a command that is not found is new', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 30 }),
      (limit, sizes) => {
        const remembered = new RememberedCommands(limit);
        let index = 0;
        const lasts: number[] = [];
        for (const [n, size] of sizes.entries()) {
          for (let event = 0; event < size; event++) remembered.add(`c${n}`, ++index);
          lasts.push(index);
          expect(remembered.forgotten).toBe(lasts.at(-limit - 1) ?? 0);
          const again = new RememberedCommands(limit);
          for (const [id, range] of remembered) again.set(id, range);
          expect(again.forgotten).toBe(remembered.forgotten);
        }
      },
    ),
  );
});
