/**
 * After a possible loss the group may go on without something that a member has committed and applied. That member never
 * acknowledges the group's log as its own: it ends, loudly.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { asPeer, type Entry } from '#events/raft/entry.ts';
import { Group, bytes } from './group.ts';
import { append, heartbeat } from './messages.ts';

const entry = (index: number, term: number): Entry => ({ type: 'data', index, term, data: bytes(`${index}@${term}`) });

describe('a follower that has committed entry 4 of term 2', () => {
  let group: Group;
  beforeEach(() => {
    group = new Group({ voters: 'abc', logs: { c: [1, 1, 2, 2] } });
    group.step(append('a', 'c', 2, { index: 4, term: 2 }, [], 4));
    expect(group.at('c').status.committed).toBe(4);
    group.sent = [];
  });

  const gaveUp = { name: 'GivenUp', index: 4 };
  const acknowledged = () => group.sentOf('append-response').filter(({ hint }) => hint === undefined);

  test.each([
    ['an entry in its place', append('a', 'c', 3, { index: 3, term: 2 }, [entry(4, 3), entry(5, 3)])],
    ['entries from further back', append('a', 'c', 3, { index: 2, term: 1 }, [entry(3, 2), entry(4, 3)])],
    ['entries behind another one in its place', append('a', 'c', 3, { index: 4, term: 3 }, [entry(5, 3)])],
    ['news that another one is committed there', heartbeat('a', 'c', 3, 4, 0, 3)],
    [
      'a snapshot that ends with another one',
      {
        type: 'snapshot' as const,
        from: asPeer('a'),
        to: asPeer('c'),
        term: 3,
        snapshot: { index: 4, term: 3, configuration: new Group({ voters: 'abc' }).at('a').status.configuration },
      },
    ],
  ])('ends at %s, and acknowledges nothing', (_, message) => {
    expect(() => group.step(message)).toThrow(expect.objectContaining(gaveUp));
    expect(acknowledged()).toEqual([]);
  });

  test('takes old news as such, when it is the same', () => {
    group.step(append('a', 'c', 3, { index: 2, term: 1 }, [entry(3, 2), entry(4, 2), entry(5, 3)]));
    group.step(append('a', 'c', 3, { index: 1, term: 1 }, [entry(2, 1)]));
    group.step(heartbeat('a', 'c', 3, 3, 0, 2));
    expect(acknowledged().map(({ index }) => index)).toEqual([4, 4]);
  });

  test('rejects what it cannot join, as ever', () => {
    group.step(append('a', 'c', 3, { index: 6, term: 3 }, [entry(7, 3)]));
    expect(group.sentOf('append-response').map(({ hint }) => hint)).toEqual([{ index: 4, term: 2 }]);
  });
});
