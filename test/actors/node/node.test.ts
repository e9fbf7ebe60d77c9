import { describe, expect, test } from 'vitest';
import { Door, sha } from '../door.ts';

const labels = (door: Door) => door.node('atlas')?.context.metadata.labels;

describe('the labels of a node', () => {
  test('are added, changed and taken away one by one', () => {
    const door = new Door();
    door.lab.must('label-node', { name: 'atlas', labels: { zone: 'attic', disk: 'ssd' } });
    expect(door.lab.types('label-node', { name: 'atlas', labels: { zone: 'cellar', disk: null } })).toEqual([
      'node.labelled',
    ]);
    expect(labels(door)).toEqual({ zone: 'cellar' });
    expect(door.lab.types('label-node', { name: 'atlas', labels: { zone: 'cellar', disk: null } })).toEqual([]);
    expect(door.lab.run('label-node', { name: 'atlas', labels: { 'no key': 'x' } }).rejected?.code).toBe('INVALID');
  });
});

describe('the role of a node', () => {
  test('is changed, unless nobody could vote any more', () => {
    const door = new Door();
    expect(door.lab.run('change-node-role', { name: 'atlas', role: 'learner' }).rejected?.code).toBe('LAST_VOTER');
    door.member('vega', '2', { role: 'learner' });
    expect(door.lab.run('change-node-role', { name: 'atlas', role: 'learner' }).rejected?.code).toBe('LAST_VOTER');
    door.lab.must('change-node-role', { name: 'vega', role: 'any' });
    expect(door.lab.types('change-node-role', { name: 'atlas', role: 'learner' })).toEqual(['node.role-changed']);
    expect(door.lab.types('change-node-role', { name: 'atlas', role: 'learner' })).toEqual([]);
  });

  test('is not witness as long as the node holds anything', () => {
    const door = new Door();
    door.lab.running('name: photos\nservices: { web: { image: nginx } }\n');
    expect(door.lab.run('change-node-role', { name: 'atlas', role: 'witness' }).rejected).toMatchObject({
      code: 'NOT_EMPTY',
      explain: 'A witness runs no apps, and node atlas holds instance photos.',
    });
  });
});

describe('the key of a node', () => {
  const start = (door: Door, digit: string, incarnation: string) => {
    const facts = door.node('atlas')?.context.facts;
    if (!facts) throw new Error('no node');
    const input = {
      node: 'node:atlas' as const,
      name: 'atlas',
      addresses: [],
      facts,
      keySha256: sha(digit),
      incarnation,
    };
    return door.lab.types('join-node', input, 'node:atlas');
  };

  test('is learned from a lab that was one machine, with its incarnation, and changes later without it', () => {
    const door = new Door();
    expect(door.node('atlas')?.context).toMatchObject({ keySha256: null, incarnation: null, port: null, role: 'any' });
    expect(start(door, '1', 'disk-1')).toEqual(['node.rekeyed']);
    expect(start(door, '1', 'disk-1')).toEqual([]);
    expect(start(door, '2', 'disk-2')).toEqual(['node.rekeyed']);
    expect(door.node('atlas')?.context).toMatchObject({ keySha256: sha('2'), incarnation: 'disk-1' });
  });

  test('comes with the first node of a lab that says it', () => {
    const door = new Door();
    const facts = door.node('atlas')?.context.facts;
    if (!facts) throw new Error('no node');
    const said = { addresses: [], facts, keySha256: sha('4'), incarnation: 'disk-1', port: 7401, role: 'any' as const };
    door.lab.must('join-node', { node: 'node:first', name: 'first', ...said }, 'node:first');
    expect(door.node('first')?.context).toMatchObject(said);
  });
});

describe('what a node reports', () => {
  test('of its port, disks and version becomes an event when it is new', () => {
    const door = new Door();
    const node = door.node('atlas');
    if (!node) throw new Error('no node');
    const report = { node: node.stream, addresses: ['10.0.0.1'], facts: node.context.facts };
    expect(door.lab.types('report-node', report, node.stream)).toEqual([]);
    expect(door.lab.types('report-node', { ...report, port: 7401 }, node.stream)).toEqual(['node.facts-changed']);
    expect(door.lab.types('report-node', { ...report, port: 7401 }, node.stream)).toEqual([]);
    // One that does not speak of its port has not lost it.
    const devices = [{ name: 'sda', sizeBytes: 1, model: null, rotational: true }];
    door.lab.must('report-node', { ...report, facts: { ...report.facts, devices } }, node.stream);
    expect(door.node('atlas')?.context).toMatchObject({ port: 7401, facts: { devices } });
  });

  test('counts for nothing while it waits to be let in', () => {
    const door = new Door();
    door.types('vega', '2');
    const { addresses, facts } = door.asks('vega', '2');
    const { rejected } = door.lab.run('report-node', { node: 'node:vega', addresses, facts }, 'node:vega');
    expect(rejected?.code).toBe('NOT_FOUND');
  });
});

describe('a node that is stopped on purpose', () => {
  const stop = (door: Door, by: `node:${string}`) => door.lab.run('report-node-stopped', { node: 'node:vega' }, by);

  test('says so itself, once, and is up again when it reports', () => {
    const door = new Door();
    door.member('vega', '2');
    expect(stop(door, 'node:atlas').rejected?.code).toBe('FORBIDDEN');
    expect(stop(door, 'node:vega').events.map(({ type }) => type)).toEqual(['node.stopped']);
    expect(door.node('vega')).toMatchObject({ state: 'stopped', context: { downSince: door.lab.now } });
    expect(stop(door, 'node:vega')).toEqual({ events: [] });
    const { addresses, facts } = door.asks('vega', '2');
    expect(door.lab.types('report-node', { node: 'node:vega', addresses, facts }, 'node:vega')).toContain(
      'node.came-up',
    );
    expect(door.node('vega')).toMatchObject({ state: 'up', context: { downSince: null } });
  });

  test('is a member as before: it can be removed, replaced, and is missed when it stays away', () => {
    const door = new Door();
    door.member('vega', '2');
    stop(door, 'node:vega');
    expect(door.lab.types('note-lasting-outage', { node: 'node:vega' }, 'policy:membership')).toEqual([
      'node.stayed-down',
    ]);
    const token = door.token('back', { replaces: 'vega' });
    const { node: _, token: __, ...said } = door.asks('vega', '3', { incarnation: 'vega-disk-2' });
    expect(door.lab.types('replace-incarnation', { ...said, token }, 'system:join')).toContain('node.replaced');
    stop(door, 'node:vega');
    expect(door.lab.types('remove-node', { name: 'vega' })).toEqual(['node.removed']);
  });

  test('does not count as silent besides', () => {
    const door = new Door();
    door.member('vega', '2');
    stop(door, 'node:vega');
    const input = { node: 'node:vega' as const, lastSeenAt: null };
    expect(door.lab.types('report-node-down', input, 'policy:liveness')).toEqual([]);
  });
});

describe('a node whose clock is years ahead', () => {
  const aheadMs = 3653 * 24 * 3_600_000;

  test('was not stopped on purpose: it is down, with the reason, until it answers', () => {
    const door = new Door();
    door.member('vega', '2');
    const note = () => door.lab.types('report-node-clock', { node: 'node:vega', aheadMs }, 'policy:liveness');
    expect(note()).toEqual([]);
    door.lab.must('report-node-stopped', { node: 'node:vega' }, 'node:vega');
    expect([note(), note()]).toEqual([['node.clock-differed'], []]);
    expect(door.node('vega')).toMatchObject({ state: 'down', context: { clockAheadMs: aheadMs } });
    const { addresses, facts } = door.asks('vega', '2');
    door.lab.must('report-node', { node: 'node:vega', addresses, facts }, 'node:vega');
    expect(door.node('vega')).toMatchObject({ state: 'up', context: { clockAheadMs: null } });
  });

  test('is not said by just anybody', () => {
    const door = new Door();
    door.member('vega', '2');
    door.lab.must('report-node-stopped', { node: 'node:vega' }, 'node:vega');
    const said = door.lab.run('report-node-clock', { node: 'node:vega', aheadMs }, 'node:vega');
    expect(said.rejected?.code).toBe('FORBIDDEN');
  });
});

describe('an outage', () => {
  test('that lasts is noted once, and is over with the first answer', () => {
    const door = new Door();
    const note = () => door.lab.types('note-lasting-outage', { node: 'node:atlas' }, 'policy:membership');
    expect(note()).toEqual([]);
    door.lab.must('report-node-down', { node: 'node:atlas', lastSeenAt: null }, 'policy:liveness');
    expect(door.node('atlas')?.context.downSince).toBeNull();
    expect(note()).toEqual(['node.stayed-down']);
    expect(note()).toEqual([]);
    const { addresses, facts } = door.node('atlas')?.context ?? door.asks('atlas', '1');
    door.lab.must('report-node', { node: 'node:atlas', addresses: [...addresses], facts }, 'node:atlas');
    expect(door.node('atlas')).toMatchObject({ state: 'up', context: { downLasts: false, downSince: null } });
  });
});
