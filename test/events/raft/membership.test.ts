/** Members come and go (§6; dissertation §4): one change at a time, each in force when it is applied. */
import { describe, expect, test } from 'vitest';
import { leaveJoint, type Change, type ChangeStep } from '#events/raft/configuration.ts';
import { asPeer } from '#events/raft/entry.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { bytes, Group } from './group.ts';
import { accepted, append, heartbeat } from './messages.ts';

const peers = (ids: string) => [...ids].map(asPeer);
const steps = (what: ChangeStep['do'], ids: string): ChangeStep[] => peers(ids).map((peer) => ({ do: what, peer }));
const change = (transition: Change['transition'], ...all: ChangeStep[][]): Change => ({
  steps: all.flat(),
  transition,
});

const ask = (group: Group, of: string, what: Change) => group.do(of, (raft) => raft.proposeChange(what, bytes('')));

function changed(group: Group, what: Change): void {
  expect(ask(group, 'a', what)).toHaveProperty('index');
  group.settle();
}

const configuration = (group: Group, of: string) => group.at(of).status.configuration;

function led(voters = 'abc', learners = ''): Group {
  const group = new Group({ voters, learners });
  group.elect('a');
  group.propose('a', 'x');
  return group;
}

describe('a change', () => {
  test('takes effect on each member when that applies it', () => {
    const group = led('ab', 'c');
    group.at('b').appliesAtOnce = false;
    changed(group, change('auto', steps('add-voter', 'c')));
    expect(configuration(group, 'a').voters).toEqual(['a', 'b', 'c']);
    expect(configuration(group, 'b').voters).toEqual(['a', 'b']);
    group.apply('b');
    expect(configuration(group, 'b').voters).toEqual(['a', 'b', 'c']);
  });

  test('is refused until the one before is applied', () => {
    const group = led('ab', 'cd');
    group.at('a').appliesAtOnce = false;
    changed(group, change('auto', steps('add-voter', 'c')));
    expect(group.at('a').status.committed).toBe(3);
    const refusal = ask(group, 'a', change('auto', steps('add-voter', 'd')));
    expect(refusal).toEqual({
      refused: 'change-impossible',
      explain: 'an earlier change may be under way, until entry 3 is applied',
    });
    group.apply('a');
    expect(ask(group, 'a', change('auto', steps('add-voter', 'd')))).toMatchObject({ index: 4 });
  });

  test('that another leader may have left behind is waited for by the next', () => {
    const group = led('ab', 'cd');
    group.loses = ({ type, from }) => type === 'append-response' && from === 'b';
    changed(group, change('auto', steps('add-voter', 'c')));
    group.crash('a');
    group.heal();
    group.do('b', (raft) => raft.forgetLeader());
    group.restart('a');
    group.at('b').appliesAtOnce = false;
    group.elect('b');
    expect(group.at('b').status.applied).toBeLessThan(3);
    expect(ask(group, 'b', change('auto', steps('add-voter', 'd')))).toMatchObject({ refused: 'change-impossible' });
    for (let slice = 0; slice < 3; slice++) group.apply('b');
    expect(configuration(group, 'b').voters).toEqual(['a', 'b', 'c']);
    expect(ask(group, 'b', change('auto', steps('add-voter', 'd')))).toHaveProperty('index');
  });

  test.each([
    [change('auto', steps('remove', 'abc')), 'no voter would be left'],
    [leaveJoint, 'there is no joint configuration to leave'],
  ])('that is impossible is refused, and says why (%#)', (what, explain) => {
    const group = led();
    expect(ask(group, 'a', what)).toEqual({ refused: 'change-impossible', explain });
    expect(group.at('a').log).toEqual(['1:', '1:x']);
  });

  test('that proves impossible when it is applied changes nothing, on any member', () => {
    const group = led();
    const entry = { type: 'change', term: 1, index: 3, change: leaveJoint, data: new Uint8Array(0) } as const;
    for (const id of 'bc') group.step(append('a', id, 1, { index: 2, term: 1 }, [entry], 3));
    for (const id of 'bc') {
      expect(configuration(group, id)).toEqual(configuration(group, 'a'));
      expect(group.at(id).status.applied).toBe(3);
    }
  });

  test('is known to whoever holds the entry of the next one, after a restart too', () => {
    // That changes take effect when they are applied is safe because of this: whoever holds the entry that leaves a joint
    // configuration knows that entering it was committed, and does not campaign with the voters from before.
    const group = led('ab', 'c');
    for (const id of 'bc') group.at(id).appliesAtOnce = false;
    changed(group, change('implicit', steps('add-voter', 'c')));
    expect(group.at('a').log).toHaveLength(4);
    expect(configuration(group, 'b').outgoing).toEqual([]);
    expect(group.at('b').status.committed).toBeGreaterThanOrEqual(3);
    group.crash('b');
    group.at('b').appliesAtOnce = false;
    group.restart('b');
    expect(group.at('b').status.lastIndex).toBe(4);
    expect(group.at('b').status.committed).toBeGreaterThanOrEqual(3);
    group.campaign('b');
    expect(group.at('b').role).toBe('follower');
  });
});

describe('a member with a committed change that it did not apply', () => {
  test('does not campaign, whoever asks it to', () => {
    const group = led('abc', 'd');
    group.at('b').appliesAtOnce = false;
    changed(group, change('auto', steps('add-voter', 'd')));
    group.sent = [];
    group.campaign('b');
    group.tick('b', 100);
    group.step({ type: 'timeout-now', from: asPeer('a'), to: asPeer('b'), term: 1 });
    expect(group.at('b').role).toBe('follower');
    expect(group.sent).toEqual([]);
    group.apply('b');
    group.campaign('b');
    expect(group.at('b').role).toBe('pre-candidate');
    expect(group.sentOf('pre-vote').map(({ to }) => to)).toEqual(['a', 'c', 'd']);
  });

  test('campaigns when nothing but ordinary entries waits', () => {
    const group = led();
    group.at('b').appliesAtOnce = false;
    group.propose('a', 'y');
    group.campaign('b');
    expect(group.at('b').role).toBe('pre-candidate');
  });
});

describe('a joint configuration', () => {
  const replaced = change('explicit', steps('add-voter', 'de'), steps('remove', 'bc'));

  test('needs a majority of the old and of the new voters to commit', () => {
    const group = led('abc', 'de');
    changed(group, replaced);
    expect(configuration(group, 'a')).toMatchObject({ voters: ['a', 'd', 'e'], outgoing: ['a', 'b', 'c'] });
    for (const away of ['bc', 'de']) {
      group.heal();
      for (const id of away) group.isolate(id);
      const before = group.at('a').status.committed;
      group.propose('a', 'y');
      expect(group.at('a').status.committed).toBe(before);
      group.heal();
      for (let round = 0; round < 2; round++) {
        group.tick('a');
        group.settle();
      }
      expect(group.at('a').status.committed).toBe(before + 1);
    }
    for (const id of 'bd') group.isolate(id);
    group.propose('a', 'z');
    expect(group.at('a').state.at(-1)).toBe('z');
  });

  test('needs both to elect', () => {
    const group = led('abc', 'de');
    changed(group, replaced);
    group.crash('a');
    group.tick('bcde', 10);
    group.wire = [];
    for (const id of 'de') group.isolate(id);
    group.campaign('b');
    group.settle();
    expect(group.at('b').role).toBe('pre-candidate');
    group.heal();
    for (const id of 'cde') group.do(id, (raft) => raft.forgetLeader());
    group.elect('b');
  });

  test('needs both to keep a leader and to confirm a read', () => {
    const group = led('abc', 'de');
    changed(group, replaced);
    for (const id of 'de') group.isolate(id);
    group.do('a', (raft) => raft.read('r'));
    for (let tick = 0; tick < 21; tick++) {
      group.tick('a');
      group.settle();
    }
    expect(group.at('a').reads).toEqual([]);
    expect(group.at('a').role).not.toBe('leader');
  });

  test('is left by itself where that was asked for, as soon as it is applied', () => {
    const group = led('abc', 'de');
    changed(group, change('implicit', steps('add-voter', 'de'), steps('remove', 'bc')));
    for (const id of 'ade') expect(configuration(group, id)).toMatchObject({ voters: ['a', 'd', 'e'], outgoing: [] });
    expect(group.at('a').log).toHaveLength(4);
  });

  test('is left once, though other entries are applied meanwhile', () => {
    const group = new Group({ voters: 'abc', learners: 'd', settings: { maxApplyBytes: 1 } });
    group.elect('a');
    group.at('a').appliesAtOnce = false;
    ask(group, 'a', change('implicit', steps('add-voter', 'd')));
    group.offer('a', 'x', 'y');
    group.settle();
    for (let slice = 0; slice < 3; slice++) group.apply('a');
    group.settle();
    for (let slice = 0; slice < 3; slice++) group.apply('a');
    expect(configuration(group, 'a').outgoing).toEqual([]);
    expect(group.at('a').log).toEqual(['1:', '1:', '1:x', '1:y', '1:']);
  });

  test('is left by the next leader, when the one that began it could not', () => {
    const group = led('abc', 'd');
    group.at('a').appliesAtOnce = false;
    changed(group, change('implicit', steps('add-voter', 'd')));
    expect(configuration(group, 'b')).toMatchObject({ outgoing: ['a', 'b', 'c'], autoLeave: true });
    group.crash('a');
    for (const id of 'cd') group.do(id, (raft) => raft.forgetLeader());
    group.elect('b');
    expect(configuration(group, 'b')).toMatchObject({ voters: ['a', 'b', 'c', 'd'], outgoing: [], autoLeave: false });
  });

  test('waits for somebody to ask where that was asked for, and refuses anything else', () => {
    const group = led('abc', 'd');
    changed(group, change('explicit', steps('add-voter', 'd')));
    expect(ask(group, 'a', change('auto', steps('remove', 'b')))).toMatchObject({
      explain: 'the joint configuration must be left first',
    });
    expect(configuration(group, 'a').outgoing).toEqual(['a', 'b', 'c']);
    changed(group, leaveJoint);
    expect(configuration(group, 'a')).toMatchObject({ voters: ['a', 'b', 'c', 'd'], outgoing: [] });
  });

  test('turns voters into learners when it is left, not before', () => {
    const group = led('abc');
    changed(group, change('explicit', steps('add-learner', 'c')));
    expect(configuration(group, 'a')).toMatchObject({
      voters: ['a', 'b'],
      outgoing: ['a', 'b', 'c'],
      learnersNext: ['c'],
    });
    changed(group, leaveJoint);
    expect(configuration(group, 'a')).toMatchObject({ voters: ['a', 'b'], learners: ['c'], learnersNext: [] });
    group.propose('a', 'y');
    expect(group.at('c').state).toEqual(['x', 'y']);
  });
});

describe('a leader', () => {
  test.each(['remove', 'add-learner'] as const)(
    'that its group decides to %s steps down when it applies that',
    (what) => {
      const group = led();
      changed(group, change('auto', steps(what, 'a')));
      expect(group.now('a')).toMatchObject({ role: 'follower', leader: undefined });
      expect(group.offer('a', 'y')).toEqual({ refused: 'not-leader' });
      group.tick('a', 100);
      expect(group.at('a').role).toBe('follower');
      // The others know that it is gone, and go on.
      for (const id of 'bc') expect(configuration(group, id).voters).toEqual(['b', 'c']);
      group.do('c', (raft) => raft.forgetLeader());
      group.elect('b');
    },
  );

  test('that is replaced leads until the joint configuration is left', () => {
    const group = led('abc', 'd');
    changed(group, change('explicit', steps('add-voter', 'd'), steps('remove', 'a')));
    expect(group.at('a').role).toBe('leader');
    group.propose('a', 'y');
    expect(group.at('d').state).toEqual(['x', 'y']);
    changed(group, leaveJoint);
    expect(group.at('a').role).toBe('follower');
    expect(configuration(group, 'b').voters).toEqual(['b', 'c', 'd']);
  });

  test.each([
    ['in the same term', 0],
    ['in an earlier term', 7],
  ])('that was removed with entries that nobody else has, %s, does not keep the others from electing', (_, ahead) => {
    const group = new Group({ voters: 'ab', random: (id) => seededRandom(id.charCodeAt(0)).next });
    group.elect('a');
    ask(group, 'a', change('auto', steps('remove', 'a')));
    const held = group.wire;
    group.wire = [];
    // Written while the change is under way: b gets the change and not this.
    group.offer('a', 'y');
    group.wire = held;
    group.deliver();
    group.deliver(({ to }) => to === 'a');
    expect(configuration(group, 'a').voters).toEqual(['b']);
    // What it tells b is lost. b needs its vote, does not get it, and learns with the refusal that it does not need it.
    group.wire = [];
    if (ahead > 0) group.step(heartbeat('z', 'b', ahead));
    group.wire = [];
    group.pass(60);
    expect(group.at('b').role).toBe('leader');
  });

  test('that is replaced by others, with entries that nobody else has, does not keep them from electing', () => {
    const group = new Group({ voters: 'abc', learners: 'd', random: (id) => seededRandom(id.charCodeAt(0)).next });
    group.elect('a');
    changed(group, change('explicit', steps('remove', 'a'), steps('add-learner', 'b')));
    expect(configuration(group, 'c')).toMatchObject({ voters: ['c'], outgoing: ['a', 'b', 'c'] });
    ask(group, 'a', leaveJoint);
    group.deliver();
    group.loses = ({ from, to }) => to === 'c' && from === 'a';
    group.offer('a', 'y');
    group.settle();
    group.pass(1);
    expect(configuration(group, 'b')).toMatchObject({ voters: ['c'], outgoing: [] });
    expect(configuration(group, 'c').outgoing).toEqual(['a', 'b', 'c']);
    group.heal();
    group.pass(60);
    expect(group.at('c').role).toBe('leader');
  });

  test('that was removed still votes: without it the others might not be able to elect', () => {
    const group = led('ab');
    group.loses = ({ type, to, from }) => to === 'b' && from === 'a' && type !== 'vote-response';
    group.at('b').appliesAtOnce = false;
    group.offer('a', 'y');
    group.heal();
    group.wire = [];
    ask(group, 'a', change('auto', steps('remove', 'a')));
    // b stores it, and never hears that it is committed.
    group.deliver();
    group.deliver();
    group.wire = [];
    group.tick('a');
    group.settle();
    group.do('b', (raft) => raft.forgetLeader());
    group.at('b').appliesAtOnce = true;
    group.apply('b');
    for (let round = 0; round < 3; round++) {
      group.tick('b', 10);
      group.settle();
    }
    expect(group.at('b').role).toBe('leader');
    expect(configuration(group, 'b').voters).toEqual(['b']);
  });

  test('commits what waits as soon as fewer are needed', () => {
    const group = led('abcd');
    for (const id of 'cd') group.isolate(id);
    const { index } = ask(group, 'a', change('auto', steps('remove', 'd'))) as { index: number };
    group.offer('a', 'y');
    group.settle();
    expect(group.at('a').status.committed).toBe(2);
    // c gets the change and no more; with it two of three have what is after it.
    group.step(accepted('c', 'a', 1, index));
    group.settle();
    expect(group.now('a')).toMatchObject({ committed: 4, state: ['x', 'y'] });
  });

  test('answers the reads that wait as soon as fewer are needed', () => {
    const group = led('ab');
    const { index } = ask(group, 'a', change('auto', steps('remove', 'b'))) as { index: number };
    group.deliver();
    group.wire = [];
    group.do('a', (raft) => raft.read('r'));
    group.crash('b');
    group.step(accepted('b', 'a', 1, index));
    group.settle();
    expect(configuration(group, 'a').voters).toEqual(['a']);
    expect(group.at('a').reads.map(({ request }) => request)).toEqual(['r']);
  });

  test('forgets what it knew of a member that left, and begins anew when it comes back', () => {
    const group = led('ab', 'c');
    changed(group, change('auto', steps('remove', 'c')));
    expect(() => group.at('a').progress('c')).toThrow();
    group.propose('a', 'y');
    expect(group.at('c').state).toEqual(['x']);
    changed(group, change('auto', steps('add-learner', 'c')));
    group.tick('a');
    group.settle();
    expect(group.at('c').state).toEqual(['x', 'y']);
  });

  test('sends a newcomer with an empty disk a snapshot when the log does not reach back', () => {
    const group = led();
    group.newcomer('d');
    group.compact('a');
    changed(group, change('auto', steps('add-learner', 'd')));
    group.tick('a');
    group.settle();
    expect(group.sentOf('snapshot').map(({ to }) => to)).toContain('d');
    expect(configuration(group, 'd')).toEqual(configuration(group, 'a'));
    changed(group, change('auto', steps('add-voter', 'd')));
    group.propose('a', 'y');
    expect(group.at('d').state).toEqual(['x', 'y']);
    expect(group.at('d').status.configuration.voters).toEqual(['a', 'b', 'c', 'd']);
  });
});
