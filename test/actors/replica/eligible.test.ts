/** Which replica may take the place of its volume, and at what price. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { candidatesOf, eligible, type Limits } from '#actors/replica/eligible.ts';
import { TestLab } from '#test/actors/test-lab.ts';

const limits: Limits = { maxDataLossMs: 60_000, waitMs: 14_700, pollMs: 5000 };

function replicated(): TestLab {
  const lab = TestLab.ready();
  lab.join('vega');
  lab.join('rigel');
  lab.must('create-volume', { name: 'data', spec: { sizeBytes: 2 ** 30 } });
  lab.must('place-volume', { volume: volumeOf(lab), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  lab.provision();
  return lab;
}
const volumeOf = (lab: TestLab) => lab.volume('data');
const volume = (lab: TestLab) => {
  const known = lab.lab.get(volumeOf(lab));
  if (!known) throw new Error('there is none');
  return known;
};
function snapshot(lab: TestLab, as: string) {
  lab.must('take-snapshot', { name: 'data', as });
  const taking = lab.lab.referrers(volumeOf(lab), 'snapshot').find(({ state }) => state === 'taking');
  if (!taking) throw new Error('no snapshot is being taken');
  lab.now += 60_000;
  const fact = { snapshot: taking.stream, visit: taking.visit, guid: as, takenAt: lab.now };
  lab.must('report-snapshots-taken', { node: 'node:atlas', snapshots: [fact] }, 'node:atlas');
  return taking.stream;
}
function replicaAt(lab: TestLab, node: string, holds: ReturnType<typeof snapshot>) {
  lab.must('create-replica', { name: 'data', node });
  const replica = lab.lab.list('replica').find(({ context }) => context.node === `node:${node}`)?.stream;
  if (!replica) throw new Error('there is none');
  lab.must('begin-sync', { replica, snapshot: holds, reason: 'change' }, 'policy:replication');
  const visit = lab.visit(replica);
  lab.must('report-replica-synced', { replica, visit, bytes: 1 }, `node:${node}`);
  return replica;
}

describe('a replica', () => {
  test('that holds the newer snapshot comes first, and needs nobody when no more is lost than is allowed', () => {
    const lab = replicated();
    const vega = replicaAt(lab, 'vega', snapshot(lab, 'aa'));
    const rigel = replicaAt(lab, 'rigel', snapshot(lab, 'bb'));
    const [first, second] = candidatesOf(volume(lab), () => 30_000, limits, lab.lab);
    expect([first?.replica.stream, second?.replica.stream]).toEqual([rigel, vega]);
    expect(first).toMatchObject({ lossMs: 30_000 });
    expect(first?.asks ?? first?.refused).toBeUndefined();
  });

  test('of which nobody has attested anything needs a person, who is told that it may be everything', () => {
    const lab = replicated();
    replicaAt(lab, 'vega', snapshot(lab, 'aa'));
    const [one] = candidatesOf(volume(lab), () => undefined, limits, lab.lab);
    expect(one).toMatchObject({ lossMs: Number.POSITIVE_INFINITY });
    expect(one?.asks).toContain('nobody has attested how much');
  });

  test('of a volume that allows less than anybody can know never needs no person', () => {
    const lab = replicated();
    replicaAt(lab, 'vega', snapshot(lab, 'aa'));
    const [replica] = lab.lab.list('replica');
    if (!replica) throw new Error('there is none');
    const least = limits.waitMs + limits.pollMs;
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 100_000 }), fc.nat(200_000), (maxDataLossMs, loss) => {
        const { asks, refused } = eligible(replica, volume(lab), loss, { ...limits, maxDataLossMs }, lab.lab);
        expect(refused).toBeUndefined();
        expect(asks === undefined).toBe(maxDataLossMs >= least && loss <= maxDataLossMs);
      }),
    );
    expect(eligible(replica, volume(lab), 0, { ...limits, maxDataLossMs: undefined }, lab.lab).asks).toContain(
      'does not say how much may be lost',
    );
  });

  test('that holds nothing, or is on its way out, cannot take the place', () => {
    const lab = replicated();
    lab.must('create-replica', { name: 'data', node: 'vega' });
    const [replica] = lab.lab.list('replica');
    if (!replica) throw new Error('there is none');
    expect(eligible(replica, volume(lab), 0, limits, lab.lab).refused).toBe('holds nothing yet');
    lab.must('remove-replica', { name: replica.context.metadata.name });
    const [going] = candidatesOf(volume(lab), () => 0, limits, lab.lab);
    expect(going).toMatchObject({ refused: 'is removing', lossMs: Number.POSITIVE_INFINITY });
  });

  test('of a line of history that was left by going back cannot take the place', () => {
    const lab = replicated();
    snapshot(lab, 'aa');
    replicaAt(lab, 'vega', snapshot(lab, 'bb'));
    lab.must('rollback-volume', { name: 'data', snapshot: 'aa', pastNewer: true });
    const { visit } = volume(lab);
    const stash = { name: 'stash', guid: 'cc', takenAt: lab.now };
    lab.must('report-volume-rolled-back', { volume: volumeOf(lab), visit, stash } as never, 'node:atlas');
    const [one] = candidatesOf(volume(lab), () => 0, limits, lab.lab);
    expect(one?.refused).toContain('a line of history that was left by going back');
  });
});
