import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { KeptGroup } from './group.ts';

const minute = 60;

let group: KeptGroup;
afterEach(() => group.stop());

/** Three voters, and a fourth machine that has everything. */
async function withSpare(): Promise<void> {
  group = new KeptGroup('atlas', 'vega', 'lyra');
  group.join('mira');
  await group.seconds(5);
  expect([group.voters, group.learners]).toEqual([['atlas', 'lyra', 'vega'], ['mira']]);
  group.changes.splice(0);
}

describe('the group', () => {
  test('takes in whoever joins, as a learner first, and gets three voters in one change', async () => {
    group = new KeptGroup('atlas');
    group.join('vega');
    await group.seconds(5);
    expect([group.voters, group.learners]).toEqual([['atlas'], ['vega']]);
    group.join('lyra');
    await group.seconds(5);
    expect(group.changes).toEqual(['add-learner vega', 'add-learner lyra', 'add-voter lyra, add-voter vega']);
  });

  test('waits for a machine that does not have everything yet', async () => {
    group = new KeptGroup('atlas');
    group.join('vega');
    group.join('lyra');
    group.machine('lyra').behind = 2000;
    await group.seconds(30);
    expect(group.voters).toEqual(['atlas']);
    group.machine('lyra').behind = 900;
    await group.seconds(2);
    expect(group.voters).toEqual(['atlas', 'lyra', 'vega']);
  });

  test('is written into the history after each change, once', async () => {
    await withSpare();
    expect(group.recorded).toEqual(['atlas', 'lyra', 'vega']);
    const recorded = () => group.door.lab.events.filter(({ type }) => type === 'cluster.members-changed').length;
    const before = recorded();
    await group.seconds(minute);
    expect(recorded()).toBe(before);
  });

  test('is written again when it is what it was under an earlier leader, after others in between', async () => {
    group = new KeptGroup('atlas', 'vega', 'lyra');
    await group.seconds(2);
    group.lead('vega');
    const voters = ['atlas', 'vega'].map((name) => group.peer(name));
    group.door.lab.must('record-members', { voters, learners: [], generation: 1, term: 2 }, 'policy:group');
    group.lead('atlas');
    await group.seconds(2);
    expect(group.recorded).toEqual(['atlas', 'lyra', 'vega']);
  });

  test('is left alone by whoever does not lead', async () => {
    group = new KeptGroup('atlas');
    group.machine('atlas').isUp = false;
    group.join('vega');
    await group.seconds(minute);
    expect(group.changes).toEqual([]);
  });
});

describe('a voter that falls silent', () => {
  test('is replaced after ten minutes, and not a moment before; when it returns it is a learner', async () => {
    await withSpare();
    group.machine('lyra').isUp = false;
    await group.seconds(10 * minute - 1);
    expect(group.voters).toContain('lyra');
    await group.seconds(3);
    expect(group.changes).toEqual(['add-voter mira, add-learner lyra']);
    group.machine('lyra').isUp = true;
    await group.seconds(20 * minute);
    expect([group.voters, group.learners]).toEqual([['atlas', 'mira', 'vega'], ['lyra']]);
    expect(group.recorded).toEqual(['atlas', 'mira', 'vega']);
  });

  test('has ten minutes again each time that it is heard', async () => {
    await withSpare();
    for (let turn = 0; turn < 3; turn++) {
      group.machine('lyra').isUp = false;
      await group.seconds(9 * minute);
      group.machine('lyra').isUp = true;
      await group.seconds(2);
    }
    expect(group.changes).toEqual([]);
  });

  test('has them whoever leads meanwhile: they count from what the history says of the outage', async () => {
    await withSpare();
    group.machine('lyra').isUp = false;
    await group.seconds(20);
    group.door.lab.now = group.clock.now();
    group.door.down('lyra');
    await group.seconds(5 * minute);
    group.lead('vega');
    await group.seconds(5 * minute - 2);
    expect(group.voters).toContain('lyra');
    await group.seconds(4);
    expect(group.voters).not.toContain('lyra');
  });

  test('has them anew under a leader that the history tells nothing of it', async () => {
    await withSpare();
    group.machine('lyra').isUp = false;
    await group.seconds(9 * minute);
    group.lead('vega');
    await group.seconds(9 * minute);
    expect(group.voters).toContain('lyra');
    await group.seconds(minute + 2);
    expect(group.voters).not.toContain('lyra');
  });

  test('has them anew under a leader that saw it silent in an earlier term', async () => {
    await withSpare();
    group.machine('lyra').isUp = false;
    await group.seconds(minute);
    group.lead('vega');
    group.machine('lyra').isUp = true;
    await group.seconds(20 * minute);
    group.machine('lyra').isUp = false;
    group.lead('atlas');
    await group.seconds(9 * minute);
    expect(group.voters).toContain('lyra');
  });

  test('stays where nobody can take its vote: the group does not shrink by itself', async () => {
    group = new KeptGroup('atlas', 'vega', 'lyra');
    group.machine('lyra').isUp = false;
    await group.seconds(60 * minute);
    expect(group.changes).toEqual([]);
  });
});

describe('zones', () => {
  test('lose a vote when one of them has most: to a machine elsewhere, and the leader keeps its own', async () => {
    group = new KeptGroup('atlas', 'vega', 'lyra');
    for (const name of ['atlas', 'vega']) group.door.lab.must('label-node', { name, labels: { zone: 'attic' } });
    await group.seconds(5);
    expect(group.changes).toEqual([]);
    group.join('mira', { zone: 'cellar' });
    await group.seconds(5);
    expect(group.changes).toEqual(['add-learner mira', 'add-voter mira, add-learner vega']);
  });
});

describe('a node that is not to vote', () => {
  test('of three leaves one that decides', async () => {
    group = new KeptGroup('atlas', 'vega', 'lyra');
    await group.seconds(2);
    group.door.lab.must('change-node-role', { name: 'lyra', role: 'learner' });
    await group.seconds(5);
    expect([group.voters, group.learners]).toEqual([['atlas'], ['lyra', 'vega']]);
  });

  test('and leads, lets another one lead first', async () => {
    group = new KeptGroup('atlas', 'vega', 'lyra');
    await group.seconds(2);
    group.door.lab.must('change-node-role', { name: 'atlas', role: 'learner' });
    await group.seconds(5);
    expect([group.changedBy, group.leader, group.voters]).toEqual(['lyra', 'lyra', ['lyra']]);
    expect(group.changes).toEqual(['add-learner atlas, add-learner vega']);
  });
});

describe('a witness', () => {
  const withWitness = (): void => {
    group = new KeptGroup('atlas', 'vega', 'pi');
    group.door.lab.must('change-node-role', { name: 'pi', role: 'witness' });
  };

  test('that leads hands leadership on, to a voter that runs apps, answers and has everything', async () => {
    withWitness();
    group.lead('pi');
    group.machine('atlas').behind = 2000;
    await group.seconds(2);
    expect(group.leader).toBe('vega');
    group.lead('pi');
    group.machine('vega').isUp = false;
    await group.seconds(5);
    expect(group.leader).toBe('pi');
    group.machine('atlas').behind = 0;
    await group.seconds(2);
    expect(group.leader).toBe('atlas');
  });

  test('leads on where only witnesses could take over', async () => {
    withWitness();
    group.door.lab.must('change-node-role', { name: 'vega', role: 'witness' });
    group.machine('atlas').isUp = false;
    group.lead('pi');
    await group.seconds(5);
    expect([group.leader, group.term]).toEqual(['pi', 2]);
  });
});

describe('a leader whose clock is not that of most voters', () => {
  test('hands leadership on to one whose clock is, even to a witness', async () => {
    group = new KeptGroup('atlas', 'vega', 'pi');
    for (const name of ['vega', 'pi']) group.door.lab.must('change-node-role', { name, role: 'witness' });
    group.clocks = ['atlas', 'vega', 'pi'];
    await group.seconds(5);
    expect(group.leader).toBe('atlas');
    group.clocks = ['pi', 'vega'];
    await group.seconds(2);
    expect(group.leader).not.toBe('atlas');
  });
});

describe('a node that leaves', () => {
  const leave = (name: string) => group.door.lab.must('leave-node', { name });
  const isIn = (name: string): boolean => group.door.node(name) !== undefined;

  test('gives up its vote, then its place, and is out of the lab only then', async () => {
    group = new KeptGroup('atlas', 'vega', 'lyra');
    await group.seconds(2);
    leave('lyra');
    await group.seconds(5);
    expect(group.changes).toEqual(['add-learner lyra, add-learner vega', 'remove lyra']);
    expect([isIn('lyra'), group.voters, group.recorded]).toEqual([false, ['atlas'], ['atlas']]);
    // From three to one: the lab decides on.
    leave('vega');
    await group.seconds(5);
    expect([isIn('vega'), group.voters, group.learners]).toEqual([false, ['atlas'], []]);
  });

  test('hands its vote to another one where there is one', async () => {
    await withSpare();
    leave('vega');
    await group.seconds(5);
    expect(group.changes).toEqual(['add-voter mira, add-learner vega', 'remove vega']);
    expect(isIn('vega')).toBe(false);
  });

  test('and leads, lets another one lead, which lets it go', async () => {
    group = new KeptGroup('atlas', 'vega', 'lyra');
    await group.seconds(2);
    leave('atlas');
    await group.seconds(6);
    expect([group.leader, group.voters, isIn('atlas')]).toEqual(['lyra', ['lyra'], false]);
  });

  test('and is the only voter, gives its vote to whoever has everything', async () => {
    group = new KeptGroup('atlas');
    group.join('vega');
    await group.seconds(3);
    group.machine('vega').behind = 2000;
    leave('atlas');
    await group.seconds(10);
    expect(group.voters).toEqual(['atlas']);
    group.machine('vega').behind = 0;
    await group.seconds(6);
    expect([group.leader, group.voters, isIn('atlas')]).toEqual(['vega', ['vega'], false]);
  });

  test('keeps its vote while the others could decide nothing without it', async () => {
    group = new KeptGroup('atlas', 'vega', 'lyra', 'mira', 'deneb');
    await group.seconds(2);
    leave('vega');
    // Two die before anybody has noticed.
    group.machine('mira').isUp = group.machine('deneb').isUp = false;
    await group.seconds(5);
    // Three voters are left, of which two answer.
    expect(group.voters).toEqual(['atlas', 'deneb', 'lyra']);
    expect(isIn('vega')).toBe(false);
  });

  test('stays until what only it may have is at the others', async () => {
    group = new KeptGroup('atlas', 'vega', 'lyra');
    await group.seconds(2);
    group.machine('lyra').isSecured = false;
    leave('lyra');
    await group.seconds(minute);
    expect([group.voters, isIn('lyra')]).toEqual([['atlas'], true]);
    group.machine('lyra').isSecured = true;
    await group.seconds(2);
    expect(isIn('lyra')).toBe(false);
  });

  test('goes in the same order when it is removed because it is down', async () => {
    group = new KeptGroup('atlas', 'vega', 'lyra');
    await group.seconds(2);
    group.machine('lyra').isUp = false;
    group.door.down('lyra');
    group.door.lab.must('remove-node', { name: 'lyra' });
    await group.seconds(5);
    expect([group.voters, group.learners, isIn('lyra')]).toEqual([['atlas'], ['vega'], false]);
  });

  test('goes together with others, down to one', async () => {
    group = new KeptGroup('atlas', 'vega', 'lyra');
    await group.seconds(2);
    leave('lyra');
    leave('vega');
    await group.seconds(8);
    expect([group.voters, isIn('lyra'), isIn('vega')]).toEqual([['atlas'], false, false]);
  });
});

/** What people ask for, and what happens to machines. */
type Happening =
  | { readonly do: 'fails' | 'returns' | 'leave' | 'remove' | 'learner' | 'any'; readonly machine: number }
  | { readonly do: 'joins' | 'is noticed' }
  | { readonly do: 'passes'; readonly seconds: number };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({
    do: fc.constantFrom('fails' as const, 'returns' as const, 'leave' as const, 'remove' as const),
    machine: fc.nat(7),
  }),
  fc.record({ do: fc.constantFrom('learner' as const, 'any' as const), machine: fc.nat(7) }),
  fc.record({ do: fc.constantFrom('joins' as const, 'is noticed' as const, 'is noticed' as const) }),
  fc.record({ do: fc.constant('passes' as const), seconds: fc.constantFrom(0, 1, 3, 20, 700) }),
);

/** The history learns who answers and who does not. */
function notice(): void {
  const { door, machines } = group;
  for (const [name, { isUp }] of machines) {
    const known = door.node(name);
    if (known?.state === 'up' && !isUp) door.down(name);
    if (known?.state !== 'down' || !isUp) continue;
    const { addresses, facts } = known.context;
    door.lab.must('report-node', { node: `node:${name}`, addresses: [...addresses], facts }, `node:${name}`);
  }
}

async function happen(what: Happening): Promise<void> {
  const { door, machines } = group;
  door.lab.now = group.clock.now();
  if (what.do === 'passes') return group.seconds(what.seconds);
  if (what.do === 'joins') {
    if (machines.size < 8 && group.hasMajority) group.join(`m${door.lab.events.length}`);
    return undefined;
  }
  // Where nobody leads nothing is decided.
  if (!('machine' in what)) return group.hasMajority ? notice() : undefined;
  const names = [...machines.keys()];
  const name = names[what.machine % names.length] ?? '';
  if (what.do === 'fails' || what.do === 'returns') {
    group.machine(name).isUp = what.do === 'returns';
    return undefined;
  }
  if (!group.hasMajority) return undefined;
  if (what.do === 'leave') door.lab.run('leave-node', { name });
  else if (what.do === 'remove') door.lab.run('remove-node', { name });
  else door.lab.run('change-node-role', { name, role: what.do });
  return undefined;
}

test('whatever people ask for and whatever fails: nobody who is out is needed, and whoever is to go is out in the end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(1, 3, 5), fc.array(happening, { maxLength: 25 }), async (size, story) => {
      group = new KeptGroup(...Array.from({ length: size }, (_, n) => `n${n}`));
      try {
        await group.seconds(2);
        for (const what of story) await happen(what);
        for (const machine of group.machines.values()) machine.isUp = true;
        notice();
        await group.seconds(60);
        const nodes = group.door.lab.lab.list('node');
        expect(nodes.filter(({ context }) => context.departing !== null)).toEqual([]);
        expect(nodes.map(({ context }) => context.metadata.name)).toEqual([...group.machines.keys()].toSorted());
        const unwilling = nodes.filter(({ context }) => context.role === 'learner');
        expect(unwilling.filter(({ context }) => group.voters.includes(context.metadata.name))).toEqual([]);
        expect([group.voters.length % 2, group.recorded]).toEqual([1, group.voters]);
      } finally {
        group.stop();
      }
    }),
    { numRuns: 150 },
  );
});
