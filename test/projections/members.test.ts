/** Who belongs to the lab, who decides, and what is wrong with that: rows, alerts and words. */
import { describe, expect, test } from 'vitest';
import type { LabEvent } from '#events/envelope.ts';
import { Folded } from '#io/lab/folded.ts';
import { wordsFor } from '#projections/words.ts';
import { Door, sha } from '#test/actors/door.ts';
import { TestLab } from '#test/actors/test-lab.ts';
import { newcomer } from '#test/golden/history.ts';

function foldedOf({ lab }: Door): Folded {
  const folded = new Folded();
  for (const event of lab.events) folded.fold(event);
  return folded;
}
const nodeRow = (door: Door, name: string) =>
  foldedOf(door)
    .rows('nodes')
    .find(([, row]) => row.name === name)?.[1];
const told = (door: Door) =>
  foldedOf(door)
    .rows('alerts')
    .map(([, { rule, severity, message }]) => `${severity} ${rule}: ${message}`);
const overview = (door: Door) => foldedOf(door).rows('overview')[0]?.[1];

/** The lab of TestLab has a node that was never asked who it is. */
const empty = (): Door => {
  const lab = new TestLab();
  lab.must('create-lab', { name: 'home', timeZone: 'UTC' }, 'system:start');
  return new Door(lab);
};

describe('the row of a node', () => {
  test('says what it is to the lab and to the group', () => {
    const door = new Door();
    door.member('vega', '2', { labels: { zone: 'attic' }, role: 'witness', incarnation: 'a-long-incarnation' });
    expect(nodeRow(door, 'vega')).toMatchObject({
      state: 'up',
      role: 'witness',
      member: null,
      zone: 'attic',
      version: '0.2.0',
      incarnation: 'a-long-i',
      keySha256: sha('2'),
      port: 7401,
      approved: false,
    });
    expect(nodeRow(door, 'atlas')).toMatchObject({ role: 'any', zone: null, incarnation: null, keySha256: null });
  });

  test('follows the group: who comes, who goes, and who has another disk by now', () => {
    const door = new Door();
    door.member('vega', '2');
    door.member('lyra', '3');
    const members = () => ['vega', 'lyra'].map((name) => nodeRow(door, name)?.member);
    const record = (voters: string[], learners: string[]): void =>
      void door.lab.must('record-members', { voters, learners, generation: 1 }, 'system:raft');
    record(['vega.vega-disk-1'], ['lyra.lyra-disk-1']);
    expect(members()).toEqual(['voter', 'learner']);
    record(['lyra.lyra-disk-1'], []);
    expect(members()).toEqual([null, 'voter']);
    record(['lyra.lyra-disk-1'], ['vega.vega-disk-0']);
    expect(members()).toEqual([null, 'voter']);
  });

  test('shows who waits, and whether it may come in', () => {
    const door = new Door();
    door.types('vega', '2');
    expect(nodeRow(door, 'vega')).toMatchObject({ state: 'waiting', approved: false });
    door.lab.must('approve-node', { name: 'vega' });
    expect(nodeRow(door, 'vega')).toMatchObject({ state: 'waiting', approved: true });
    door.lab.must('refuse-node', { name: 'vega' });
    expect(nodeRow(door, 'vega')).toBeUndefined();
  });

  test('of one that nobody ever heard of says since when it is missed', () => {
    const door = new Door();
    door.lab.now += 1000;
    door.lab.must('report-node-down', { node: 'node:atlas', lastSeenAt: null }, 'policy:liveness');
    expect(nodeRow(door, 'atlas')).toMatchObject({ state: 'down', downSince: null, since: door.lab.now });
  });
});

describe('the rows of tokens', () => {
  test('say what each is good for and who used it, and go when it is forgotten', () => {
    const door = new Door();
    const token = door.token('one', { role: 'learner' });
    const rows = () => foldedOf(door).rows('tokens');
    expect(rows()).toMatchObject([['one', { state: 'open', role: 'learner', usedBy: null }]]);
    door.types('vega', '2', { token });
    expect(rows()).toMatchObject([['one', { state: 'used', usedBy: { id: 'node:vega', name: 'vega' } }]]);
    door.lab.now += 31 * 24 * 3_600_000;
    door.token('two');
    expect(rows().map(([id]) => id)).toEqual(['two']);
  });

  test('never have what a token is checked by, nor has the configuration', () => {
    const door = new Door();
    door.token('one');
    const folded = foldedOf(door);
    for (const view of ['tokens', 'config'] as const) expect(JSON.stringify(folded.rows(view))).not.toContain(sha('e'));
  });
});

describe('the overview', () => {
  test('says what the lab cannot promise, and follows its size', () => {
    const door = empty();
    expect(overview(door)).toMatchObject({ tolerates: 0, generation: 1, size: { machines: 0, voters: 1 } });
    door.member('atlas', '1');
    expect(overview(door)?.promises[0]).toContain('One machine');
    door.member('vega', '2');
    door.types('lyra', '3');
    expect(overview(door)).toMatchObject({ size: { machines: 2, witnesses: 0, eligible: 2, voters: 1 }, tolerates: 0 });
    expect(overview(door)?.promises[0]).toContain('One of two nodes decides');
    door.member('pi', '4', { role: 'witness' });
    door.votes('atlas', 'vega', 'pi');
    expect(overview(door)).toMatchObject({ size: { machines: 2, witnesses: 1, eligible: 3, voters: 3 }, tolerates: 1 });
    door.lab.must('change-node-role', { name: 'pi', role: 'learner' });
    expect(overview(door)?.size).toMatchObject({ machines: 3, witnesses: 0, eligible: 2, voters: 3 });
    door.lab.must('leave-node', { name: 'pi' });
    door.votes('atlas');
    door.lab.must('finish-departure', { node: 'node:pi' }, 'policy:group');
    expect(overview(door)?.size).toMatchObject({ machines: 2, witnesses: 0, eligible: 2, voters: 1 });
  });

  test('knows the generation', () => {
    const door = empty();
    const lost = { keptIndex: 1, explain: 'Nothing was lost.' };
    door.lab.must('record-recovery', { generation: 3, by: 'admin', lost, missingNodes: [] }, 'system:recover');
    expect(overview(door)?.generation).toBe(3);
  });
});

describe('an alert', () => {
  test('tells of a node that waits, with the key to compare, until somebody answers', () => {
    const door = new Door();
    door.types('vega', '2');
    const [[, alert] = []] = foldedOf(door).rows('alerts');
    expect(alert).toMatchObject({
      rule: 'node-waits',
      severity: 'warning',
      message: 'Node vega asks to join the lab from 10.0.0.9, fd00::9.',
    });
    expect(alert?.hint).toContain('2222 2222 2222 2222');
    door.lab.must('approve-node', { name: 'vega' });
    expect(told(door)).toEqual([]);
  });

  test('tells of a voter that was away for long, as long as nobody can take its vote', () => {
    const door = empty();
    for (const [name, digit] of [
      ['atlas', '1'],
      ['vega', '2'],
      ['lyra', '3'],
    ] as const)
      door.member(name, digit);
    door.votes('atlas', 'vega', 'lyra');
    door.down('lyra');
    const lost = () => told(door).filter((text) => text.includes('voter-lost'));
    expect(lost()).toEqual([]);
    door.lab.must('note-lasting-outage', { node: 'node:lyra' }, 'policy:membership');
    const words =
      'critical voter-lost: Voter lyra has not answered for 10 m or longer, and no other node may take its vote: ' +
      '2 of 3 voters answer.';
    expect(lost()).toEqual([words]);
    door.member('mira', '4', { role: 'learner' });
    expect(lost()).toEqual([words]);
    door.lab.must('change-node-role', { name: 'mira', role: 'any' });
    expect(lost()).toEqual([]);
    door.down('mira');
    expect(lost()).toEqual([words]);
    const { addresses, facts } = door.node('lyra')?.context ?? door.asks('lyra', '3');
    door.lab.must('report-node', { node: 'node:lyra', addresses: [...addresses], facts }, 'node:lyra');
    expect(lost()).toEqual([]);
  });

  test('mentions that all voters are in one zone, until one is not', () => {
    const door = empty();
    for (const [name, digit] of [
      ['atlas', '1'],
      ['vega', '2'],
      ['lyra', '3'],
    ] as const)
      door.member(name, digit, { labels: { zone: 'cellar' } });
    const zones = () => told(door).filter((text) => text.includes('voters-in-one-zone'));
    expect(zones()).toEqual([]);
    door.votes('atlas', 'vega', 'lyra');
    expect(zones()).toEqual([
      'info voters-in-one-zone: All 3 voters are in zone cellar: if it fails as a whole, the lab decides nothing.',
    ]);
    door.lab.must('label-node', { name: 'lyra', labels: { zone: 'attic' } });
    expect(zones()).toEqual([]);
    for (const name of ['atlas', 'vega', 'lyra']) door.lab.must('label-node', { name, labels: { zone: null } });
    expect(zones()).toEqual([]);
  });

  test('misses no container engine on a witness', () => {
    const door = empty();
    const facts = { ...newcomer('vega', '2').facts, engine: null };
    door.member('vega', '2', { facts });
    door.member('pi', '3', { role: 'witness', facts: { ...facts, pools: [] } });
    expect(told(door)).toEqual(['critical engine-away: The container engine of node vega does not answer.']);
  });

  test('tells a node that was stopped on purpose from one that fell silent, and warns when it stays away', () => {
    const door = empty();
    door.member('vega', '2');
    door.lab.must('report-node-stopped', { node: 'node:vega' }, 'node:vega');
    const words = 'Node vega was stopped on purpose: what it ran goes on there, and nobody watches it.';
    expect(told(door)).toEqual([`info node-stopped: ${words}`]);
    door.lab.must('note-lasting-outage', { node: 'node:vega' }, 'policy:membership');
    expect(told(door)).toEqual([`warning node-stopped: ${words}`]);
    const aheadMs = 3653 * 86_400_000;
    door.lab.must('report-node-clock', { node: 'node:vega', aheadMs }, 'policy:liveness');
    const clock = "The clock of node vega is 3653 d ahead of the lab's: it runs, and no link to it holds.";
    expect(told(door)).toEqual([`critical node-down: ${clock}`]);
    const { addresses, facts } = newcomer('vega', '2');
    door.lab.must('report-node', { node: 'node:vega', addresses, facts }, 'node:vega');
    expect(told(door)).toEqual([]);
  });

  test('mentions versions that differ, until all run the same', () => {
    const door = new Door();
    door.member('vega', '2');
    door.types('lyra', '3');
    const differ = () => told(door).filter((text) => text.includes('versions-differ'));
    expect(differ()).toEqual([
      'info versions-differ: The nodes run unlike versions of FloatLab: 0.1.0 on atlas; 0.2.0 on vega.',
    ]);
    door.down('vega');
    door.lab.must('remove-node', { name: 'vega' });
    expect(differ()).toEqual([]);
  });
});

describe('in words', () => {
  const said = (events: readonly LabEvent[], door: Door): readonly string[] => {
    const folded = new Folded([]);
    const wanted = new Set(events.map(({ index }) => index));
    return door.lab.events.flatMap((event) => {
      const step = folded.fold(event);
      return wanted.has(event.index) ? [wordsFor(step, folded.lab)] : [];
    });
  };

  test('joining names the node, and the voters by their names', () => {
    const door = new Door();
    const token = door.token('one');
    const { events } = door.admit('vega', '2', { token });
    expect(said(events, door)).toEqual(['Node vega joined.', 'A join token was used by node vega.']);
    const members = { voters: ['vega.vega-disk-1', 'gone.one'], learners: [], generation: 1 };
    expect(said(door.lab.must('record-members', members, 'system:raft'), door)).toEqual([
      'The lab decides by 2 voters: a node that is gone, vega.',
    ]);
  });

  test('a recovery says who did it, what was lost, and whose word counted', () => {
    const door = new Door();
    const lost = { keptIndex: 4, explain: 'Events 5 to 9 are lost.' };
    const missingNodes = [{ name: 'vega', saidOffBy: 'ada' }];
    const events = door.lab.must('record-recovery', { generation: 2, by: 'ada', lost, missingNodes }, 'system:recover');
    expect(said(events, door)).toEqual([
      'ada recovered the lab (generation 2): Events 5 to 9 are lost. ada said that node vega is off.',
    ]);
  });
});
