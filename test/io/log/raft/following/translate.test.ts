/** Entries of another node's history become what the group agreed on, and what they are applied to comes to the same. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StreamId } from '#events/envelope.ts';
import { keyOf, makeRecord, packEntry } from '#io/log/codec.ts';
import { packApplied, packCommands } from '#io/log/raft/engine/applied.ts';
import { Applier } from '#io/log/raft/engine/applier.ts';
import { packBatch } from '#io/log/raft/engine/batch.ts';
import { beginning, cursorAt, translate } from '#io/log/raft/following/translate.ts';
import type { HistoryEntry } from '#io/log/raft/history/segment.ts';
import { entryTypes, unpack } from '#io/log/raft/member/protocol.ts';
import { entryFor } from '#test/io/log/entries.ts';

const streams: readonly StreamId[] = ['volume:a', 'volume:b', 'volume:c'];
const anyCommand = fc.record({
  streams: fc.array(fc.constantFrom(...streams), { minLength: 1, maxLength: 3 }),
  expect: fc.option(fc.tuple(fc.constantFrom(...streams), fc.nat(3)), { nil: undefined }),
});
const anyEntry = fc.oneof(
  fc.constant({ type: 'empty' as const, commands: [] }),
  fc.constant({ type: 'change' as const, commands: [] }),
  fc.record({
    type: fc.constant('data' as const),
    commands: fc.array(anyCommand, { minLength: 1, maxLength: 4 }),
  }),
);

const note = Uint8Array.of(7, 7);
type Proposed = typeof anyEntry extends fc.Arbitrary<infer T> ? T : never;

const dataOf = ({ type, commands }: Proposed): Uint8Array =>
  type === 'data'
    ? packBatch(
        commands.map(({ streams: of, expect: expected }) =>
          packEntry(entryFor(of, { command: 'c', expect: expected ? [expected] : [] })),
        ),
      )
    : type === 'change'
      ? note
      : new Uint8Array(0);

function historyOf(proposed: readonly Proposed[]): readonly HistoryEntry[] {
  const applier = new Applier(0, new Map());
  return proposed.map((entry, at) => ({
    index: at + 1,
    term: 1 + Math.floor(at / 3),
    bytes: applier.apply(entry.type, dataOf(entry)).bytes,
  }));
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('applied anew they make the same history, byte for byte, in whatever slices they come', () => {
  fc.assert(
    fc.property(
      fc.array(anyEntry, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 7 }),
      (proposed, size) => {
        const history = historyOf(proposed);
        const applier = new Applier(0, new Map());
        const made: string[] = [];
        let cursor = beginning;
        for (let at = 0; at < history.length; at += size) {
          const next = translate(history.slice(at, at + size), cursor, 100);
          cursor = next.cursor;
          const { firstIndex, types, data } = next.slice;
          expect(firstIndex).toBe(at + 1);
          for (const [n, body] of unpack(data).entries()) {
            expect(hex(body)).toBe(hex(dataOf(proposed[at + n] as Proposed)));
            made.push(hex(applier.apply(entryTypes[types[n] as number] ?? 'empty', body).bytes));
          }
        }
        expect(made).toEqual(history.map(({ bytes }) => hex(bytes)));
        expect(cursor).toEqual(cursorAt(history.at(-1) as HistoryEntry));
        expect(cursor.head).toBe(applier.head);
      },
    ),
  );
});

test('what leaves something out, repeats it, or is of a term that has not begun or is over is refused', () => {
  const history = historyOf(
    Array.from({ length: 6 }, () => ({ type: 'data', commands: [{ streams: ['volume:a'], expect: undefined }] })),
  );
  const refused = (entries: readonly HistoryEntry[], term = 100) =>
    expect(() => translate(entries, beginning, term)).toThrow(/cannot be/);
  refused(history.slice(1));
  refused(history.toSpliced(2, 1));
  refused([...history, ...history.slice(-1)]);
  refused(history, 1);
  refused(history.with(4, { ...(history[4] as HistoryEntry), term: 1 }));
  // Of what came to no event nothing else would tell.
  const quiet = historyOf(Array.from({ length: 6 }, () => ({ type: 'empty', commands: [] })));
  refused(quiet.toSpliced(2, 1));
  refused([...quiet, ...quiet.slice(-1)]);
  // In its place, but behind another event than it says.
  refused(history.with(3, { ...(history[3] as HistoryEntry), bytes: (history[4] as HistoryEntry).bytes }));
});

test('commands that nobody can have proposed are refused, also under a checksum that is right', () => {
  const refused = (bytes: Uint8Array) =>
    expect(() => translate([{ index: 1, term: 1, bytes }], beginning, 1)).toThrow(/cannot be/);
  refused(packApplied({ kind: 'batch', head: 0, body: new Uint8Array(0) }));
  const entry = packEntry(entryFor(['volume:a'], { command: 'c' }));
  const batch = packBatch([entry, entry]);
  for (const packed of [
    Uint8Array.of(1),
    Uint8Array.of(0x93, 1, 2, 3),
    Uint8Array.of(0xc1),
    new Uint8Array(0),
    batch,
  ]) {
    const record = makeRecord(keyOf(1), [1], packed);
    refused(packCommands(0, [{ kind: 'events', body: record }]));
    refused(packCommands(0, [{ kind: 'nothing', body: packed }]));
    refused(
      packCommands(0, [
        { kind: 'nothing', body: entry },
        { kind: 'nothing', body: packed },
      ]),
    );
  }
  // Of two events, as its head says.
  refused(packCommands(0, [{ kind: 'events', body: makeRecord(keyOf(1), [1, 1], entry) }]));
});
