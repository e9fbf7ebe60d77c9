/** Reads that are never stale (§6.4 of the dissertation): rounds and their tokens, then whole groups. */
import { describe, expect, test } from 'vitest';
import { asPeer } from '#events/raft/entry.ts';
import { Reads } from '#events/raft/reads.ts';
import { Group } from './group.ts';

const [a, b, c] = [asPeer('a'), asPeer('b'), asPeer('c')];
const names = (reads: readonly { readonly request: string }[]): string[] => reads.map(({ request }) => request);

describe('a round', () => {
  test('begins when a read waits, and its token grows', () => {
    const reads = new Reads();
    expect([reads.wantsRound, reads.beginRound()]).toEqual([false, 0]);
    reads.add(a, 'r1', 5);
    expect([reads.wantsRound, reads.beginRound(), reads.token]).toEqual([true, 1, 1]);
    // Heartbeats of the same round carry the same token.
    expect([reads.wantsRound, reads.beginRound()]).toEqual([false, 1]);
  });

  test('that is under way does not confirm a read that came later', () => {
    const reads = new Reads();
    reads.add(a, 'r1', 5);
    reads.beginRound();
    reads.add(a, 'r2', 6);
    expect(reads.wantsRound).toBe(false);
    expect(names(reads.confirm(1))).toEqual(['r1']);
    expect(reads.wantsRound).toBe(true);
    expect(reads.beginRound()).toBe(2);
    expect(names(reads.confirm(1))).toEqual([]);
    expect(names(reads.confirm(2))).toEqual(['r2']);
    expect([reads.wantsRound, reads.count]).toEqual([false, 0]);
  });

  test('is shared by all reads that came while the one before was under way', () => {
    const reads = new Reads();
    reads.add(a, 'r1', 5);
    reads.beginRound();
    for (const name of ['r2', 'r3', 'r4']) reads.add(b, name, 6);
    reads.confirm(1);
    reads.beginRound();
    expect(names(reads.confirm(2))).toEqual(['r2', 'r3', 'r4']);
  });

  test('that was lost is covered by the next heartbeat, which confirms what waits for either', () => {
    const reads = new Reads();
    reads.add(a, 'r1', 5);
    reads.beginRound();
    reads.add(a, 'r2', 6);
    expect(reads.beginRound()).toBe(2);
    expect(names(reads.confirm(2))).toEqual(['r1', 'r2']);
  });

  test('gives each read the commit index from when it was asked', () => {
    const reads = new Reads();
    reads.add(a, 'r1', 5);
    reads.add(b, 'r2', 9);
    reads.beginRound();
    expect(reads.confirm(1)).toMatchObject([
      { from: 'a', request: 'r1', index: 5 },
      { from: 'b', request: 'r2', index: 9 },
    ]);
  });

  test('comes only after the leader is sure of its commit index, for reads that came before', () => {
    const reads = new Reads();
    reads.addEarly(a, 'r1');
    expect([reads.count, reads.wantsRound]).toEqual([1, false]);
    expect(reads.takeEarly()).toEqual([{ from: 'a', request: 'r1' }]);
    expect([reads.count, reads.takeEarly()]).toEqual([0, []]);
  });
});

function led(voters = 'abc'): Group {
  const group = new Group({ voters });
  group.elect('a');
  group.propose('a', 'x');
  group.sent = [];
  return group;
}

const read = (group: Group, of: string, name: string): void => group.do(of, (raft) => raft.read(name));

describe('a read', () => {
  test('at the leader is answered with its commit index after one round of heartbeats', () => {
    const group = led();
    read(group, 'a', 'r');
    expect(group.sentOf('heartbeat').map(({ to, token }) => [to, token])).toEqual([
      ['b', 1],
      ['c', 1],
    ]);
    expect(group.at('a').reads).toEqual([]);
    group.deliver(({ to }) => to === 'b');
    group.deliver(({ to }) => to === 'a');
    expect(group.at('a').reads).toEqual([{ request: 'r', index: 2 }]);
  });

  test('at a follower is answered by the leader', () => {
    const group = led();
    read(group, 'b', 'r');
    group.settle();
    expect(group.at('b').reads).toEqual([{ request: 'r', index: 2 }]);
    expect(group.at('a').reads).toEqual([]);
  });

  test('at a learner too', () => {
    const group = new Group({ voters: 'ab', learners: 'c' });
    group.elect('a');
    read(group, 'c', 'r');
    group.settle();
    expect(group.at('c').reads).toEqual([{ request: 'r', index: 1 }]);
  });

  test('at a member that is alone is answered at once', () => {
    const group = led('a');
    read(group, 'a', 'r');
    expect(group.at('a').reads).toEqual([{ request: 'r', index: 2 }]);
  });

  test('at a member that knows no leader is refused at once', () => {
    const group = new Group({ voters: 'abc' });
    read(group, 'b', 'r');
    expect([group.sent, group.at('b').reads]).toEqual([[], []]);
    expect(group.at('b').refusedReads).toEqual([{ request: 'r', why: 'no-leader' }]);
  });

  test('sent to a follower is passed on to the leader, once', () => {
    const group = led();
    read(group, 'c', 'r');
    group.wire = [];
    group.sent = [];
    group.step({ type: 'read', from: c, to: b, term: 1, request: 'r' });
    expect(group.sentOf('read')).toMatchObject([{ from: 'c', to: 'a' }]);
    group.settle();
    expect(group.at('c').reads).toEqual([{ request: 'r', index: 2 }]);
    // Should the leader itself ask, it does not lead any more: nobody knows who does.
    group.sent = [];
    group.step({ type: 'read', from: a, to: b, term: 1, request: 'r' });
    expect(group.sent).toMatchObject([{ type: 'read-refusal', to: 'a', request: 'r', why: 'no-leader' }]);
  });

  test('that is asked twice under one name is answered twice, each after a round of its own', () => {
    const group = led();
    read(group, 'a', 'r');
    group.settle();
    group.propose('a', 'y');
    group.sent = [];
    read(group, 'a', 'r');
    expect(group.sentOf('heartbeat')[0]?.token).toBe(2);
    group.settle();
    expect(group.at('a').reads).toEqual([
      { request: 'r', index: 2 },
      { request: 'r', index: 3 },
    ]);
  });

  test('is not confirmed by answers to what was sent before it was asked (etcd#20418)', () => {
    const group = led();
    read(group, 'a', 'r');
    group.deliver(({ type }) => type === 'heartbeat');
    const slow = group.wire.filter(({ from }) => from === 'b');
    group.wire = group.wire.filter(({ from }) => from === 'c');
    group.settle();
    expect(group.at('a').reads).toEqual([{ request: 'r', index: 2 }]);
    // Behind a's back b is elected, and writes. Then a is asked again, under the same name.
    group.isolate('a');
    group.do('c', (raft) => raft.forgetLeader());
    group.tick('b', 10);
    group.settle();
    group.propose('b', 'y');
    expect(group.at('c').state).toEqual(['x', 'y']);
    read(group, 'a', 'r');
    group.settle();
    // b's answer of long ago arrives only now.
    expect(slow).toHaveLength(1);
    for (const message of slow) group.step(message);
    expect(group.at('a').reads).toHaveLength(1);
  });

  test('is not confirmed by those who follow somebody else by now', () => {
    const group = led();
    group.isolate('a');
    group.do('c', (raft) => raft.forgetLeader());
    group.tick('b', 10);
    group.settle();
    group.propose('b', 'y');
    read(group, 'a', 'r');
    group.tick('a', 5);
    group.settle();
    group.heal();
    group.tick('a');
    group.settle();
    expect(group.at('a').reads).toEqual([]);
    expect(group.now('a')).toMatchObject({ role: 'follower', term: 2 });
  });

  test('waits for the heartbeats to be sent again when they are lost', () => {
    const group = led();
    group.loses = ({ type }) => type === 'heartbeat';
    read(group, 'a', 'r');
    group.settle();
    group.heal();
    expect(group.at('a').reads).toEqual([]);
    group.tick('a');
    group.settle();
    expect(group.at('a').reads).toEqual([{ request: 'r', index: 2 }]);
  });

  test('is not confirmed by learners', () => {
    const group = new Group({ voters: 'abc', learners: 'de' });
    group.elect('a');
    for (const id of 'bc') group.isolate(id);
    read(group, 'a', 'r');
    group.settle();
    expect(group.at('a').reads).toEqual([]);
  });

  test('beyond those that may wait is refused, at the leader', () => {
    const group = new Group({ voters: 'abc', settings: { maxPendingReads: 2 } });
    group.elect('a');
    for (const name of ['r1', 'r2', 'r3']) read(group, 'a', name);
    expect(group.at('a').refusedReads).toEqual([{ request: 'r3', why: 'too-many' }]);
    group.settle();
    expect(names(group.at('a').reads)).toEqual(['r1', 'r2']);
    read(group, 'a', 'r4');
    group.settle();
    expect(names(group.at('a').reads)).toEqual(['r1', 'r2', 'r4']);
    expect(group.at('a').refusedReads).toHaveLength(1);
  });

  test('beyond those that may wait at the leader is refused to the follower that asked', () => {
    const group = new Group({ voters: 'abc', settings: { maxPendingReads: 2 } });
    group.elect('a');
    for (const name of ['r1', 'r2']) read(group, 'a', name);
    read(group, 'b', 'r3');
    group.deliver(({ type }) => type === 'read');
    group.settle();
    expect(group.at('b').reads).toEqual([]);
    expect(group.at('b').refusedReads).toEqual([{ request: 'r3', why: 'too-many' }]);
    expect(group.at('a').refusedReads).toEqual([]);
  });

  test('beyond those that may wait for the leader is refused at the follower itself', () => {
    const group = new Group({ voters: 'abc', settings: { maxPendingReads: 2 } });
    group.elect('a');
    for (const name of ['r1', 'r2', 'r3']) read(group, 'b', name);
    expect(group.at('b').refusedReads).toEqual([{ request: 'r3', why: 'too-many' }]);
    group.settle();
    expect(names(group.at('b').reads)).toEqual(['r1', 'r2']);
    // Those that were answered make room.
    read(group, 'b', 'r4');
    group.settle();
    expect(names(group.at('b').reads)).toEqual(['r1', 'r2', 'r4']);
  });

  test('is answered once, however often the answer arrives', () => {
    const group = led();
    read(group, 'b', 'r');
    group.settle();
    for (const answer of group.sentOf('read-response')) group.step(answer);
    expect(group.at('b').reads).toHaveLength(1);
  });
});

describe('whoever asked for a read is told that there will be no answer', () => {
  const refused = (group: Group, of: string) =>
    group.at(of).refusedReads.map(({ request, why }) => `${request} ${why}`);

  test('when the leader that it asked itself steps down', () => {
    const group = led();
    group.isolate('a');
    read(group, 'a', 'r');
    group.tick('a', 20);
    expect(group.at('a').role).toBe('follower');
    expect([group.at('a').reads, refused(group, 'a')]).toEqual([[], ['r leader-changed']]);
  });

  test('when the leader had not committed anything yet, and steps down', () => {
    const group = new Group({ voters: 'abc' });
    group.loses = ({ type }) => type === 'append';
    group.elect('a');
    read(group, 'a', 'r');
    group.isolate('a');
    group.tick('a', 20);
    expect(refused(group, 'a')).toEqual(['r leader-changed']);
  });

  test('when its follower passed it on, and hears of another leader', () => {
    const group = led();
    group.loses = ({ type }) => type === 'read-response';
    read(group, 'c', 'r');
    group.settle();
    expect(refused(group, 'c')).toEqual([]);
    group.heal();
    group.do('a', (raft) => raft.transferTo(b));
    group.settle();
    expect(group.at('c').leader).toBe('b');
    expect([group.at('c').reads, refused(group, 'c')]).toEqual([[], ['r leader-changed']]);
    // An answer of the leader before would come too late.
    group.step({ type: 'read-response', from: a, to: c, term: 1, request: 'r', index: 2 });
    expect(group.at('c').reads).toEqual([]);
  });

  test('when its follower campaigns', () => {
    const group = led();
    read(group, 'c', 'r');
    group.campaign('c');
    expect(refused(group, 'c')).toEqual(['r leader-changed']);
  });

  test('not when its follower only forgets its leader: what that one says still holds', () => {
    const group = led();
    read(group, 'c', 'r');
    group.do('c', (raft) => raft.forgetLeader());
    group.settle();
    expect([names(group.at('c').reads), refused(group, 'c')]).toEqual([['r'], []]);
  });

  test('when the question was lost on its way, after an election time-out, although the leader is heard', () => {
    const group = led();
    group.loses = ({ type }) => type === 'read';
    read(group, 'c', 'r1');
    group.settle();
    group.heal();
    for (let tick = 0; tick < 5; tick++) group.pass(1);
    read(group, 'c', 'r2');
    group.settle();
    expect(names(group.at('c').reads)).toEqual(['r2']);
    for (let tick = 0; tick < 4; tick++) group.pass(1);
    expect(refused(group, 'c')).toEqual([]);
    group.pass(1);
    expect(refused(group, 'c')).toEqual(['r1 unanswered']);
    group.pass(20);
    expect(refused(group, 'c')).toHaveLength(1);
  });

  test('and by nobody when its own process ended', () => {
    const group = led();
    group.loses = ({ type }) => type === 'read-response';
    read(group, 'c', 'r');
    group.settle();
    group.crash('c');
    group.restart('c');
    group.heal();
    group.pass(20);
    expect([group.at('c').reads, refused(group, 'c')]).toEqual([[], []]);
  });
});

describe('a new leader', () => {
  test('does not answer before it has committed an entry of its own term (etcd#7331)', () => {
    const group = led();
    group.isolate('c');
    group.propose('a', 'y');
    group.crash('a');
    group.heal();
    group.do('c', (raft) => raft.forgetLeader());
    // b has y, and does not know that it is committed.
    group.loses = ({ type }) => type === 'append';
    expect(group.at('b').log.at(-1)).toBe('1:y');
    group.elect('b');
    read(group, 'b', 'r');
    for (let round = 0; round < 3; round++) {
      group.tick('b');
      group.settle();
    }
    expect(group.at('b').reads).toEqual([]);
    group.heal();
    group.tick('b');
    group.settle();
    expect(group.at('b').reads).toEqual([{ request: 'r', index: group.at('b').status.committed }]);
    expect(group.at('b').state).toEqual(['x', 'y']);
  });

  test('knows nothing of the reads that an earlier one was asked', () => {
    const group = led();
    group.loses = ({ type }) => type === 'heartbeat';
    read(group, 'a', 'r');
    group.settle();
    group.heal();
    group.do('a', (raft) => raft.transferTo(b));
    group.settle();
    group.tick('b');
    group.settle();
    expect(group.at('b').role).toBe('leader');
    expect(group.at('a').reads).toEqual([]);
  });
});
