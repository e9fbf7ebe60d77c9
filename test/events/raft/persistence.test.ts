/** The law of `ready.ts`: what may leave before the disk has answered, and what the disk's answers mean. */
import { describe, expect, test } from 'vitest';
import { asPeer } from '#events/raft/entry.ts';
import { bytes, Group, text } from './group.ts';
import { append, entriesAfter, heartbeat, vote, voteResponse } from './messages.ts';

const [a, b] = [asPeer('a'), asPeer('b')];

/** Their disks answer when the test says so. */
function hold(group: Group, ids: string): void {
  for (const id of ids) group.at(id).storesAtOnce = false;
}

describe('before its disk has answered', () => {
  test('a candidate asks nobody for a vote', () => {
    const group = new Group({ voters: 'abc', settings: { preVote: false } });
    hold(group, 'a');
    group.campaign('a');
    expect(group.now('a')).toMatchObject({ role: 'candidate', term: 1 });
    expect(group.sent).toEqual([]);
    group.store('a');
    expect(group.at('a').disk.hardState).toMatchObject({ term: 1, vote: a });
    expect(group.sentOf('vote')).toHaveLength(2);
  });

  test('a candidate does not count its own vote', () => {
    const group = new Group({ voters: 'abc', settings: { preVote: false } });
    hold(group, 'a');
    group.campaign('a');
    group.step(voteResponse('b', 'a', 1, true));
    expect(group.at('a').role).toBe('candidate');
    group.store('a');
    expect(group.at('a').role).toBe('leader');
  });

  test('a member that is alone does not lead', () => {
    const group = new Group({ voters: 'a' });
    hold(group, 'a');
    group.campaign('a');
    expect(group.at('a').role).toBe('candidate');
    group.store('a');
    expect(group.at('a').role).toBe('leader');
    expect(group.at('a').status.committed).toBe(0);
    group.store('a');
    expect(group.at('a').status.committed).toBe(1);
  });

  test('a voter gives no vote, though it refuses at once', () => {
    const group = new Group({ voters: 'abc' });
    hold(group, 'a');
    group.step(vote('b', 'a', 1));
    expect(group.sent).toEqual([]);
    group.step(vote('c', 'a', 1));
    expect(group.sentOf('vote-response')).toMatchObject([{ to: 'c', granted: false }]);
    group.store('a');
    expect(group.at('a').disk.hardState).toMatchObject({ term: 1, vote: b });
    expect(group.sentOf('vote-response')).toMatchObject([
      { to: 'c', granted: false },
      { to: 'b', granted: true },
    ]);
  });

  test('nor does it in a term that it has known for long', () => {
    const group = new Group({ voters: 'abc', terms: { a: 5 } });
    hold(group, 'a');
    group.step(vote('b', 'a', 5));
    expect(group.at('a').status.vote).toBe(b);
    expect(group.sent).toEqual([]);
    group.store('a');
    expect(group.at('a').disk.hardState).toMatchObject({ term: 5, vote: b });
    expect(group.sentOf('vote-response')).toMatchObject([{ to: 'b', granted: true }]);
  });

  test('a vote that a crash forgot was never given, and may go to somebody else', () => {
    const group = new Group({ voters: 'abc' });
    hold(group, 'a');
    group.step(vote('b', 'a', 1));
    group.crash('a');
    group.restart('a');
    group.step(vote('c', 'a', 1));
    group.store('a');
    expect(group.sentOf('vote-response')).toMatchObject([{ to: 'c', granted: true }]);
  });

  test('a follower acknowledges nothing', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    hold(group, 'bc');
    group.propose('a', 'x');
    expect(group.at('b').log).toEqual(['1:', '1:x']);
    expect(group.at('a').status.committed).toBe(1);
    group.store('b');
    group.settle();
    expect(group.at('a').status.committed).toBe(2);
  });

  test('a leader sends its entries, and counts itself only afterwards', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    hold(group, 'a');
    group.isolate('c');
    group.propose('a', 'x');
    expect(group.at('b').log).toEqual(['1:', '1:x']);
    expect(group.at('a').status.committed).toBe(1);
    group.store('a');
    expect(group.at('a').status.committed).toBe(2);
  });

  test('a leader commits what a majority of the others has, and applies it when it has it itself', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    hold(group, 'a');
    group.propose('a', 'x');
    expect(group.now('a')).toMatchObject({ committed: 2, state: [] });
    expect(group.at('b').state).toEqual(['x']);
    group.store('a');
    expect(group.at('a').state).toEqual(['x']);
  });

  test('heartbeats are answered: they rest on nothing', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    hold(group, 'b');
    group.propose('a', 'x');
    group.sent = [];
    group.tick('a');
    group.settle();
    expect(group.sentOf('heartbeat-response').map(({ from }) => from)).toEqual(['b', 'c']);
  });
});

describe('acknowledgements', () => {
  test('leave in the order of the jobs that they rest on', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    hold(group, 'b');
    for (const what of ['x', 'y', 'z']) group.propose('a', what);
    group.sent = [];
    group.store('b', 1);
    expect(group.sentOf('append-response', 'b').map(({ index }) => index)).toEqual([2]);
    group.store('b');
    expect(group.sentOf('append-response', 'b').at(-1)?.index).toBe(4);
  });

  test('of entries that are repeated wait for the job that has them', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    hold(group, 'b');
    group.offer('a', 'x');
    const [append] = group.wire.filter(({ to }) => to === b);
    group.settle();
    group.sent = [];
    if (append) group.step(append);
    expect(group.sentOf('append-response', 'b')).toEqual([]);
    group.store('b');
    expect(group.sentOf('append-response', 'b').map(({ index }) => index)).toContain(2);
  });

  test('leave at once when all that they rest on is durable already', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.offer('a', 'x');
    const [append] = group.wire.filter(({ to }) => to === b);
    group.settle();
    hold(group, 'b');
    group.sent = [];
    if (append) group.step(append);
    expect(group.sentOf('append-response', 'b')).toHaveLength(1);
    expect(group.at('b').jobs).toEqual([]);
  });
});

describe('the disk’s answer to a job of an earlier term', () => {
  test('does not count as an acknowledgement of what stands there by now (append ABA)', () => {
    // a leads in term 1 and hands entry 2 to its disk, which is slow. b replaces it in term 2. Then a leads again, in
    // term 3, with another entry 2 in its log; only now the disk answers to the first job.
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    hold(group, 'a');
    group.isolate('a');
    group.offer('a', 'first');
    const [first] = group.at('a').jobs;
    expect(first?.entries.map(({ index }) => index)).toEqual([2]);
    group.step(append('b', 'a', 2, { index: 1, term: 1 }, entriesAfter(1, 2), 1));
    expect(group.now('a')).toMatchObject({ durable: 1, lastIndex: 2, role: 'follower' });
    group.store('a', 1);
    expect(group.at('a').status.durable).toBe(1);
    group.store('a', 1);
    expect(group.at('a').status.durable).toBe(2);
  });

  test('says nothing about entries of the same index and term that were replaced and came back', () => {
    const group = new Group({ voters: 'abc' });
    hold(group, 'a');
    const replace = (from: string, term: number, by: number): void =>
      group.step(append(from, 'a', term, { index: 0, term: 0 }, entriesAfter(0, by)));
    replace('b', 1, 1);
    replace('c', 2, 2);
    replace('b', 3, 1);
    expect(group.at('a').jobs.map(({ entries }) => entries.map(({ term }) => term))).toEqual([[1], [2], [1]]);
    group.store('a', 1);
    // The disk has entry 1 of term 1, and is about to replace it.
    expect(group.at('a').status.durable).toBe(0);
    group.store('a', 1);
    expect(group.at('a').status.durable).toBe(0);
    group.store('a', 1);
    expect(group.at('a').status.durable).toBe(1);
  });

  test('does not make a leader of somebody who campaigned in it', () => {
    const group = new Group({ voters: 'a', settings: { preVote: false } });
    hold(group, 'a');
    group.campaign('a');
    group.step(heartbeat('b', 'a', 5));
    group.store('a');
    expect(group.now('a')).toMatchObject({ role: 'follower', term: 5, leader: 'b' });
  });
});

describe('a job', () => {
  test('has the term, the vote and the commit index whenever it has anything to write', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    hold(group, 'b');
    group.propose('a', 'x');
    group.propose('a', 'y');
    for (const job of group.at('b').jobs)
      expect(job.hardState === undefined).toBe(job.entries.length === 0 && job.snapshot === undefined);
    // The commit index that was known when the job was made; never beyond the entries that are stored with it.
    expect(group.at('b').jobs.find(({ entries }) => entries.some(({ index }) => index === 3))?.hardState).toEqual({
      term: 1,
      vote: a,
      commit: 2,
    });
  });

  test('is not made for the commit index alone', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    hold(group, 'b');
    group.tick('a');
    group.settle();
    expect(group.at('b').jobs).toEqual([]);
  });

  test('has each entry once, and again only what was replaced', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.isolate('a');
    group.propose('a', 'x', 'y', 'z');
    hold(group, 'a');
    // The new leader has x too, and something else after it.
    const entries = [
      { type: 'data', term: 1, index: 2, data: bytes('x') },
      { type: 'data', term: 2, index: 3, data: bytes('new') },
    ] as const;
    group.step(append('b', 'a', 2, { index: 1, term: 1 }, entries, 2));
    expect(group.at('a').jobs.flatMap((job) => job.entries.map(({ index }) => index))).toEqual([3]);
    group.store('a');
    expect(group.at('a').disk.entries.map(({ term, data }) => `${term}:${text(data)}`)).toEqual(['1:', '1:x', '2:new']);
  });

  test('stands for all before it: answering only to the last is enough', () => {
    const group = new Group({ voters: 'abc', settings: { checkQuorum: false } });
    group.elect('a');
    hold(group, 'a');
    for (const what of ['x', 'y', 'z']) group.offer('a', what);
    const { jobs, disk, raft } = group.at('a');
    for (const job of jobs) disk.write(job);
    const last = jobs.at(-1);
    if (last) raft.advance({ stored: last.mark });
    expect(raft.status.durable).toBe(4);
    // None of them counts as one for which the disk takes too long.
    for (let tick = 0; tick < 15; tick++) raft.tick();
    expect(raft.status.role.name).toBe('leader');
  });
});

describe('after a restart', () => {
  test('a member has what its disk had: term, vote, entries, commit index', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.propose('a', 'x', 'y');
    group.propose('a', 'z');
    group.crash('b');
    group.restart('b');
    expect(group.now('b')).toMatchObject({ term: 1, vote: 'a', role: 'follower', leader: undefined });
    expect(group.at('b').log).toEqual(['1:', '1:x', '1:y', '1:z']);
    // It applies again what it knows to be committed, and learns the rest from the leader.
    expect(group.at('b').state).toEqual(['x', 'y']);
    group.tick('a');
    group.settle();
    expect(group.at('b').state).toEqual(['x', 'y', 'z']);
  });

  test('a member does not start with a log that has a gap, or of a later term than it has seen', () => {
    const group = new Group({ voters: 'abc', logs: { a: [1, 1, 1] } });
    const { disk } = group.at('a');
    disk.entries.splice(1, 1);
    expect(() => group.restart('a')).toThrow(/entry 3 stands at 2/);
    disk.entries = [{ type: 'data', term: 9, index: 1, data: new Uint8Array(0) }];
    expect(() => group.restart('a')).toThrow(/entries of term 9/);
  });
});

describe('entries are handed out to be applied', () => {
  test('a slice at a time, no larger than allowed', () => {
    const group = new Group({ voters: 'a', settings: { maxApplyBytes: 40 } });
    group.elect('a');
    group.at('a').appliesAtOnce = false;
    group.offer('a', 'x', 'y', 'z');
    expect(group.at('a').slice.map(({ index }) => index)).toEqual([2, 3]);
    expect(group.at('a').status.applied).toBe(1);
    group.apply('a');
    expect(group.at('a').slice.map(({ index }) => index)).toEqual([4]);
    expect(group.at('a').status.applied).toBe(3);
  });

  test('and only the whole slice can be reported as applied', () => {
    const group = new Group({ voters: 'a' });
    group.elect('a');
    group.at('a').appliesAtOnce = false;
    group.offer('a', 'x', 'y', 'z');
    expect(() => group.at('a').raft.advance({ applied: 3 })).toThrow(/not the last of the slice/);
  });
});
