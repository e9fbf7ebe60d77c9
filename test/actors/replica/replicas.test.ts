import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoffOf } from '#actors/replica/backoff.ts';
import { dueOf, opening } from '#actors/replica/due.ts';
import { replicationPolicy } from '#actors/policies/replication.ts';
import { workOf } from '#actors/registry.ts';
import { TestLab } from '#test/actors/test-lab.ts';

const nothing = { get: () => undefined };
const spec = { sizeBytes: 2 ** 30 };
const hourMs = 3_600_000;

function withVolume(replicas?: object): TestLab {
  const lab = TestLab.ready();
  lab.join('vega');
  lab.join('rigel', 200 * 2 ** 30);
  lab.join('deneb', 0, [{ name: 'tank', driver: 'zfs', sizeBytes: 2 ** 42 }]);
  lab.must('create-volume', { name: 'data', spec: { ...spec, ...(replicas ? { replicas } : {}) } as never });
  lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  lab.provision();
  return lab;
}

const proposals = (lab: TestLab, of: 'volume' | 'replica') =>
  lab.lab.list(of).flatMap(({ stream }) => replicationPolicy.propose(stream, lab.lab, nothing, lab.now));
/** Until nothing more is proposed. */
function govern(lab: TestLab): readonly string[] {
  const names: string[] = [];
  for (let n = 0; n < 20; n++) {
    const [first] = [...proposals(lab, 'volume'), ...proposals(lab, 'replica')];
    if (!first) return names;
    names.push(first.name);
    lab.must(first.name, first.input as never, 'policy:replication');
  }
  throw new Error(`it proposes for ever: ${names.join()}`);
}
const one = (lab: TestLab) => {
  const [replica] = lab.lab.list('replica');
  if (!replica) throw new Error('there is none');
  return replica;
};
const report = (lab: TestLab) => ({ replica: one(lab).stream, visit: one(lab).visit });
const nodeOf = (lab: TestLab) => one(lab).context.node;
const done = (lab: TestLab) => lab.must('report-replica-synced', { ...report(lab), bytes: 1 }, nodeOf(lab) as 'node:x');

describe('replicas that a volume asks for', () => {
  test('come to the pool with the most room, of the same kind, on another node, and the reasons are kept', () => {
    const lab = withVolume({ count: 1, on: 'change' });
    const [proposal] = proposals(lab, 'volume');
    expect(proposal?.input).toMatchObject({ node: 'node:rigel', pool: 'main' });
    const because = proposal?.because as { candidates: { name: string; refused?: string }[] } | undefined;
    const candidates = because?.candidates ?? [];
    // It has more room, but could follow file by file only.
    expect(candidates.find(({ name }) => name === 'deneb')?.refused).toBeUndefined();
    expect(candidates.find(({ name }) => name === 'atlas')?.refused).toBe('has the volume itself');
  });

  test('come to a pool of another kind where no other one has room', () => {
    const lab = withVolume({ count: 3, on: 'change' });
    govern(lab);
    const pools = lab.lab.list('replica').map(({ context }) => `${context.node}/${context.pool}`);
    expect(pools.toSorted()).toEqual(['node:deneb/tank', 'node:rigel/main', 'node:vega/main']);
  });

  test('are spread over zones where that is asked for, and never two on one node', () => {
    const lab = withVolume({ count: 3, on: 'change', zones: 'spread' });
    for (const [name, zone] of [
      ['atlas', 'a'],
      ['rigel', 'a'],
      ['vega', 'b'],
    ] as const)
      lab.must('label-node', { name, labels: { zone } });
    govern(lab);
    expect(lab.lab.list('replica').map(({ context }) => context.node)).toEqual(['node:vega']);
  });

  test('are synced at once, also after a failure that may pass; one that asks for a person waits', () => {
    const lab = withVolume({ count: 1, on: 'change' });
    lab.snapshotTaken('data', 'first');
    expect(govern(lab)).toEqual(['place-replica', 'begin-sync']);
    const problem = { code: 'TIMED_OUT', message: 'Nothing came.' };
    lab.must('report-replica-sync-failed', { ...report(lab), problem }, nodeOf(lab) as 'node:x');
    expect(govern(lab)).toEqual([]);
    lab.now = one(lab).context.retryAt ?? 0;
    expect(govern(lab)).toEqual(['begin-sync']);
    lab.must(
      'report-replica-sync-failed',
      { ...report(lab), problem: { code: 'DIVERGED', message: 'No.' } },
      nodeOf(lab) as 'node:x',
    );
    lab.now += 10 * 60_000;
    expect([one(lab).state, ...govern(lab)]).toEqual(['failed']);
  });

  test('are sent as the first stream was, for ever, whatever later ones say: other flags could zero files', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.boolean(), { nil: undefined }), { minLength: 1, maxLength: 6 }), (said) => {
        const lab = withVolume({ count: 1, on: 'change' });
        let first: boolean | undefined;
        for (const [n, compressed] of said.entries()) {
          lab.now += hourMs;
          lab.snapshotTaken('data', `s-${n}`);
          govern(lab);
          const order = workOf(one(lab), lab.lab);
          if (order?.work !== 'sync-replica') throw new Error('nothing is sent');
          expect(order.input.compressed).toBe(first);
          const outcome = { ...report(lab), bytes: 1, ...(compressed === undefined ? {} : { compressed }) };
          lab.must('report-replica-synced', outcome, nodeOf(lab) as 'node:x');
          first ??= compressed;
        }
      }),
      { numRuns: 30 },
    );
  });

  test('of a cron line get a snapshot of that time when there is none, and one sync for all missed runs', () => {
    const lab = withVolume({ count: 1, on: { cron: '0 3 * * *', timeZone: 'UTC' } });
    lab.snapshotTaken('data', 'first');
    expect(govern(lab)).toEqual(['place-replica', 'begin-sync']);
    done(lab);
    lab.snapshotTaken('data', 'noon');
    expect(govern(lab)).toEqual([]);
    lab.now += 50 * hourMs;
    expect(proposals(lab, 'replica').map(({ name }) => name)).toContain('snapshot-for-replicas');
    lab.must('snapshot-for-replicas', { volume: lab.volume('data') }, 'policy:replication');
    const taking = lab.lab.list('snapshot').find(({ state }) => state === 'taking');
    if (!taking) throw new Error('none is taken');
    const fact = { snapshot: taking.stream, visit: taking.visit, guid: 'guid-night', takenAt: lab.now };
    lab.must('report-snapshots-taken', { node: 'node:atlas', snapshots: [fact] }, 'node:atlas');
    expect(proposals(lab, 'replica').map(({ name }) => name)).toContain('begin-sync');
    govern(lab);
    done(lab);
    expect(govern(lab)).toEqual([]);
  });

  test('are as many as are wanted: what a person asked for counts, and is never removed by the lab', () => {
    const lab = withVolume({ count: 2, on: 'change' });
    lab.must('create-replica', { name: 'data', node: 'vega' });
    govern(lab);
    expect(
      lab.lab
        .list('replica')
        .map(({ context }) => context.manual)
        .toSorted((a, b) => Number(a) - Number(b)),
    ).toEqual([false, true]);
    lab.must('change-volume', { name: 'data', replicas: { count: 1 } });
    govern(lab);
    expect(
      lab.lab
        .list('replica')
        .filter(({ state }) => state === 'removing')
        .map(({ context }) => context.manual),
    ).toEqual([false]);
    lab.must('change-volume', { name: 'data', replicas: null });
    govern(lab);
    expect(lab.lab.list('replica').filter(({ state }) => state !== 'removing')).toHaveLength(1);
  });
});

describe('what a replica stands on', () => {
  test('stays: a person is told why, and a cancelled sync counts until the next word', () => {
    const lab = withVolume();
    lab.snapshotTaken('data', 'first');
    lab.must('create-replica', { name: 'data', node: 'vega' });
    govern(lab);
    done(lab);
    lab.snapshotTaken('data', 'second');
    govern(lab);
    lab.must('cancel-replica', { name: 'data-on-vega' });
    for (const snapshot of ['first', 'second'])
      expect(lab.run('remove-snapshot', { name: 'data', snapshot }).rejected?.code).toBe('NOT_NOW');
    govern(lab);
    done(lab);
    expect(lab.run('remove-snapshot', { name: 'data', snapshot: 'first' }).rejected).toBeUndefined();
  });

  test('an outcome of an earlier visit, or of another node, is refused', () => {
    const lab = withVolume();
    lab.snapshotTaken('data', 'first');
    lab.must('create-replica', { name: 'data', node: 'vega' });
    govern(lab);
    const before = report(lab);
    expect(lab.run('report-replica-synced', { ...before, bytes: 1 }, 'node:rigel').rejected?.code).toBe('FORBIDDEN');
    lab.must('cancel-replica', { name: 'data-on-vega' });
    expect(lab.run('report-replica-synced', { ...before, bytes: 1 }, 'node:vega').rejected?.code).toBe('STALE');
  });

  test('goes with a volume that is deleted, and stays as all that is left of one that is lost with its node', () => {
    const lab = withVolume();
    lab.snapshotTaken('data', 'first');
    lab.must('create-replica', { name: 'data', node: 'vega' });
    govern(lab);
    done(lab);
    lab.must('report-node-down', { node: 'node:atlas', lastSeenAt: lab.now }, 'policy:liveness');
    lab.must('remove-node', { name: 'atlas', force: true });
    expect(one(lab).state).toBe('orphaned');
    expect(workOf(one(lab), lab.lab)).toBeUndefined();
    lab.must('remove-replica', { name: 'data-on-vega' });
    expect(workOf(one(lab), lab.lab)?.work).toBe('remove-replica');
  });
});

describe('when', () => {
  test('a window is open, a moment in it is that moment; else it opens next, within a day', () => {
    const time = fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }));
    const text = ([hours, minutes]: readonly [number, number]) =>
      `${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`;
    const start = Date.UTC(2026, 0, 1);
    fc.assert(
      fc.property(time, time, fc.integer({ min: 0, max: 48 * 60 - 1 }), (from, to, minute) => {
        fc.pre(text(from) !== text(to));
        const at = start + minute * 60_000 + 30_000;
        const opens = opening({ from: text(from), to: text(to) }, 'UTC', at);
        const [begin, end, now] = [from[0] * 60 + from[1], to[0] * 60 + to[1], minute % (24 * 60)];
        const isOpen = begin < end ? now >= begin && now < end : now >= begin || now < end;
        if (isOpen) expect(opens).toBe(at);
        else
          expect([opens > at, opens - at <= 24 * hourMs, (opens - start) % (24 * hourMs)]).toEqual([
            true,
            true,
            begin * 60_000,
          ]);
      }),
    );
  });

  test('nothing is due while a node is away', () => {
    const lab = withVolume({ count: 1, on: 'change' });
    lab.must('create-replica', { name: 'data', node: 'vega' });
    lab.snapshotTaken('data', 'first');
    const volume = lab.lab.get(lab.volume('data'));
    if (!volume) throw new Error('there is no volume');
    expect(dueOf(one(lab), volume, lab.lab)).toMatchObject({ reason: 'change', rule: 'the first sync' });
    lab.must('report-node-down', { node: 'node:vega', lastSeenAt: lab.now }, 'policy:liveness');
    expect(dueOf(one(lab), volume, lab.lab)).toBeUndefined();
  });

  test('it failed, it is tried again later each time, within half an hour, and not all at once', () => {
    const spans = Array.from({ length: 30 }, (_, n) => backoffOf('replica:a', n + 1));
    for (const [n, ms] of spans.entries()) {
      const whole = Math.min(30 * 60_000, 30_000 * 2 ** n);
      expect(ms >= whole / 2 && ms <= whole).toBe(true);
    }
    expect(new Set(Array.from({ length: 50 }, (_, n) => backoffOf(`replica:${n}`, 5))).size).toBeGreaterThan(30);
  });
});
