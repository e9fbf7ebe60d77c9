import { describe, expect, test } from 'vitest';
import { clusterStream } from '#actors/cluster/stream.ts';
import type { CommandInputs } from '#actors/commands.ts';
import { Door, sha } from '../door.ts';

const cluster = (door: Door) => door.lab.lab.get(clusterStream)?.context;

describe('the rules of the bouncer', () => {
  test('are changed as a whole, and the same rules again change nothing', () => {
    const door = new Door();
    const rules: CommandInputs['change-bouncer']['rules'] = [{ name: 'lab-*', address: '10.0.0.0/8', do: 'admit' }];
    expect(door.lab.types('change-bouncer', { rules })).toEqual(['cluster.bouncer-changed']);
    expect(door.lab.types('change-bouncer', { rules })).toEqual([]);
    expect(cluster(door)?.bouncer).toEqual(rules);
    expect(door.lab.types('change-bouncer', { rules: [] })).toEqual(['cluster.bouncer-changed']);
  });

  test.each([{ address: '10.0.0.0/40' }, { address: 'home' }, { name: 'LAB' }, { name: '' }, { who: 'x' }])(
    'are refused when a condition is none: %j',
    (condition) => {
      const rules = [{ ...condition, do: 'admit' }] as CommandInputs['change-bouncer']['rules'];
      expect(new Door().lab.run('change-bouncer', { rules }).rejected?.code).toBe('INVALID');
    },
  );
});

describe('the consensus group', () => {
  const record = (door: Door, input: Partial<CommandInputs['record-members']>) =>
    door.lab.run('record-members', { voters: ['atlas.one'], learners: [], generation: 1, ...input }, 'system:raft');

  test('is recorded when it has changed, in one order, and once', () => {
    const door = new Door();
    expect(record(door, { voters: ['vega.x', 'atlas.one'], term: 4 }).events[0]?.data).toMatchObject({
      voters: ['atlas.one', 'vega.x'],
    });
    expect(record(door, { voters: ['atlas.one', 'vega.x'], term: 5 }).events).toEqual([]);
    expect(cluster(door)?.members).toEqual({ voters: ['atlas.one', 'vega.x'], learners: [], generation: 1, term: 4 });
  });

  test('is not what a leader of before, or of an older generation, takes it for', () => {
    const door = new Door();
    record(door, { term: 4 });
    expect(record(door, { voters: ['vega.x'], term: 3 }).rejected?.code).toBe('STALE');
    door.member('altair', '7');
    door.lab.must('record-recovery', recovery(2), 'system:recover');
    expect(record(door, { voters: ['vega.x'], term: 9 }).rejected?.code).toBe('STALE');
    expect(record(door, { voters: ['vega.x'], term: 1, generation: 2 }).events).toHaveLength(1);
  });

  test('has a voter, and is recorded by no person', () => {
    const door = new Door();
    expect(record(door, { voters: [] }).rejected?.code).toBe('INVALID');
    const input = { voters: ['atlas.one'], learners: [], generation: 1 };
    expect(door.lab.run('record-members', input).rejected?.code).toBe('FORBIDDEN');
  });
});

const recovery = (generation: number): CommandInputs['record-recovery'] => ({
  generation,
  by: 'admin',
  lost: { keptIndex: 10, explain: 'Nobody knows what came after event 10.' },
  missingNodes: [{ name: 'vega', saidOffBy: 'admin' }],
  survivor: { node: 'node:altair', incarnation: 'after' },
});

describe('a recovery', () => {
  test('raises the generation, once, and says what was lost and whose word it was', () => {
    const door = new Door();
    door.member('altair', '7');
    expect(cluster(door)?.generation).toBe(1);
    expect(door.lab.types('record-recovery', recovery(2), 'system:recover')).toEqual([
      'cluster.recovered',
      'node.rekeyed',
    ]);
    expect(cluster(door)?.generation).toBe(2);
    // To the group it is another peer: nobody counts on what it promised before.
    expect(door.node('altair')?.context).toMatchObject({ incarnation: 'after', keySha256: sha('7') });
    expect(door.lab.types('record-recovery', recovery(2), 'system:recover')).toEqual([]);
    expect(door.lab.run('record-recovery', recovery(1), 'system:recover').rejected?.code).toBe('STALE');
  });
});

describe('the version by which events are folded', () => {
  const supports = (max: number) => ({ protocol: { min: 1, max: 1 }, fold: { min: 1, max } });
  const say = (door: Door, name: string, max: number): void => {
    const node = door.node(name);
    if (!node) throw new Error('no such node');
    const facts = { ...node.context.facts, supports: supports(max) };
    door.lab.must('report-node', { node: node.stream, addresses: [], facts }, node.stream);
  };

  test('is switched when every node can, also those that are down', () => {
    const door = new Door();
    door.member('vega', '2');
    expect(door.lab.run('switch-fold-version', { version: 2 }).rejected?.explain).toBe(
      'Not every node can fold by version 2: atlas does not say.',
    );
    say(door, 'atlas', 2);
    say(door, 'vega', 1);
    door.down('vega');
    expect(door.lab.run('switch-fold-version', { version: 2 }).rejected?.explain).toBe(
      'Not every node can fold by version 2: vega folds by 1.',
    );
    say(door, 'vega', 3);
    // Who only waits at the door has no say.
    const { supports: _, ...facts } = door.asks('lyra', '3').facts;
    door.types('lyra', '3', { facts });
    const [event] = door.lab.must('switch-fold-version', { version: 2 });
    expect(cluster(door)?.fold).toEqual({ version: 2, since: event?.index });
  });

  test('never goes back', () => {
    const door = new Door();
    say(door, 'atlas', 3);
    door.lab.must('switch-fold-version', { version: 3 });
    expect(door.lab.types('switch-fold-version', { version: 3 })).toEqual([]);
    expect(door.lab.run('switch-fold-version', { version: 2 }).rejected?.code).toBe('NOT_NOW');
  });

  test('of a lab that never switched is the first, since its first event', () => {
    expect(cluster(new Door())?.fold).toEqual({ version: 1, since: 1 });
  });
});
