/** Entries become events by the entries before them alone: alike on every member, and as a simple model says. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StreamId } from '#events/envelope.ts';
import { eventsOf, packEntry } from '#io/log/codec.ts';
import { commandsOf, unpackApplied, type AppliedCommand } from '#io/log/raft/engine/applied.ts';
import { Applier } from '#io/log/raft/engine/applier.ts';
import { packBatch } from '#io/log/raft/engine/batch.ts';
import { entryFor } from '#test/io/log/entries.ts';

const streams: readonly StreamId[] = ['volume:a', 'volume:b', 'volume:c'];
const noBytes = new Uint8Array(0);
const asText = ({ kind, body }: AppliedCommand): string => `${kind} ${Buffer.from(body).toString('hex')}`;
const packed = (of: readonly StreamId[], options: Parameters<typeof entryFor>[1] = {}): Uint8Array =>
  packEntry(entryFor(of, { command: 'c', ...options }));

test('events get the next indices, and the next versions of their streams', () => {
  const applier = new Applier(0, new Map());
  const { outcomes, recorded } = applier.apply('data', packed(['volume:a', 'volume:b', 'volume:a']));
  expect(outcomes).toEqual([{ index: 3 }]);
  const { first, record } = recorded[0] ?? { first: 0, record: noBytes };
  expect(eventsOf(first, record).map(({ index, stream, version }) => [index, stream, version])).toEqual([
    [1, 'volume:a', 1],
    [2, 'volume:b', 1],
    [3, 'volume:a', 2],
  ]);
});

test('an entry that expected something else comes to nothing, and says which stream it was', () => {
  const applier = new Applier(5, new Map([['volume:a', 2]]));
  const { outcomes, recorded, bytes } = applier.apply('data', packed(['volume:a'], { expect: [['volume:a', 1]] }));
  expect(outcomes).toEqual([{ conflict: 'volume:a' }]);
  expect(recorded).toEqual([]);
  expect(unpackApplied(1, bytes)).toMatchObject({ kind: 'nothing', head: 5 });
  expect(applier.head).toBe(5);
  expect(applier.apply('data', packed(['volume:a'], { expect: [['volume:a', 2]] })).outcomes).toEqual([{ index: 6 }]);
});

test('a stream that has ended begins again at version 1', () => {
  const applier = new Applier(0, new Map());
  applier.apply('data', packed(['volume:a', 'volume:a'], { ends: ['volume:a'] }));
  const {
    recorded: [recorded],
  } = applier.apply('data', packed(['volume:a'], { expect: [['volume:a', 0]] }));
  expect(recorded && eventsOf(recorded.first, recorded.record)[0]?.version).toBe(1);
});

test('what is no command is in the history, and no event', () => {
  const applier = new Applier(3, new Map());
  expect(unpackApplied(1, applier.apply('empty', noBytes).bytes).kind).toBe('empty');
  const note = Uint8Array.of(1, 2, 3);
  const { bytes, outcomes } = applier.apply('change', note);
  expect(outcomes).toEqual([]);
  expect(unpackApplied(1, bytes)).toMatchObject({ kind: 'change', head: 3 });
  expect([...unpackApplied(1, bytes).body]).toEqual([...note]);
  expect(applier.head).toBe(3);
});

test('what came by another way counts', async () => {
  const applier = new Applier(1, new Map([['volume:a', 1]]));
  await applier.goOn(async (versions, head) => {
    expect(head).toBe(1);
    versions.set('volume:a', 9);
    return 40;
  });
  expect(applier.apply('data', packed(['volume:a'], { expect: [['volume:a', 9]] })).outcomes).toEqual([{ index: 41 }]);
});

test('commands that travel together come to what each would have come to alone', () => {
  const command = fc.record({
    of: fc.array(fc.constantFrom(...streams), { minLength: 1, maxLength: 3 }),
    expects: fc.array(fc.tuple(fc.constantFrom(...streams), fc.nat(2)), { maxLength: 1 }),
    ends: fc.uniqueArray(fc.constantFrom(...streams), { maxLength: 1 }),
  });
  fc.assert(
    fc.property(fc.array(command, { minLength: 1, maxLength: 12 }), fc.nat(100), (commands, head) => {
      const bytes = commands.map(({ of, expects, ends }, at) =>
        packed(of, { expect: expects, ends, command: `c${at}` }),
      );
      const together = new Applier(head, new Map());
      const apart = new Applier(head, new Map());
      const batch = together.apply('data', packBatch(bytes));
      const each = bytes.map((one) => apart.apply('data', one));
      expect(batch.outcomes).toEqual(each.flatMap(({ outcomes }) => outcomes));
      expect(batch.recorded).toEqual(each.flatMap(({ recorded }) => recorded));
      expect(together.head).toBe(apart.head);
      const applied = unpackApplied(1, batch.bytes);
      expect(applied.head).toBe(head);
      const bodies = each.flatMap((one) => commandsOf(1, unpackApplied(1, one.bytes)));
      expect(commandsOf(1, applied).map(asText)).toEqual(bodies.map(asText));
    }),
  );
});

test('two members that apply the same, and a simple model, agree on everything', () => {
  const stream = fc.constantFrom(...streams);
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        of: fc.array(stream, { minLength: 1, maxLength: 4 }),
        expects: fc.array(fc.tuple(stream, fc.nat(3)), { maxLength: 2 }),
        ends: fc.uniqueArray(stream, { maxLength: 2 }),
      }),
    },
    { weight: 1, arbitrary: fc.constantFrom('empty' as const, 'change' as const) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.nat(40), (steps, restart) => {
      const versions = new Map<StreamId, number>();
      const one = new Applier(0, versions);
      let other = new Applier(0, new Map());
      const model = new Map<StreamId, number>();
      let head = 0;
      for (const [at, it] of steps.entries()) {
        // A member that was started again goes on from what it kept.
        if (at === restart) other = new Applier(one.head, new Map(versions));
        const isCommand = typeof it === 'object';
        const entry = isCommand ? packed(it.of, { expect: it.expects, ends: it.ends, command: `c${at}` }) : noBytes;
        const type = isCommand ? 'data' : it;
        const [first, second] = [one.apply(type, entry), other.apply(type, entry)];
        expect(Buffer.compare(first.bytes, second.bytes)).toBe(0);
        expect(second.outcomes).toEqual(first.outcomes);
        if (!isCommand) continue;
        const conflict = it.expects.find(([name, version]) => (model.get(name) ?? 0) !== version)?.[0];
        if (conflict === undefined) {
          for (const name of it.of) model.set(name, (model.get(name) ?? 0) + 1);
          for (const name of it.ends) model.delete(name);
          head += it.of.length;
        }
        expect(first.outcomes).toEqual([conflict === undefined ? { index: head } : { conflict }]);
        expect(one.head).toBe(head);
      }
      expect(versions).toEqual(model);
    }),
  );
});
