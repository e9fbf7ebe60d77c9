/** What the history holds of an entry comes back as it was; a kind of a later version is told from a damaged one. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { appliedKinds, commandsOf, packApplied, packCommands, unpackApplied } from '#io/log/raft/engine/applied.ts';

test('what an entry came to is read as it was written', () => {
  const applied = fc.record({
    kind: fc.constantFrom(...appliedKinds),
    head: fc.oneof(fc.nat(1000), fc.integer({ min: 2 ** 32 - 2, max: 2 ** 53 - 1 })),
    body: fc.uint8Array({ maxLength: 50 }),
  });
  fc.assert(
    fc.property(applied, (one) => {
      const { kind, head, body } = unpackApplied(7, packApplied(one));
      expect({ kind, head, body: [...body] }).toEqual({ ...one, body: [...one.body] });
    }),
  );
});

test('a kind that is not known here was written by a later version', () => {
  const bytes = packApplied({ kind: 'empty', head: 1, body: new Uint8Array(0) });
  for (const kind of [appliedKinds.length, 255]) {
    const changed = Uint8Array.from(bytes).fill(kind, 0, 1);
    expect(() => unpackApplied(7, changed)).toThrow(expect.objectContaining({ code: 'TOO_NEW' }));
  }
  expect(() => unpackApplied(7, bytes.subarray(0, 8))).toThrow(expect.objectContaining({ code: 'TOO_NEW' }));
});

test('a batch that is cut short, or holds what no command comes to, was not written by this version', () => {
  const parts = [Uint8Array.of(1, 2), Uint8Array.of(3)].map((body) => ({ kind: 'events' as const, body }));
  const bytes = packCommands(4, parts);
  const read = commandsOf(7, unpackApplied(7, bytes));
  expect(read.map(({ kind, body }) => ({ kind, body: Uint8Array.from(body) }))).toEqual(parts);
  const wrong = [bytes.subarray(0, -1), Uint8Array.from(bytes).fill(appliedKinds.indexOf('change'), 9, 10)];
  for (const one of wrong)
    expect(() => commandsOf(7, unpackApplied(7, one))).toThrow(expect.objectContaining({ code: 'TOO_NEW' }));
});
