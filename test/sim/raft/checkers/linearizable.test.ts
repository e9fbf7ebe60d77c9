import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explainHistory, type Operation } from './linearizable.ts';

const open = Number.POSITIVE_INFINITY;

/** `write x [1, 4]` as an operation on one register. */
const op = (start: number, end: number, what: Operation['do'], key = 'a'): Operation => ({
  client: `c${start}`,
  key,
  start,
  end,
  do: what,
});
const write = (start: number, end: number, value: string, key?: string): Operation =>
  op(start, end, { write: value }, key);
const read = (start: number, end: number, value: string, key?: string): Operation =>
  op(start, end, { read: value }, key);
const cas = (start: number, end: number, from: string, to: string, done: boolean | undefined): Operation =>
  op(start, end, { from, to, done });

describe('a history that one register could have made is accepted', () => {
  const good: Record<string, readonly Operation[]> = {
    'no operation at all': [],
    'a read of the initial value': [read(1, 2, '')],
    'one after another': [write(1, 2, 'x'), read(3, 4, 'x'), write(5, 6, 'y'), read(7, 8, 'y')],
    'a read during a write sees the old value': [write(1, 4, 'x'), read(2, 3, '')],
    'a read during a write sees the new value': [write(1, 4, 'x'), read(2, 3, 'x')],
    'two writes at once, seen in either order': [write(1, 5, 'x'), write(2, 6, 'y'), read(7, 8, 'x')],
    'a write without an answer took effect long after': [write(1, open, 'x'), read(2, 3, ''), read(10, 11, 'x')],
    'a write without an answer never took effect': [write(1, open, 'x'), read(2, 3, ''), read(10, 11, '')],
    'a compare-and-set finds its value': [write(1, 2, 'x'), cas(3, 4, 'x', 'y', true), read(5, 6, 'y')],
    'a compare-and-set misses its value': [write(1, 2, 'x'), cas(3, 4, 'z', 'y', false), read(5, 6, 'x')],
    'a compare-and-set without an answer took effect': [
      write(1, 2, 'x'),
      cas(3, open, 'x', 'y', undefined),
      read(5, 6, 'y'),
    ],
    'a compare-and-set without an answer changed nothing': [cas(1, open, 'x', 'y', undefined), read(5, 6, '')],
    'registers do not disturb one another': [
      write(1, 2, 'x', 'a'),
      read(3, 4, '', 'b'),
      write(5, 6, 'y', 'b'),
      read(7, 8, 'x', 'a'),
    ],
    'an order that is only found by trying': [
      write(1, 20, 'x'),
      write(2, 21, 'y'),
      read(3, 5, 'y'),
      read(6, 8, 'x'),
      write(4, 22, 'z'),
      read(23, 24, 'z'),
    ],
  };
  test.for(Object.entries(good))('%s', ([, history]) => expect(explainHistory(history, '')).toBeUndefined());
});

describe('a history that no register could have made is not', () => {
  const bad: Record<string, readonly Operation[]> = {
    'a stale read': [write(1, 2, 'x'), write(3, 4, 'y'), read(5, 6, 'x')],
    'a read of the past, after another saw the present': [write(1, 10, 'x'), read(2, 3, 'x'), read(4, 5, '')],
    'a lost write': [write(1, 2, 'x'), read(3, 4, '')],
    'a value from nowhere': [read(1, 2, 'x')],
    'a value from the future': [read(1, 2, 'x'), write(3, 4, 'x')],
    'a write that took effect twice': [write(1, 2, 'x'), write(3, 4, 'y'), read(5, 6, 'y'), read(7, 8, 'x')],
    'two compare-and-sets from one value': [write(1, 2, 'x'), cas(3, 4, 'x', 'y', true), cas(5, 6, 'x', 'z', true)],
    'a compare-and-set that missed a value that was there': [write(1, 2, 'x'), cas(3, 4, 'x', 'y', false)],
    'a write without an answer that came and went': [write(1, open, 'x'), read(2, 3, 'x'), read(4, 5, '')],
    'two readers who disagree about the order': [
      write(1, 10, 'x'),
      write(2, 11, 'y'),
      read(12, 13, 'x'),
      read(14, 15, 'y'),
    ],
    'a flaw in the second register only': [write(1, 2, 'x', 'a'), read(3, 4, 'x', 'a'), read(5, 6, 'q', 'b')],
  };
  test.for(Object.entries(bad))('%s', ([, history]) => expect(explainHistory(history, '')).toContain('register'));
});

/** Steps of a real register by several clients whose calls overlap: what it answers is a good history by construction. */
const realHistory = fc
  .array(
    fc.record({
      client: fc.nat(3),
      what: fc.constantFrom('write', 'read', 'cas'),
      value: fc.constantFrom('x', 'y', 'z'),
      from: fc.constantFrom('', 'x', 'y'),
      /** How long before and after its moment the call begins and ends. */
      before: fc.nat(30),
      after: fc.nat(30),
      isAnswered: fc.boolean(),
    }),
    { maxLength: 14 },
  )
  .map((steps) => {
    let value = '';
    return steps.flatMap(({ client, what, value: next, from, before, after, isAnswered }, at): Operation[] => {
      const moment = (at + 1) * 10;
      const span = {
        client: `c${client}`,
        key: 'a',
        start: moment - before - at / 1000,
        end: isAnswered ? moment + after + at / 1000 : open,
      };
      if (what === 'read') return isAnswered ? [{ ...span, do: { read: value } }] : [];
      if (what === 'write') {
        value = next;
        return [{ ...span, do: { write: next } }];
      }
      const done = value === from;
      if (done) value = next;
      return [{ ...span, do: { from, to: next, done: isAnswered ? done : undefined } }];
    });
  });

test('whatever a real register answers is accepted, however its calls overlap', () => {
  fc.assert(
    fc.property(realHistory, (history) => {
      expect(explainHistory(history, '')).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

/** Tries every order of every subset: slow, and plainly right. */
function bruteForce(history: readonly Operation[]): boolean {
  const rec = (left: readonly Operation[], value: string): boolean => {
    if (left.every(({ end }) => end === open)) return true;
    const bound = Math.min(...left.map(({ end }) => end));
    return left.some((operation) => {
      if (operation.start > bound) return false;
      const { do: what } = operation;
      const rest = left.filter((other) => other !== operation);
      if ('write' in what) return rec(rest, what.write);
      if ('read' in what) return what.read === value && rec(rest, value);
      if (what.done === undefined) return rec(rest, value === what.from ? what.to : value);
      return what.done === (value === what.from) && rec(rest, what.done ? what.to : value);
    });
  };
  return rec(history, '');
}

test('it judges any small history as trying every order does', () => {
  const operation = fc
    .record({
      start: fc.integer({ min: 0, max: 20 }),
      length: fc.integer({ min: 1, max: 12 }),
      isAnswered: fc.boolean(),
      what: fc.constantFrom<Operation['do']>(
        { write: 'x' },
        { write: 'y' },
        { read: 'x' },
        { read: 'y' },
        { read: '' },
        { from: 'x', to: 'y', done: true },
        { from: 'x', to: 'y', done: false },
        { from: '', to: 'x', done: undefined },
      ),
    })
    .map(({ start, length, isAnswered, what }) => ({
      start,
      end: isAnswered || 'read' in what ? start + length : open,
      what,
    }));
  const history = fc
    .array(operation, { maxLength: 6 })
    .map((items) => items.map(({ start, end, what }, at) => op(start + at / 100, end + at / 100, what)));
  let rejected = 0;
  fc.assert(
    fc.property(history, (operations) => {
      const expected = bruteForce(operations);
      if (!expected) rejected++;
      expect(explainHistory(operations, '') === undefined).toBe(expected);
    }),
    { numRuns: 3000 },
  );
  expect(rejected).toBeGreaterThan(200);
});
