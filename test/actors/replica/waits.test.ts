/** What a replica says that it waits for. */
import { describe, expect, test } from 'vitest';
import { waitOf } from '#actors/replica/waits.ts';
import { TestLab } from '#test/actors/test-lab.ts';

/** At noon, with a replica on vega that holds nothing yet. */
function withReplica(replicas: object = {}): TestLab {
  const lab = TestLab.ready();
  lab.join('vega');
  const spec = { sizeBytes: 2 ** 30, replicas: { count: 1, on: 'change', ...replicas } };
  lab.must('create-volume', { name: 'data', spec: spec as never });
  lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  lab.provision();
  lab.now += 12 * 3_600_000;
  lab.must('place-replica', { volume: lab.volume('data'), node: 'node:vega', pool: 'main' }, 'policy:replication');
  return lab;
}

const one = (lab: TestLab) => {
  const replica = lab.lab.byName('replica', 'default', 'data-on-vega');
  if (!replica) throw new Error('there is none');
  return replica;
};
const wait = (lab: TestLab) => waitOf(one(lab), lab.lab);
const synced = (lab: TestLab, snapshot: string): void => {
  const { stream } = one(lab);
  lab.must(
    'begin-sync',
    { replica: stream, snapshot: lab.snapshot('data', snapshot), reason: 'change' },
    'policy:replication',
  );
  lab.must('report-replica-synced', { replica: stream, visit: lab.visit(stream), bytes: 1 }, 'node:vega');
};

describe('a replica that waits', () => {
  test('for its first snapshot, and for nothing once it is due', () => {
    const lab = withReplica();
    expect(wait(lab)?.words).toBe('its volume has no snapshot yet');
    lab.snapshotTaken('data', 'first');
    expect(wait(lab)).toBeNull();
    synced(lab, 'first');
    expect(wait(lab)).toBeNull();
  });

  test('for its window says when that opens', () => {
    const lab = withReplica({ window: { from: '22:00', to: '06:00' } });
    lab.snapshotTaken('data', 'first');
    expect(wait(lab)).toEqual({ words: 'the window opens at 22:00', until: Date.UTC(2026, 0, 1, 22) });
  });

  test('for its cron line, once it holds something', () => {
    const lab = withReplica({ on: { cron: '0 3 * * *' } });
    lab.snapshotTaken('data', 'first');
    synced(lab, 'first');
    lab.snapshotTaken('data', 'second');
    expect(wait(lab)).toEqual({ words: 'cron 0 3 * * *', until: Date.UTC(2026, 0, 2, 3) });
  });

  test.each(['atlas', 'vega'])('for node %s says since when that is away', (name) => {
    const lab = withReplica();
    lab.snapshotTaken('data', 'first');
    lab.must('report-node-down', { node: `node:${name}`, lastSeenAt: lab.now }, 'policy:liveness');
    expect(wait(lab)).toEqual({ words: `node ${name} is away`, since: lab.now });
  });

  test('because somebody paused it says who', () => {
    const lab = withReplica();
    lab.must('pause-replica', { name: one(lab).context.metadata.name });
    expect(wait(lab)).toEqual({ words: 'paused by admin', since: lab.now });
    lab.must('resume-replica', { name: one(lab).context.metadata.name });
    expect(wait(lab)?.words).toBe('its volume has no snapshot yet');
  });

  test('after a failure says until when, and after one that needs a person what is to be said', () => {
    const lab = withReplica();
    lab.snapshotTaken('data', 'first');
    const { stream } = one(lab);
    const fail = (code: string): void => {
      const snapshot = lab.snapshot('data', 'first');
      lab.must('begin-sync', { replica: stream, snapshot, reason: 'change' }, 'policy:replication');
      const problem = { code, message: 'It did not work.' };
      lab.must('report-replica-sync-failed', { replica: stream, visit: lab.visit(stream), problem }, 'node:vega');
    };
    fail('TIMED_OUT');
    expect(wait(lab)).toEqual({ words: 'tries again after a failure', until: one(lab).context.retryAt });
    fail('DIVERGED');
    expect(wait(lab)?.words).toContain('no common snapshot');
  });

  test('for other streams of its node says how many there are', () => {
    const lab = withReplica();
    lab.snapshotTaken('data', 'first');
    for (const name of ['a', 'b', 'c', 'd']) {
      lab.must('create-volume', { name, spec: { sizeBytes: 2 ** 26 } });
      lab.must('place-volume', { volume: lab.volume(name), node: 'node:atlas', pool: 'main' }, 'policy:placement');
      lab.provision();
      lab.snapshotTaken(name, `of-${name}`);
      lab.must('create-replica', { name, node: 'vega' });
      lab.must('sync-replica', { name: `${name}-on-vega` });
    }
    expect(wait(lab)?.words).toBe('other streams: 4 are received on its node, which is as many as go at once');
  });
});
