/** How a leader feeds its followers when messages are lost, late, repeated or out of order, and how much it takes on. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asPeer } from '#events/raft/entry.ts';
import type { Message } from '#events/raft/message.ts';
import { defaultSettings } from '#events/raft/settings.ts';
import { maxEntryBytes } from '#io/log/raft/history/segment.ts';
import { bytes, Group } from './group.ts';
import { append } from './messages.ts';

const [a, b, c] = [asPeer('a'), asPeer('b'), asPeer('c')];
const isAppend = ({ type }: Message): boolean => type === 'append';

/** Only what goes from here to there. */
const between =
  (from: string, to: string) =>
  (message: Message): boolean =>
    message.from === from && message.to === to;

describe('a refused append says where the logs can meet', () => {
  // The leader's terms, the follower's, and how many appends it takes until the follower has everything: the first is
  // refused, and each exchange skips a whole term of either side, however long that is.
  test.each([
    [[1, 2, 2, 4, 4, 4, 4], [1, 2, 2, 3, 3, 3, 3], 2],
    [[1, 2, 2, 3, 4, 4, 4, 5], [1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3], 2],
    [[1, 1, 1, 1], [1, 1, 1, 1], 1],
    [[1, 1, 1, 1, 1, 1, 1, 1, 1, 1], [1], 2],
    [[1, 1, 1, 5], [1, 1, 1, 4], 2],
    [[1, 1, 1, 1, 1, 1, 1, 5, 5], [1, 1, 1, 4, 4, 4, 4, 4, 4], 3],
    [[1, 1, 1, 1, 1, 1, 1, 5, 5, 5, 5], [1, 1, 1, 4, 4, 4, 4, 4, 4], 3],
    [[2, 5, 5, 5, 5, 5, 5, 5, 5, 5], [2, 4, 4, 4, 4, 4, 4], 2],
    [[2, 2, 2, 2, 2, 2, 2, 2, 2, 6], [2, 4, 4, 4, 4, 4, 4], 3],
    [[1, 3, 3, 3, 3, 5, 5, 5], [1, 2, 2, 2, 2, 4, 4, 4], 3],
  ])('a leader with terms %j, a follower with %j: %i appends', (leader, follower, appends) => {
    const group = new Group({ voters: 'abc', logs: { a: leader, b: follower }, terms: { a: 8, b: 8, c: 8 } });
    group.isolate('b');
    group.elect('a');
    group.heal();
    group.sent = [];
    group.wire = [];
    // A first probe at the end of the leader's log, as after an election.
    group.do('a', (raft) => raft.reportUnreachable(b));
    group.tick('a');
    let count = 0;
    while (group.at('b').log.at(-1) !== group.at('a').log.at(-1)) {
      count = group.sentOf('append').filter(between('a', 'b')).length;
      group.deliver();
    }
    expect(group.at('b').log).toEqual(group.at('a').log);
    expect(count).toBe(appends);
  });

  test('an empty follower of a long log gets it in two exchanges, not one for each entry', () => {
    const terms = Array.from({ length: 200 }, (_, at) => 1 + Math.floor(at / 10));
    const group = new Group({ voters: 'abc', logs: { a: terms, c: terms } });
    group.elect('a');
    expect(group.at('b').log).toEqual(group.at('a').log);
    expect(group.sentOf('append').filter(({ to, entries }) => to === b && entries.length > 0)).toHaveLength(2);
  });
});

describe('appends that arrive', () => {
  test('in another order lead to the same log', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), fc.infiniteStream(fc.integer({ min: 0, max: 9 })), (order, luck) => {
        const group = new Group({ voters: 'abc', settings: { maxInflight: 8, maxAppendBytes: 40 } });
        group.elect('a');
        for (let n = 0; n < 12; n++) {
          group.offer('a', `${n}`);
          // One message of those on the wire, wherever it stands; sometimes it is lost, or stays to arrive again.
          for (let steps = 0; steps < 6 && group.wire.length > 0; steps++) {
            const at = (order.next().value ?? 0) % group.wire.length;
            const [message] = group.wire.slice(at, at + 1);
            const fate = luck.next().value ?? 0;
            if (fate > 1) group.wire.splice(at, 1);
            if (fate > 2 && message) group.step(message);
          }
        }
        group.settle();
        for (let tick = 0; tick < 4; tick++) {
          group.tick('a');
          group.settle();
        }
        expect(group.at('a').state).toHaveLength(12);
        for (const id of 'bc') expect(group.at(id).state).toEqual(group.at('a').state);
      }),
      { numRuns: 200 },
    );
  });

  test('late, after newer ones, shorten nothing', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.offer('a', 'x');
    const late = group.wire.filter(between('a', 'b'));
    group.settle();
    group.isolate('c');
    group.propose('a', 'y', 'z');
    for (const message of late) group.step(message);
    expect(group.at('b').log).toEqual(['1:', '1:x', '1:y', '1:z']);
  });

  test('late, of what was compacted meanwhile, are answered with what is committed', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.offer('a', 'x');
    const late = group.wire.filter(between('a', 'b'));
    group.settle();
    group.propose('a', 'y');
    group.propose('a', 'z');
    group.compact('b');
    group.sent = [];
    for (const message of late) group.step(message);
    expect(group.sentOf('append-response')).toMatchObject([{ index: 4, hint: undefined }]);
  });

  test('say what is committed only as far as they say what stands there', () => {
    // b has an entry that nobody else has; the leader's commit index reaches that far, its entries do not.
    const group = new Group({ voters: 'abc', logs: { b: [1, 2] }, terms: { b: 3 } });
    const entries = [{ type: 'data', term: 1, index: 1, data: bytes('1.1') }] as const;
    group.step(append('a', 'b', 3, { index: 0, term: 0 }, entries, 2));
    expect(group.at('b').status.committed).toBe(1);
  });
});

describe('heartbeats', () => {
  test('say what is committed only as far as the follower is known to be', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.loses = (message) => isAppend(message) && message.to === c;
    group.propose('a', 'x');
    group.sent = [];
    group.tick('a');
    expect(group.sentOf('heartbeat').map(({ to, commit }) => [to, commit])).toEqual([
      ['b', 2],
      ['c', 1],
    ]);
  });

  test('end a probe that was lost', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.do('a', (raft) => raft.reportUnreachable(b));
    group.offer('a', 'x');
    group.wire = [];
    group.offer('a', 'y');
    expect(group.wire.filter(between('a', 'b'))).toEqual([]);
    expect(group.at('a').progress('b')).toMatchObject({ state: 'probe', isPaused: true });
    group.tick('a');
    group.settle();
    expect(group.at('a').progress('b')).toMatchObject({ state: 'replicate', isPaused: false });
    expect(group.at('b').state).toEqual(['x', 'y']);
  });

  test('find out that a whole window of appends was lost (etcd#14633)', () => {
    const group = new Group({ voters: 'abc', settings: { maxInflight: 3 } });
    group.elect('a');
    group.loses = isAppend;
    for (const what of ['1', '2', '3', '4', '5']) group.propose('a', what);
    expect(group.at('a').progress('b')).toMatchObject({ state: 'replicate', isPaused: true });
    group.heal();
    group.tick('a');
    group.deliver();
    group.sent = [];
    group.deliver();
    // An empty append asks; nothing more goes out before there is an answer.
    expect(group.sentOf('append').map(({ entries }) => entries.length)).toEqual([0, 0]);
    expect(group.at('a').progress('b').inflight.count).toBe(3);
    group.settle();
    for (const id of 'abc') expect(group.at(id).state).toEqual(['1', '2', '3', '4', '5']);
  });

  test('find out that the news of the last commit was lost', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.offer('a', 'x');
    group.deliver();
    group.deliver();
    group.wire = [];
    expect([group.at('a').state, group.at('b').state]).toEqual([['x'], []]);
    group.tick('a');
    group.settle();
    expect(group.at('b').state).toEqual(['x']);
  });
});

describe('a leader', () => {
  test('sends to a follower that answers without waiting for each answer, up to its window', () => {
    const group = new Group({ voters: 'abc', settings: { maxInflight: 3 } });
    group.elect('a');
    group.sent = [];
    for (const what of ['1', '2', '3', '4', '5']) group.offer('a', what);
    expect(group.sentOf('append').filter(({ to }) => to === b)).toHaveLength(3);
    expect(group.at('a').progress('b').inflight.count).toBe(3);
    // The answer to one lets the rest go, together.
    group.deliver(between('a', 'b'));
    group.deliver(between('b', 'a'));
    expect(group.at('a').progress('b').next).toBe(group.at('a').status.lastIndex + 1);
  });

  test('counts the bytes under way too', () => {
    const settings = { maxInflightBytes: 2000, maxAppendBytes: 600 };
    const group = new Group({ voters: 'abc', settings });
    group.elect('a');
    for (let n = 0; n < 10; n++) group.offer('a', 'x'.repeat(500));
    const { inflight } = group.at('a').progress('b');
    expect(inflight.bytes).toBeGreaterThanOrEqual(2000);
    expect(inflight.bytes).toBeLessThan(2000 + 516);
    group.settle();
    expect(group.at('b').state).toHaveLength(10);
  });

  test('sends an append no larger than allowed, though one entry always fits', () => {
    const group = new Group({ voters: 'abc', settings: { maxAppendBytes: 100 } });
    group.elect('a');
    group.sent = [];
    group.propose('a', 'x'.repeat(30), 'y'.repeat(30), 'z'.repeat(500));
    const sizes = group.sentOf('append').map(({ entries }) => entries.length);
    expect(Math.max(...sizes)).toBe(2);
    expect(group.at('b').state.map(({ length }) => length)).toEqual([30, 30, 500]);
  });

  test('probes a follower whose connection broke, once, and again after its answer to a heartbeat', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.do('a', (raft) => raft.reportUnreachable(b));
    group.sent = [];
    for (const what of ['1', '2', '3']) group.offer('a', what);
    expect(group.sentOf('append').filter(({ to }) => to === b)).toHaveLength(1);
    expect(group.sentOf('append').filter(({ to }) => to === c)).toHaveLength(3);
  });

  test('takes on only so much while nothing gets committed', () => {
    const group = new Group({ voters: 'abc', settings: { maxUncommittedBytes: 300, checkQuorum: false } });
    group.elect('a');
    group.isolate('a');
    const results = Array.from({ length: 10 }, (_, n) => group.offer('a', `${n}`.padEnd(84, '.')));
    expect(results.filter((result) => 'refused' in result)).toHaveLength(7);
    expect(results.at(-1)).toEqual({ refused: 'too-much-uncommitted' });
    expect(group.at('a').status.lastIndex).toBe(4);
    group.heal();
    group.tick('a');
    group.settle();
    expect(group.propose('a', 'again')).toMatchObject({ firstIndex: 5 });
    expect(group.at('c').state).toHaveLength(4);
  });

  test('takes on one proposal whatever its size, when everything else is committed', () => {
    const group = new Group({ voters: 'abc', settings: { maxUncommittedBytes: 300 } });
    group.elect('a');
    expect(group.propose('a', 'x'.repeat(5000))).toMatchObject({ firstIndex: 2 });
    expect(group.propose('a', 'y'.repeat(5000))).toMatchObject({ firstIndex: 3 });
  });

  test('takes on no entry that is larger than may be, nor one of several, nor a change with such a note', () => {
    const group = new Group({ voters: 'abc', settings: { maxEntryBytes: 100 } });
    group.elect('a');
    expect(group.offer('a', 'x'.repeat(101))).toEqual({ refused: 'too-large' });
    expect(group.offer('a', 'x', 'x'.repeat(101))).toEqual({ refused: 'too-large' });
    const removal = { steps: [{ do: 'remove', peer: c }], transition: 'auto' } as const;
    expect(group.at('a').raft.proposeChange(removal, new Uint8Array(101))).toEqual({ refused: 'too-large' });
    expect(group.at('a').status.lastIndex).toBe(1);
    expect(group.propose('a', 'x'.repeat(100))).toMatchObject({ firstIndex: 2 });
  });

  test('by default takes on nothing that the history could not keep', () => {
    expect(defaultSettings.maxEntryBytes).toBeLessThan(maxEntryBytes);
  });

  test('does not count what an earlier leader left behind against that', () => {
    const terms = Array.from({ length: 50 }, () => 1);
    const group = new Group({ voters: 'abc', logs: { a: terms, b: terms }, settings: { maxUncommittedBytes: 100 } });
    group.elect('a');
    for (let n = 0; n < 20; n++) expect(group.propose('a', 'x'.repeat(60))).not.toHaveProperty('refused');
    // Nor does it take on more for having committed that.
    group.isolate('a');
    expect(group.offer('a', 'x'.repeat(60))).not.toHaveProperty('refused');
    expect(group.offer('a', 'x'.repeat(60))).toEqual({ refused: 'too-much-uncommitted' });
  });

  test('alone commits when its own disk has it', () => {
    const group = new Group({ voters: 'a' });
    group.elect('a');
    group.at('a').storesAtOnce = false;
    group.propose('a', 'x');
    expect(group.now('a')).toMatchObject({ committed: 1, state: [] });
    group.store('a');
    expect(group.now('a')).toMatchObject({ committed: 2, state: ['x'] });
  });

  test('takes no proposals when it does not lead', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    expect(group.offer('b', 'x')).toEqual({ refused: 'not-leader' });
    group.campaign('c');
    expect(group.offer('c', 'x')).toEqual({ refused: 'not-leader' });
  });

  test('ends rather than going on beside another leader of its term', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    const rival = { from: b, to: a, term: 1 } as const;
    const heartbeat = { type: 'heartbeat', ...rival, commit: 0, commitTerm: 0, token: 0 } as const;
    expect(() => group.step(heartbeat)).toThrow(/b sends heartbeat as leader/);
  });
});
