/** Snapshots that travel (§7): who gets one, when it counts, and which are refused. */
import { describe, expect, test } from 'vitest';
import { configurationOf } from '#events/raft/configuration.ts';
import { asPeer } from '#events/raft/entry.ts';
import { Group } from './group.ts';
import { accepted, append, entriesAfter } from './messages.ts';

const [a, b, c] = [asPeer('a'), asPeer('b'), asPeer('c')];
const voters = configurationOf([a, b, c]);

/** c was away, and what it lacks was compacted. */
function behind(): Group {
  const group = new Group({ voters: 'abc' });
  group.elect('a');
  group.isolate('c');
  group.propose('a', 'x', 'y');
  group.compact('a');
  group.propose('a', 'z');
  group.heal();
  group.sent = [];
  return group;
}

/** Until a snapshot is on the wire. */
function untilSent(group: Group): void {
  group.tick('a');
  while (!group.wire.some(({ type }) => type === 'snapshot')) group.deliver();
}

const snapshotMessage = (index: number, term: number, configuration = voters) =>
  ({ type: 'snapshot', from: a, to: c, term: 9, snapshot: { index, term, configuration } }) as const;

describe('a follower that lacks what was compacted', () => {
  test('gets the newest snapshot, and then the entries after it', () => {
    const group = behind();
    group.tick('a');
    group.settle();
    expect(group.sentOf('snapshot').map(({ to, snapshot }) => [to, snapshot.index])).toEqual([['c', 3]]);
    expect(group.now('c')).toMatchObject({ state: ['x', 'y', 'z'], committed: 4, applied: 4 });
    expect(group.at('a').progress('c')).toMatchObject({ state: 'replicate', match: 4 });
  });

  test('is sent nothing else while the snapshot is on its way', () => {
    const group = behind();
    untilSent(group);
    expect(group.at('a').progress('c')).toMatchObject({ state: 'snapshot', snapshotIndex: 3 });
    group.sent = [];
    group.offer('a', 'more');
    expect(group.sentOf('append').filter(({ to }) => to === c)).toEqual([]);
    expect(group.sentOf('snapshot')).toEqual([]);
  });

  test('that has not been heard lately is not sent a snapshot', () => {
    const group = behind();
    group.crash('c');
    for (let round = 0; round < 30; round++) {
      group.tick('ab');
      group.settle();
    }
    group.do('a', (raft) => raft.reportUnreachable(c));
    group.propose('a', 'more');
    expect(group.at('a').progress('c')).toMatchObject({ state: 'probe', next: 2 });
    expect(group.sentOf('snapshot')).toEqual([]);
  });

  test('is probed again after the transfer failed, and sent another', () => {
    const group = behind();
    group.loses = ({ type }) => type === 'snapshot';
    group.tick('a');
    group.settle();
    expect(group.at('a').progress('c').state).toBe('snapshot');
    group.heal();
    group.do('a', (raft) => raft.reportSnapshot(c, false));
    expect(group.at('a').progress('c')).toMatchObject({ state: 'probe', isPaused: true, next: 2 });
    group.tick('a');
    group.settle();
    expect(group.sentOf('snapshot')).toHaveLength(2);
    expect(group.at('c').state).toEqual(['x', 'y', 'z']);
  });

  test('whose transfer arrived is probed where the snapshot ends, until it has spoken itself', () => {
    const group = behind();
    group.loses = ({ type }) => type === 'snapshot';
    group.tick('a');
    group.settle();
    group.do('a', (raft) => raft.reportSnapshot(c, true));
    expect(group.at('a').progress('c')).toMatchObject({ state: 'probe', isPaused: true, next: 4, match: 1 });
  });

  test('that acknowledges something newer than what was compacted needs the snapshot no more', () => {
    const group = behind();
    group.loses = ({ type }) => type === 'snapshot';
    group.tick('a');
    group.settle();
    group.heal();
    group.step(accepted('c', 'a', 1, 2));
    expect(group.at('a').progress('c')).toMatchObject({ state: 'snapshot', match: 2 });
    group.step(accepted('c', 'a', 1, 3));
    expect(group.at('a').progress('c').state).toBe('replicate');
    expect(group.at('a').progress('c').next).toBe(5);
  });

  test('gets a newer one when the first was outdated before it had arrived', () => {
    const group = behind();
    untilSent(group);
    const held = group.wire;
    group.wire = [];
    group.propose('a', 'more');
    group.compact('a');
    group.wire = held;
    group.settle();
    // It has what was sent, and that does not reach the leader's log any more.
    expect(group.at('a').progress('c')).toMatchObject({ state: 'snapshot', match: 3 });
    group.do('a', (raft) => raft.reportSnapshot(c, true));
    for (let round = 0; round < 2; round++) {
      group.tick('a');
      group.settle();
    }
    expect(group.at('c').state).toEqual(['x', 'y', 'z', 'more']);
  });

  test('of a leader that keeps a tail of its log may get by without', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.isolate('c');
    group.propose('a', 'x', 'y');
    group.compact('a', 10);
    group.heal();
    group.tick('a');
    group.settle();
    expect(group.sentOf('snapshot')).toEqual([]);
    expect(group.at('c').state).toEqual(['x', 'y']);
  });
});

describe('a snapshot', () => {
  test('is acknowledged, and its entries applied, only when it is durable', () => {
    const group = behind();
    group.at('c').storesAtOnce = false;
    group.tick('a');
    group.settle();
    expect(group.now('c')).toMatchObject({ committed: 3, applied: 1, lastIndex: 3, state: [] });
    expect(group.at('a').progress('c').match).toBe(1);
    group.store('c');
    expect(group.now('c')).toMatchObject({ applied: 3, durable: 3, state: ['x', 'y'] });
    group.at('c').storesAtOnce = true;
    group.settle();
    expect(group.at('c').state).toEqual(['x', 'y', 'z']);
  });

  test('that a crash interrupts was never there', () => {
    const group = behind();
    group.at('c').storesAtOnce = false;
    group.tick('a');
    group.settle();
    group.crash('c');
    group.at('c').storesAtOnce = true;
    group.restart('c');
    expect(group.now('c')).toMatchObject({ lastIndex: 1, state: [] });
    group.do('a', (raft) => raft.reportSnapshot(c, false));
    group.tick('a');
    group.settle();
    expect(group.at('c').state).toEqual(['x', 'y', 'z']);
  });

  test('replaces a log that says otherwise, together with what was being stored and applied', () => {
    const group = new Group({ voters: 'abc', logs: { c: [1, 1, 2, 2, 2, 2] } });
    group.at('c').appliesAtOnce = false;
    group.step(append('a', 'c', 3, { index: 2, term: 1 }, [], 2));
    expect(group.at('c').slice.map(({ index }) => index)).toEqual([1, 2]);
    group.step(snapshotMessage(5, 3));
    expect(group.now('c')).toMatchObject({ lastIndex: 5, committed: 5, applied: 5, log: [] });
    // The slice that was under way when it came ends after it, and means nothing any more.
    group.apply('c');
    expect(group.at('c').status.applied).toBe(5);
    expect(group.at('c').disk).toMatchObject({ entries: [], base: { index: 5, term: 3 } });
  });

  test.each(['while it is being stored', 'when it is durable'])(
    'has the last word on who belongs to the group, though older changes are reported as applied %s',
    (when) => {
      const group = new Group({ voters: 'abc' });
      group.at('c').appliesAtOnce = false;
      group.at('c').storesAtOnce = false;
      const remove = { steps: [{ do: 'remove', peer: b }], transition: 'auto' } as const;
      const entry = { type: 'change', term: 1, index: 1, change: remove, data: new Uint8Array(0) } as const;
      group.step(append('a', 'c', 1, { index: 0, term: 0 }, [entry], 1));
      group.store('c');
      expect(group.at('c').slice).toHaveLength(1);
      const later = configurationOf([b, c]);
      group.step(snapshotMessage(7, 2, later));
      if (when === 'when it is durable') group.store('c');
      group.apply('c');
      expect(group.at('c').status.configuration).toEqual(later);
      group.store('c');
      expect(group.now('c')).toMatchObject({ applied: 7, configuration: later });
    },
  );

  test('of what is in the log already only says that it is committed', () => {
    const group = new Group({ voters: 'abc', logs: { c: [1, 1, 2, 2] } });
    group.step(snapshotMessage(3, 2));
    expect(group.now('c')).toMatchObject({ committed: 3, lastIndex: 4 });
    expect(group.at('c').log).toEqual(['1:1.1', '1:1.2', '2:2.3', '2:2.4']);
    expect(group.sentOf('append-response')).toMatchObject([{ index: 3, hint: undefined }]);
  });

  test('that is older than what is committed is ignored', () => {
    const group = new Group({ voters: 'abc', logs: { c: [1, 1, 2, 2] } });
    group.step(append('a', 'c', 9, { index: 4, term: 2 }, [], 4));
    group.sent = [];
    group.step({ ...snapshotMessage(2, 1), term: 9 });
    expect(group.now('c')).toMatchObject({ committed: 4, lastIndex: 4, configuration: voters });
    // It says what it has instead.
    expect(group.sentOf('append-response')).toMatchObject([{ index: 4, hint: undefined }]);
  });

  test('of a group to which this member does not belong is refused', () => {
    const group = new Group({ voters: 'abc' });
    group.step(snapshotMessage(7, 2, configurationOf([a, b])));
    expect(group.now('c')).toMatchObject({ committed: 0, lastIndex: 0, configuration: voters });
    group.step(snapshotMessage(7, 2, configurationOf([a, b], [c])));
    expect(group.now('c')).toMatchObject({ committed: 7, lastIndex: 7 });
  });

  test('brings the members of the group along, a joint configuration too', () => {
    const group = new Group({ voters: 'abc' });
    const joint = { ...configurationOf([a, b]), outgoing: [b, c], learnersNext: [c], autoLeave: true };
    group.step(snapshotMessage(7, 2, joint));
    expect(group.at('c').status.configuration).toEqual(joint);
  });

  test('that is being installed keeps its member from campaigning', () => {
    const group = new Group({ voters: 'abc' });
    group.at('c').storesAtOnce = false;
    group.step(snapshotMessage(7, 2));
    group.do('c', (raft) => raft.campaign());
    expect(group.at('c').role).toBe('follower');
    group.store('c');
    group.do('c', (raft) => raft.campaign());
    expect(group.at('c').role).toBe('pre-candidate');
  });

  test('that is overtaken by another on its way to the disk gives way to it', () => {
    const group = new Group({ voters: 'abc' });
    group.at('c').storesAtOnce = false;
    group.step(snapshotMessage(5, 2));
    group.step(snapshotMessage(8, 3));
    expect(group.at('c').jobs.map(({ snapshot }) => snapshot?.index)).toEqual([5, 8]);
    group.store('c', 1);
    expect(group.now('c')).toMatchObject({ applied: 0, committed: 8 });
    group.store('c');
    expect(group.now('c')).toMatchObject({ applied: 8, committed: 8, durable: 8 });
    expect(group.sentOf('append-response').map(({ index }) => index)).toEqual([5, 8]);
  });

  test('that came before its entries takes those in one job with it', () => {
    const group = new Group({ voters: 'abc' });
    const { raft } = group.at('c');
    raft.step(snapshotMessage(5, 2));
    const entries = entriesAfter(5, 9);
    raft.step(append('a', 'c', 9, { index: 5, term: 2 }, entries, 6));
    const { store, apply } = raft.ready();
    expect(store).toMatchObject({ snapshot: { index: 5 }, entries: [{ index: 6 }], hardState: { commit: 6 } });
    expect(apply).toEqual([]);
    if (store) raft.advance({ stored: store.mark });
    expect(raft.ready().apply.map(({ index }) => index)).toEqual([6]);
  });
});

describe('a member’s own snapshot', () => {
  test('lets it forget the log before, and never more than that', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.propose('a', 'x', 'y');
    expect(group.at('a').raft.compact(3)).toBe(0);
    const meta = group.at('a').raft.snapshotMeta();
    expect(meta).toEqual({ index: 3, term: 1, configuration: voters });
    group.propose('a', 'z');
    group.at('a').raft.snapshotTaken(meta);
    expect(group.at('a').raft.compact(4)).toBe(3);
    expect(group.at('a').log).toEqual(['1:z']);
  });

  test('survives a restart, with the log that was kept before it', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.propose('a', 'x', 'y');
    group.compact('a', 1);
    group.crash('a');
    group.restart('a');
    expect(group.now('a')).toMatchObject({ applied: 3, log: ['1:y'], state: ['x', 'y'] });
  });

  test('of what was not applied, or of another term, is a broken invariant', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.propose('a', 'x');
    const { raft } = group.at('a');
    expect(() => raft.snapshotTaken({ index: 7, term: 1, configuration: voters })).toThrow(/was not applied/);
    expect(() => raft.snapshotTaken({ index: 2, term: 7, configuration: voters })).toThrow(/another term/);
  });
});
