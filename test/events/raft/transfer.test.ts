/** Handing leadership on (§3.10 of the dissertation). With pre-vote and check-quorum on, which must not stand in its way. */
import { describe, expect, test } from 'vitest';
import { asPeer } from '#events/raft/entry.ts';
import { bytes, Group } from './group.ts';
import { heartbeat } from './messages.ts';

const electionTicks = 10;
const transfer = (group: Group, from: string, to: string): void =>
  group.do(from, (raft) => raft.transferTo(asPeer(to)));

/** Everybody has the same log and follows `a`. */
function led(options: { voters?: string; learners?: string } = {}): Group {
  const group = new Group({ voters: options.voters ?? 'abc', learners: options.learners ?? '' });
  group.elect('a');
  group.propose('a', 'before');
  group.sent = [];
  return group;
}

const transferee = (group: Group, of: string) => {
  const { role } = group.at(of).status;
  return role.name === 'leader' ? role.transferTo : undefined;
};

/** To c, which is away; a waits for it. */
function pending(): Group {
  const group = led();
  group.isolate('c');
  group.propose('a', 'more');
  transfer(group, 'a', 'c');
  group.settle();
  expect(transferee(group, 'a')).toBe('c');
  return group;
}

describe('a leader that is asked to hand on', () => {
  test('to a member that has everything lets it campaign at once, and it wins', () => {
    const group = led();
    transfer(group, 'a', 'b');
    group.settle();
    expect(group.sentOf('timeout-now')).toMatchObject([{ from: 'a', to: 'b', term: 1 }]);
    // Nobody was asked before, and nobody protected the leader that they all hear.
    expect(group.sentOf('pre-vote')).toEqual([]);
    expect(group.sentOf('vote').every((vote) => vote.transfer)).toBe(true);
    expect(group.now('b')).toMatchObject({ role: 'leader', term: 2 });
    expect(group.now('a')).toMatchObject({ role: 'follower', leader: 'b', term: 2 });
    expect(group.now('c')).toMatchObject({ role: 'follower', leader: 'b', term: 2 });
  });

  test('and back again gets it back', () => {
    const group = led();
    transfer(group, 'a', 'b');
    group.settle();
    transfer(group, 'b', 'a');
    group.settle();
    expect(group.now('a')).toMatchObject({ role: 'leader', term: 3 });
  });

  test('to a slow member sends it what it lacks first', () => {
    const group = led();
    group.isolate('c');
    group.propose('a', 'x', 'y');
    group.heal();
    transfer(group, 'a', 'c');
    group.deliver();
    expect(group.sentOf('timeout-now')).toEqual([]);
    group.tick('a');
    group.settle();
    expect(group.now('c')).toMatchObject({ role: 'leader', term: 2, state: ['before', 'x', 'y'] });
  });

  test('to a slow member that gets what it lacks in pieces waits for the last of them', () => {
    const group = new Group({ voters: 'abc', settings: { maxAppendBytes: 40, maxInflight: 1 } });
    group.elect('a');
    group.isolate('c');
    group.propose('a', ...Array.from({ length: 9 }, (_, n) => `${n}`));
    group.heal();
    group.sent = [];
    transfer(group, 'a', 'c');
    group.tick('a');
    while (group.sentOf('timeout-now').length === 0) group.deliver();
    expect(group.at('c').log).toEqual(group.at('a').log);
    group.settle();
    expect(group.sentOf('timeout-now')).toHaveLength(1);
    expect(group.now('c')).toMatchObject({ role: 'leader', term: 2 });
  });

  test('to a member that needs a snapshot sends that first', () => {
    const group = led();
    group.isolate('c');
    group.propose('a', 'x', 'y');
    group.compact('a');
    group.heal();
    transfer(group, 'a', 'c');
    group.tick('a');
    group.settle();
    expect(group.sentOf('snapshot')).toMatchObject([{ to: 'c' }]);
    expect(group.now('c')).toMatchObject({ role: 'leader', term: 2, state: ['before', 'x', 'y'] });
  });

  test('refuses proposals meanwhile, changes of the group too', () => {
    const group = pending();
    expect(group.offer('a', 'no')).toEqual({ refused: 'transferring' });
    const change = { steps: [{ do: 'remove', peer: asPeer('b') }], transition: 'auto' } as const;
    expect(group.do('a', (raft) => raft.proposeChange(change, bytes('')))).toEqual({ refused: 'transferring' });
    expect(group.at('a').log).toEqual(['1:', '1:before', '1:more']);
  });

  test('answers reads meanwhile: it still leads', () => {
    const group = pending();
    group.do('a', (raft) => raft.read('r'));
    group.settle();
    expect(group.at('a').reads).toEqual([{ request: 'r', index: 3 }]);
  });

  test('to one that cannot be reached gives up after an election timeout, and takes proposals again', () => {
    const group = pending();
    for (let tick = 0; tick < electionTicks - 1; tick++) {
      group.tick('a');
      group.settle();
    }
    expect(group.offer('a', 'no')).toEqual({ refused: 'transferring' });
    group.tick('a');
    group.settle();
    expect(transferee(group, 'a')).toBeUndefined();
    group.propose('a', 'after');
    expect(group.now('a')).toMatchObject({ role: 'leader', term: 1, state: ['before', 'more', 'after'] });
  });

  test('gives it as long, however long it has led', () => {
    const group = led();
    for (let tick = 0; tick < electionTicks - 1; tick++) {
      group.tick('a');
      group.settle();
    }
    group.crash('c');
    transfer(group, 'a', 'c');
    group.tick('a', electionTicks - 1);
    group.settle();
    expect(transferee(group, 'a')).toBe('c');
    group.tick('a');
    expect(transferee(group, 'a')).toBeUndefined();
  });

  test('to somebody whom the group does not know, or who was removed, goes on leading', () => {
    const group = led();
    const change = { steps: [{ do: 'remove', peer: asPeer('c') }], transition: 'auto' } as const;
    group.do('a', (raft) => raft.proposeChange(change, bytes('')));
    group.settle();
    for (const to of ['z', 'c']) transfer(group, 'a', to);
    expect(transferee(group, 'a')).toBeUndefined();
    expect(group.offer('a', 'x')).toMatchObject({ term: 1 });
  });

  test('to a member that is removed while it waits, waits no longer', () => {
    const group = led({ voters: 'abcd' });
    group.isolate('d');
    const change = { steps: [{ do: 'remove', peer: asPeer('d') }], transition: 'auto' } as const;
    group.do('a', (raft) => raft.proposeChange(change, bytes('')));
    transfer(group, 'a', 'd');
    expect(transferee(group, 'a')).toBe('d');
    group.settle();
    expect(group.at('a').status.configuration.voters).toEqual(['a', 'b', 'c']);
    expect(transferee(group, 'a')).toBeUndefined();
    expect(group.offer('a', 'x')).toMatchObject({ term: 1 });
  });

  test('to a learner goes on leading: it could not be elected', () => {
    const group = led({ voters: 'ab', learners: 'd' });
    transfer(group, 'a', 'd');
    group.settle();
    expect(group.sentOf('timeout-now')).toEqual([]);
    expect(group.offer('a', 'x')).toMatchObject({ term: 1 });
  });

  test('to itself goes on leading', () => {
    const group = led();
    transfer(group, 'a', 'a');
    group.settle();
    expect(group.now('a')).toMatchObject({ role: 'leader', term: 1 });
    expect(group.offer('a', 'x')).toMatchObject({ term: 1 });
  });

  test('to a second member while it waits for the first takes the second', () => {
    const group = pending();
    transfer(group, 'a', 'b');
    group.settle();
    expect(group.now('b')).toMatchObject({ role: 'leader', term: 2 });
  });

  test('to the same member again does not give it more time', () => {
    const group = pending();
    group.tick('a', electionTicks / 2);
    group.settle();
    transfer(group, 'a', 'c');
    group.tick('a', electionTicks / 2);
    group.settle();
    expect(transferee(group, 'a')).toBeUndefined();
  });

  test('to a member that dies can be told of another, after which that one leads', () => {
    const group = led();
    transfer(group, 'a', 'c');
    group.crash('c');
    group.settle();
    expect(group.now('a')).toMatchObject({ role: 'leader', term: 1 });
    expect(group.offer('a', 'no')).toEqual({ refused: 'transferring' });
    transfer(group, 'a', 'b');
    group.settle();
    expect(group.now('b')).toMatchObject({ role: 'leader', term: 2 });
    group.propose('b', 'after');
    expect(group.at('a').state).toEqual(['before', 'after']);
  });

  test('while entries are on their way waits until the other has them', () => {
    const group = led();
    group.offer('a', 'x');
    transfer(group, 'a', 'b');
    expect(group.sentOf('timeout-now')).toEqual([]);
    group.settle();
    expect(group.now('b')).toMatchObject({ role: 'leader', state: ['before', 'x'] });
  });

  test('while the other’s disk is slow waits until that has stored them', () => {
    const group = led();
    group.at('b').storesAtOnce = false;
    group.offer('a', 'x');
    transfer(group, 'a', 'b');
    group.settle();
    expect(group.sentOf('timeout-now')).toEqual([]);
    group.at('b').storesAtOnce = true;
    group.store('b');
    group.settle();
    expect(group.now('b')).toMatchObject({ role: 'leader', state: ['before', 'x'] });
  });

  test('and loses its leadership otherwise forgets about it', () => {
    const group = pending();
    group.step(heartbeat('b', 'a', 5));
    group.elect('a');
    expect(transferee(group, 'a')).toBeUndefined();
    expect(group.offer('a', 'x')).toMatchObject({ term: 6 });
  });

  test('is told nothing new by the order when it arrives late', () => {
    const group = led();
    transfer(group, 'a', 'b');
    const [order] = group.wire;
    group.wire = [];
    for (let tick = 0; tick < electionTicks; tick++) {
      group.tick('a');
      group.settle();
    }
    group.step(heartbeat('c', 'b', 2));
    if (order) group.step(order);
    expect(group.now('b')).toMatchObject({ role: 'follower', term: 2 });
  });
});

test('a follower that is asked to hand on does nothing: only the leader can', () => {
  const group = led();
  transfer(group, 'b', 'c');
  group.settle();
  expect(group.now('a')).toMatchObject({ role: 'leader', term: 1 });
});

test('a leader that leads alone has nobody to hand on to', () => {
  const group = led({ voters: 'a' });
  transfer(group, 'a', 'a');
  expect(group.offer('a', 'x')).toMatchObject({ term: 1 });
});
