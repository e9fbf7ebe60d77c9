/** Which nodes vote: the cases that people ask for, and what holds in every lab. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseLearners, mostMembers } from '#actors/placement/learners.ts';
import { electorsOf } from '#actors/placement/electors.ts';
import {
  chooseVoters,
  mostVoters,
  replacedAfterMs,
  wantedVoters,
  type Elector,
  type Group,
  type VoterChange,
} from '#actors/placement/voters.ts';
import { changed, configurationOf } from '#events/raft/configuration.ts';
import { asPeer } from '#events/raft/entry.ts';
import { peerOf, type Peer } from '#events/values/peer.ts';
import { Door } from '../door.ts';

const now = 1_000_000_000;
const minuteMs = 60_000;

/** `atlas`, `vega@cellar` in a zone, `pi!` a witness, `lyra-` a learner for ever, `lyra^` leaves the lab, `~` silent for a minute, `*` for an hour, `…` behind. */
function elector(text: string): Elector {
  const [, name = '', zone, marks = ''] = /^([a-z]+\d*)(?:@([a-z]+))?([!\-^~*…]*)$/.exec(text) ?? [];
  const has = (mark: string): boolean => marks.includes(mark);
  return {
    node: `node:${name}`,
    name,
    incarnation: 'one',
    role: has('!') ? 'witness' : has('-') ? 'learner' : 'any',
    departing: has('^'),
    zone: zone ?? null,
    reachable: !has('~') && !has('*'),
    since: has('*') ? now - 60 * minuteMs : now - minuteMs,
    caughtUp: !has('…'),
  };
}

const groupOf = (nodes: readonly Elector[], voters: readonly string[]): Group => {
  const peers = nodes.map(({ node, incarnation }) => peerOf(node, incarnation));
  const voting = voters.map((name) => (name.includes('.') ? name : `${name}.one`));
  return { voters: voting, learners: peers.filter((peer) => !voting.includes(peer)) };
};

function choose(nodes: readonly string[], voters: readonly string[], leader?: string): VoterChange | undefined {
  const electors = nodes.map(elector);
  return chooseVoters({
    nodes: electors,
    configuration: groupOf(electors, voters),
    now,
    ...(leader === undefined ? {} : { leader: `${leader}.one` }),
  });
}

const brief = (change: VoterChange | undefined) =>
  change && {
    ...(change.add.length > 0 ? { add: change.add } : {}),
    ...(change.demote.length > 0 ? { demote: change.demote } : {}),
    ...(change.remove.length > 0 ? { remove: change.remove } : {}),
  };

describe('a lab', () => {
  test.each([
    [1, 1],
    [2, 1],
    [3, 3],
    [4, 3],
    [5, 5],
    [6, 5],
    [100, 5],
  ])('of %i nodes that may vote has %i voters', (eligible, voters) => expect(wantedVoters(eligible)).toBe(voters));

  test('of two machines keeps its one voter', () => {
    expect(choose(['atlas', 'vega'], ['atlas'])).toBeUndefined();
  });

  test.each(['lyra', 'pi!'])('of two machines gets three voters at once when %s joins', (third) => {
    const change = choose(['atlas', 'vega', third], ['atlas']);
    expect(change).toMatchObject({ demote: [], remove: [] });
    expect(change?.add.toSorted()).toEqual([`${elector(third).name}.one`, 'vega.one'].toSorted());
    expect(change?.why).toMatch(/^3 nodes may vote; .* and .* become voters\.$/);
  });

  test('waits with more voters until enough learners have everything and answer', () => {
    expect(choose(['atlas', 'vega', 'lyra…'], ['atlas'])).toBeUndefined();
    expect(choose(['atlas', 'vega', 'lyra~'], ['atlas'])).toBeUndefined();
    expect(choose(['atlas', 'vega', 'lyra-'], ['atlas'])).toBeUndefined();
  });

  test('of four nodes has three voters, and a full machine votes rather than a witness', () => {
    expect(brief(choose(['atlas', 'bpi!', 'vega', 'lyra'], ['atlas']))).toEqual({ add: ['lyra.one', 'vega.one'] });
    expect(choose(['atlas', 'bpi!', 'vega', 'lyra'], ['atlas', 'lyra', 'vega'])).toBeUndefined();
    // A witness that votes keeps its vote.
    expect(choose(['atlas', 'bpi!', 'vega', 'lyra'], ['atlas', 'bpi', 'vega'])).toBeUndefined();
  });

  test('that was left with an even number gets the odd one', () => {
    expect(brief(choose(['atlas', 'vega', 'lyra'], ['atlas', 'vega']))).toEqual({ add: ['lyra.one'] });
    expect(choose(['atlas', 'vega'], ['atlas', 'vega'])).toBeUndefined();
  });
});

describe('a voter that does not answer', () => {
  test('is replaced after ten minutes, not before, by a learner that has everything', () => {
    expect(choose(['atlas', 'vega', 'lyra~', 'mira'], ['atlas', 'vega', 'lyra'])).toBeUndefined();
    const change = choose(['atlas', 'vega', 'lyra*', 'mira'], ['atlas', 'vega', 'lyra']);
    expect(brief(change)).toEqual({ add: ['mira.one'], demote: ['lyra.one'] });
    expect(change?.why).toBe('lyra has not answered for 1 h; mira takes its vote.');
    expect(choose(['atlas', 'vega', 'lyra*', 'mira…'], ['atlas', 'vega', 'lyra'])).toBeUndefined();
  });

  test('to the minute', () => {
    const nodes = ['atlas', 'vega', 'lyra~', 'mira'].map(elector);
    const at = (silentMs: number) =>
      chooseVoters({
        nodes: nodes.map((node) => (node.reachable ? node : { ...node, since: now - silentMs })),
        configuration: groupOf(nodes, ['atlas', 'vega', 'lyra']),
        now,
      });
    expect(at(replacedAfterMs - 1)).toBeUndefined();
    expect(at(replacedAfterMs)).toBeDefined();
  });

  test('gets its vote back from nobody when it returns', () => {
    expect(choose(['atlas', 'vega', 'lyra', 'mira'], ['atlas', 'vega', 'mira'])).toBeUndefined();
  });

  test('stays when nobody can take its place: the group never shrinks', () => {
    expect(choose(['atlas', 'vega', 'lyra*'], ['atlas', 'vega', 'lyra'])).toBeUndefined();
    expect(choose(['atlas', 'vega', 'lyra*', 'mira-'], ['atlas', 'vega', 'lyra'])).toBeUndefined();
  });

  test('stays when most of the voters do not answer: nothing could be agreed', () => {
    expect(choose(['atlas', 'vega*', 'lyra*', 'mira'], ['atlas', 'vega', 'lyra'])).toBeUndefined();
  });

  test('goes one by one, the one that is silent for longest first', () => {
    const nodes = ['atlas', 'vega', 'lyra', 'mira*', 'deneb*', 'spica', 'rigel'].map(elector);
    const configuration = groupOf(nodes, ['atlas', 'vega', 'lyra', 'mira', 'deneb']);
    const older = nodes.map((node) => (node.name === 'deneb' ? { ...node, since: node.since - 1 } : node));
    expect(brief(chooseVoters({ nodes: older, configuration, now }))).toEqual({
      add: ['rigel.one'],
      demote: ['deneb.one'],
    });
  });
});

describe('a voter that is gone', () => {
  test('is replaced at once, whether its node left the lab or lost its disk', () => {
    expect(brief(choose(['atlas', 'vega', 'mira'], ['atlas', 'vega', 'gone']))).toEqual({
      add: ['mira.one'],
      remove: ['gone.one'],
    });
    const change = choose(['atlas', 'vega', 'mira'], ['atlas', 'vega', 'mira.zero']);
    expect(brief(change)).toEqual({ add: ['mira.one'], remove: ['mira.zero'] });
    expect(change?.why).toBe('mira is gone or lost its disk; mira takes its vote.');
  });

  test('keeps its place as long as a node that may take it does not have everything', () => {
    expect(choose(['atlas', 'vega', 'mira…'], ['atlas', 'vega', 'gone'])).toBeUndefined();
  });

  test('leaves when nobody can ever take its vote, and one of the other two goes on alone', () => {
    expect(brief(choose(['atlas', 'vega'], ['atlas', 'vega', 'gone'], 'vega'))).toEqual({
      demote: ['atlas.one'],
      remove: ['gone.one'],
    });
    expect(choose(['atlas'], ['atlas', 'gone'])).toBeUndefined();
  });
});

describe('a voter that leaves the lab', () => {
  test('gives its vote to another node, when there is one', () => {
    const change = choose(['atlas', 'vega', 'lyra^', 'mira'], ['atlas', 'vega', 'lyra']);
    expect(brief(change)).toEqual({ add: ['mira.one'], demote: ['lyra.one'] });
    expect(change?.why).toBe('lyra leaves the lab; mira takes its vote.');
  });

  test('waits for one that answers and does not have everything yet', () => {
    expect(choose(['atlas', 'vega', 'lyra^', 'mira…'], ['atlas', 'vega', 'lyra'])).toBeUndefined();
  });

  test('of three leaves one that decides, not two of which both must answer', () => {
    const change = choose(['atlas', 'vega', 'lyra^'], ['atlas', 'vega', 'lyra'], 'vega');
    expect(brief(change)).toEqual({ demote: ['atlas.one', 'lyra.one'] });
    expect(change?.why).toBe('lyra leaves the lab; vega decides from now on.');
    // The next one has no vote any more, and takes nothing along.
    expect(choose(['atlas^', 'vega'], ['vega'], 'vega')).toBeUndefined();
  });

  test('of two leaves the other one', () => {
    expect(brief(choose(['atlas', 'vega^'], ['atlas', 'vega'], 'atlas'))).toEqual({ demote: ['vega.one'] });
  });

  test('of five leaves three: those that answer, in as many zones as there are', () => {
    const five = ['atlas', 'vega', 'lyra', 'mira', 'deneb'];
    const of = (...nodes: readonly string[]) => brief(choose(nodes, five, 'atlas'))?.demote;
    expect(of('atlas', 'vega', 'lyra', 'mira*', 'deneb^')).toEqual(['deneb.one', 'mira.one']);
    expect(of('atlas@attic', 'vega@attic', 'lyra@cellar', 'mira@shed', 'deneb^')).toEqual(['deneb.one', 'vega.one']);
    expect(of('atlas', 'vega', 'lyra!', 'mira', 'deneb^')).toEqual(['deneb.one', 'lyra.one']);
  });

  test('goes together with others that leave', () => {
    expect(brief(choose(['atlas', 'vega^', 'lyra^'], ['atlas', 'vega', 'lyra'], 'atlas'))).toEqual({
      demote: ['lyra.one', 'vega.one'],
    });
  });

  test('stays while those who would decide without it do not answer', () => {
    expect(choose(['atlas', 'vega^', 'lyra*'], ['atlas', 'vega', 'lyra'], 'atlas')).toBeDefined();
    expect(choose(['atlas*', 'vega^', 'lyra*'], ['atlas', 'vega', 'lyra'], 'vega')).toBeUndefined();
    expect(choose(['vega^'], ['vega'], 'vega')).toBeUndefined();
  });

  test('gives the only vote to whoever may have it', () => {
    expect(brief(choose(['atlas^', 'pi!'], ['atlas'], 'atlas'))).toEqual({ add: ['pi.one'], demote: ['atlas.one'] });
    expect(choose(['atlas^', 'pi!…'], ['atlas'], 'atlas')).toBeUndefined();
  });

  test('gets no vote, and is not counted among those who could have one', () => {
    expect(choose(['atlas', 'vega', 'lyra^'], ['atlas'])).toBeUndefined();
    expect(choose(['atlas', 'vega', 'lyra*', 'mira^'], ['atlas', 'vega', 'lyra'])).toBeUndefined();
  });
});

describe('a voter that is not to vote', () => {
  test('of three leaves one that decides', () => {
    expect(brief(choose(['atlas', 'vega', 'lyra-'], ['atlas', 'vega', 'lyra'], 'atlas'))).toEqual({
      demote: ['lyra.one', 'vega.one'],
    });
  });

  test('gives its vote to another node, also in a lab of two', () => {
    expect(brief(choose(['atlas-', 'vega'], ['atlas']))).toEqual({ add: ['vega.one'], demote: ['atlas.one'] });
    expect(choose(['atlas-', 'vega…'], ['atlas'])).toBeUndefined();
  });
});

describe('zones', () => {
  test('are told apart when voters are chosen', () => {
    expect(brief(choose(['atlas@attic', 'lyra@attic', 'vega@cellar', 'mira@shed'], ['atlas']))).toEqual({
      add: ['mira.one', 'vega.one'],
    });
  });

  test('never hold most of the voters when that can be avoided, and the leader is spared', () => {
    const nodes = ['atlas@attic', 'vega@attic', 'lyra@cellar', 'mira@shed'];
    const change = choose(nodes, ['atlas', 'lyra', 'vega'], 'vega');
    expect(brief(change)).toEqual({ add: ['mira.one'], demote: ['atlas.one'] });
    expect(brief(choose(nodes, ['atlas', 'lyra', 'vega'], 'atlas'))).toEqual({
      add: ['mira.one'],
      demote: ['vega.one'],
    });
    expect(change?.why).toBe('Most voters are in zone attic; mira, elsewhere, takes the vote of atlas.');
  });

  test('are left alone where a swap would help nobody, or while a voter is silent', () => {
    expect(
      choose(['atlas@attic', 'vega@attic', 'lyra@cellar', 'mira@cellar'], ['atlas', 'lyra', 'vega']),
    ).toBeUndefined();
    expect(
      choose(['atlas@attic', 'vega@attic', 'lyra@cellar~', 'mira@shed'], ['atlas', 'lyra', 'vega']),
    ).toBeUndefined();
  });

  test('that nobody has named are no zone', () => {
    expect(choose(['atlas', 'vega', 'lyra', 'mira@shed'], ['atlas', 'lyra', 'vega'])).toBeUndefined();
  });
});

/** A lab of up to nine nodes in any condition, and a group in it. */
const anyLab = fc
  .array(
    fc.record({
      role: fc.constantFrom('any' as const, 'any' as const, 'witness' as const, 'learner' as const),
      departing: fc.constantFrom(false, false, false, true),
      zone: fc.constantFrom(null, 'attic', 'cellar', 'shed'),
      reachable: fc.boolean(),
      silentMs: fc.constantFrom(0, replacedAfterMs - 1, replacedAfterMs, 10 * replacedAfterMs),
      caughtUp: fc.boolean(),
      votes: fc.boolean(),
      lostDisk: fc.constantFrom(false, false, false, true),
      inLab: fc.constantFrom(true, true, true, false),
    }),
    { minLength: 1, maxLength: 9 },
  )
  .filter((nodes) => nodes.some(({ votes }) => votes));

type Drawn = (typeof anyLab extends fc.Arbitrary<infer T> ? T : never)[number];

function labOf(drawn: readonly Drawn[]): { nodes: readonly Elector[]; group: Group } {
  const all = drawn.map((one, n) => ({
    ...one,
    voted: peerOf(`n${n}`, one.lostDisk ? 'old' : 'one'),
    elector: {
      node: `node:n${n}` as const,
      name: `n${n}`,
      incarnation: 'one',
      role: one.role,
      departing: one.departing,
      zone: one.zone,
      reachable: one.reachable,
      since: now - one.silentMs,
      caughtUp: one.caughtUp,
    },
  }));
  const voters = all.filter(({ votes }) => votes).map(({ voted }) => voted);
  const nodes = all.filter(({ inLab }) => inLab).map(({ elector: node }) => node);
  return { nodes, group: groupOf(nodes, voters) };
}

/** What the consensus core makes of it: the change as its steps, the joint configuration left. */
function applied(group: Group, { add, demote, remove }: VoterChange): Group {
  const steps = [
    ...add.map((peer) => ({ do: 'add-voter' as const, peer: asPeer(peer) })),
    ...demote.map((peer) => ({ do: 'add-learner' as const, peer: asPeer(peer) })),
    ...remove.map((peer) => ({ do: 'remove' as const, peer: asPeer(peer) })),
  ];
  const next = changed(configurationOf(group.voters.map(asPeer), group.learners.map(asPeer)), {
    steps,
    transition: 'auto',
  });
  if ('refused' in next) throw new Error(next.refused);
  if (next.outgoing.length === 0) return next;
  const left = changed(next, { steps: [], transition: 'auto' });
  if ('refused' in left) throw new Error(left.refused);
  return left;
}

const crowded = (voters: readonly Peer[], byPeer: ReadonlyMap<Peer, Elector>): number => {
  const zones = new Map<string, number>();
  for (const peer of voters) {
    const zone = byPeer.get(peer)?.zone ?? peer;
    zones.set(zone, (zones.get(zone) ?? 0) + 1);
  }
  return Math.max(...zones.values());
};

const isUnwilling = (node: Elector | undefined): boolean => node?.role === 'learner' || node?.departing === true;
const majority = (size: number): number => Math.floor(size / 2) + 1;
const answering = (peers: readonly Peer[], byPeer: ReadonlyMap<Peer, Elector>): number =>
  peers.filter((peer) => byPeer.get(peer)?.reachable).length;

describe('in every lab', () => {
  const eachChange = (
    see: (change: VoterChange, before: Group, after: Group, byPeer: ReadonlyMap<Peer, Elector>) => void,
  ): void => {
    fc.assert(
      fc.property(anyLab, (drawn) => {
        const { nodes, group } = labOf(drawn);
        const byPeer = new Map(nodes.map((node) => [peerOf(node.node, node.incarnation), node]));
        let present = group;
        for (let turn = 0; ; turn++) {
          // Comes to rest.
          expect(turn).toBeLessThan(20);
          const change = chooseVoters({ nodes, configuration: present, now });
          if (!change) return;
          const after = applied(present, change);
          see(change, present, after, byPeer);
          present = after;
        }
      }),
      { numRuns: 3000 },
    );
  };

  test('changes are one at a time, come to rest, and could be agreed on before and after', () => {
    eachChange(({ add, demote, remove, why }, before, after, byPeer) => {
      const isShrinking = after.voters.length < before.voters.length;
      if (!isShrinking) expect(demote.length + remove.length).toBeLessThanOrEqual(1);
      expect(add.length).toBeLessThanOrEqual(demote.length + remove.length === 0 ? 2 : 1);
      for (const voters of [before.voters, after.voters]) {
        expect(answering(voters, byPeer)).toBeGreaterThanOrEqual(majority(voters.length));
      }
      expect(why).toMatch(/^[\w].*\.$/);
    });
  });

  test('the group shrinks only when somebody is gone, leaves or is not to vote, and to an odd number', () => {
    eachChange((_, before, after, byPeer) => {
      if (after.voters.length >= before.voters.length) return;
      expect(after.voters.length % 2).toBe(1);
      expect(before.voters.some((peer) => !byPeer.has(peer) || isUnwilling(byPeer.get(peer)))).toBe(true);
    });
  });

  test('the group grows to an odd number, at most five', () => {
    eachChange(({ remove }, before, after) => {
      if (after.voters.length > before.voters.length) {
        expect(after.voters.length % 2).toBe(1);
        expect(after.voters.length).toBeLessThanOrEqual(mostVoters);
        expect(remove).toEqual([]);
      }
    });
  });

  test('whoever gets a vote answers, has everything, and may vote', () => {
    eachChange(({ add }, _, __, byPeer) => {
      for (const peer of add) {
        expect(byPeer.get(peer)).toMatchObject({ reachable: true, caughtUp: true });
        expect(isUnwilling(byPeer.get(peer))).toBe(false);
      }
    });
  });

  test('a voter keeps its vote unless it is gone, silent for ten minutes, not to vote, or one too many of its zone', () => {
    eachChange(({ demote, remove }, before, after, byPeer) => {
      for (const peer of remove) expect(byPeer.has(peer)).toBe(false);
      for (const peer of demote) {
        const node = byPeer.get(peer);
        if (!node) throw new Error('who is gone is removed');
        if (after.voters.length < before.voters.length) continue;
        if (isUnwilling(node) || (!node.reachable && now - node.since >= replacedAfterMs)) continue;
        expect(node.reachable).toBe(true);
        expect(crowded(before.voters, byPeer)).toBeGreaterThanOrEqual(majority(before.voters.length));
        expect(crowded(after.voters, byPeer)).toBeLessThanOrEqual(crowded(before.voters, byPeer));
      }
    });
  });
});

describe('in a lab where all is well', () => {
  const well = anyLab.map((drawn) =>
    drawn.map((one) => ({
      ...one,
      role: one.role === 'learner' ? ('any' as const) : one.role,
      departing: false,
      reachable: true,
      caughtUp: true,
      lostDisk: false,
      inLab: true,
    })),
  );

  function settled(nodes: readonly Elector[], group: Group): Group {
    for (let present = group; ;) {
      const change = chooseVoters({ nodes, configuration: present, now });
      if (!change) return present;
      present = applied(present, change);
    }
  }

  function* subsets(peers: readonly Peer[], size: number): Generator<readonly Peer[]> {
    if (size === 0) yield [];
    for (const [n, peer] of peers.entries()) {
      for (const rest of subsets(peers.slice(n + 1), size - 1)) yield [peer, ...rest];
    }
  }

  test('there are as many voters as it can use, and no zone has most of them if that can be avoided', () => {
    fc.assert(
      fc.property(well, (drawn) => {
        const { nodes, group } = labOf(drawn);
        const byPeer = new Map(nodes.map((node) => [peerOf(node.node, node.incarnation), node]));
        const { voters } = settled(nodes, group);
        expect(voters.length).toBe(Math.max(group.voters.length, wantedVoters(nodes.length)));
        if (voters.length < 3) return;
        const limit = majority(voters.length);
        const isAvoidable = [...subsets([...byPeer.keys()], voters.length)].some(
          (some) => crowded(some, byPeer) < limit,
        );
        if (isAvoidable) expect(crowded(voters, byPeer)).toBeLessThan(limit);
      }),
      { numRuns: 500 },
    );
  });

  test('nothing changes because a node falls silent for less than ten minutes', () => {
    fc.assert(
      fc.property(well, fc.nat(8), (drawn, which) => {
        const { nodes, group } = labOf(drawn);
        const configuration = settled(nodes, group);
        const silent = nodes.map((node, n) =>
          n === which % nodes.length ? { ...node, reachable: false, caughtUp: false, since: now } : node,
        );
        expect(chooseVoters({ nodes: silent, configuration, now: now + replacedAfterMs - 1 })).toBeUndefined();
      }),
    );
  });
});

describe('learners', () => {
  test('are all nodes of the lab that answer, who may vote first, up to nine members', () => {
    const nodes = ['atlas', 'blearner-', 'vega', 'zeta~'].map(elector);
    const joining = (learners: readonly Peer[]) =>
      chooseLearners({ nodes, configuration: { voters: ['atlas.one'], learners }, now });
    expect(joining([])).toEqual({
      do: 'add-learner',
      peer: 'vega.one',
      why: 'vega is in the lab and follows its log.',
    });
    expect(joining(['vega.one'])?.peer).toBe('blearner.one');
    expect(joining(['blearner.one', 'vega.one'])).toBeUndefined();
    const many = Array.from({ length: 12 }, (_, n) => elector(`n${n}`));
    let group: Group = { voters: ['n0.one'], learners: [] };
    for (let next = chooseLearners({ nodes: many, configuration: group, now }); next;) {
      group = { ...group, learners: [...group.learners, next.peer] };
      next = chooseLearners({ nodes: many, configuration: group, now });
    }
    expect(group.voters.length + group.learners.length).toBe(mostMembers);
  });

  test('that left the lab, or lost their disk, leave the group first', () => {
    const nodes = ['atlas', 'vega'].map(elector);
    const of = (learners: readonly Peer[]) =>
      chooseLearners({ nodes, configuration: { voters: ['atlas.one'], learners }, now });
    expect(of(['gone.one'])).toEqual({ do: 'remove', peer: 'gone.one', why: 'gone.one has left the lab.' });
    expect(of(['vega.zero'])).toMatchObject({ do: 'remove', why: 'vega lost its disk and is another member now.' });
  });

  test('that are on their way out of the lab leave the group, and do not come in', () => {
    const nodes = ['atlas', 'vega^', 'lyra^~'].map(elector);
    const of = (learners: readonly Peer[]) =>
      chooseLearners({ nodes, configuration: { voters: ['atlas.one'], learners }, now });
    expect(of(['vega.one'])).toEqual({ do: 'remove', peer: 'vega.one', why: 'vega leaves the lab.' });
    expect(of(['lyra.one'])).toMatchObject({ do: 'remove' });
    expect(of([])).toBeUndefined();
  });
});

describe('the nodes of a lab as electors', () => {
  test('are those that are in it and have an incarnation, with their zone', () => {
    const door = new Door();
    door.member('vega', '2', { labels: { zone: 'attic' } });
    door.types('lyra', '3', { token: null });
    const contact = { reachable: true, since: 0, caughtUp: true };
    expect(electorsOf(door.lab.lab, () => contact)).toEqual([
      {
        node: 'node:vega',
        name: 'vega',
        incarnation: 'vega-disk-1',
        role: 'any',
        departing: false,
        zone: 'attic',
        ...contact,
      },
    ]);
  });
});

describe('the nine places', () => {
  const names = Array.from({ length: 9 }, (_, n) => `n${n}`);
  const full = (nodes: readonly string[]) => {
    const electors = nodes.map(elector);
    const peers = electors.slice(0, mostMembers).map(({ node }) => peerOf(node, 'one'));
    return chooseLearners({
      nodes: electors,
      configuration: { voters: peers.slice(0, 5), learners: peers.slice(5) },
      now,
    });
  };

  test('are kept by those who have them, however many wait', () => {
    expect(full([...names, 'wait', 'other'])).toBeUndefined();
    expect(full(names.with(6, 'n6~').concat('wait'))).toBeUndefined();
    expect(full(names.with(6, 'n6-').concat('wait-'))).toBeUndefined();
    expect(full(names.with(6, 'n6-').concat('wait~'))).toBeUndefined();
  });

  test('a learner that never votes gives its place to a node that may, and follows from then on', () => {
    expect(full(names.with(6, 'n6-').concat('wait'))).toEqual({
      do: 'remove',
      peer: 'n6.one',
      why: 'n6 never votes, and wait may; it follows another node from now on.',
    });
  });

  test('a learner that has been silent for as long as a voter may be gives its place up', () => {
    expect(full(names.with(7, 'n7*').concat('wait-'))).toEqual({
      do: 'remove',
      peer: 'n7.one',
      why: 'n7 does not answer; wait takes its place.',
    });
  });

  test('come to rest: nobody gives up a place and gets it back', () => {
    const anyNodes = fc.array(fc.tuple(fc.constantFrom('', '!', '-'), fc.constantFrom('', '~', '*')), {
      minLength: 9,
      maxLength: 20,
    });
    fc.assert(
      fc.property(anyNodes, (marks) => {
        const nodes = marks.map(([role, silence], n) => elector(`n${n}${role}${silence}`));
        const peers = nodes.slice(0, mostMembers).map(({ node }) => peerOf(node, 'one'));
        let group: Group = { voters: peers.slice(0, 1), learners: peers.slice(1) };
        for (let round = 0; round <= 2 * nodes.length; round++) {
          const next = chooseLearners({ nodes, configuration: group, now });
          if (!next) return;
          const learners = group.learners.filter((peer) => peer !== next.peer);
          group = { ...group, learners: next.do === 'remove' ? learners : [...learners, next.peer] };
          expect(group.voters.length + group.learners.length).toBeLessThanOrEqual(mostMembers);
        }
        expect.fail('it never comes to rest');
      }),
    );
  });
});
