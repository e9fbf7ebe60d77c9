/** Lines of a volume's history: what a roll-back leaves behind, and when it says so before. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { firstLineage, leftBehind, opened, presentOf, type Lineage, type OfLineage } from '#actors/volume/lineage.ts';
import { TestLab } from '../test-lab.ts';

/** A volume's life: `snapshot` takes one, a number goes back to the n-th of those that there are. */
const lives = fc.array(fc.oneof(fc.constant('snapshot' as const), fc.nat({ max: 20 })), { maxLength: 25 });

interface Taken extends OfLineage {
  readonly n: number;
  /** The snapshots on which it stands: the content is told by them. */
  readonly standsOn: readonly number[];
}

/** The same life, told by what each snapshot really stands on. */
function live(steps: readonly ('snapshot' | number)[]) {
  let lineages: readonly Lineage[] = firstLineage;
  let present: readonly number[] = [];
  const snapshots: Taken[] = [];
  let at = 0;
  for (const step of steps) {
    at++;
    if (step === 'snapshot') {
      const n = snapshots.length;
      snapshots.push({ n, lineage: presentOf(lineages), requestedAt: at, standsOn: present });
      present = [...present, n];
      continue;
    }
    const to = snapshots[step % Math.max(1, snapshots.length)];
    if (!to) continue;
    lineages = opened(lineages, { lineage: to.lineage, at: to.requestedAt }, at);
    present = [...to.standsOn, to.n];
  }
  return { lineages, snapshots, present };
}

describe('a line of history', () => {
  test('leaves behind exactly what the present stands on and the snapshot does not', () => {
    fc.assert(
      fc.property(lives, (steps) => {
        const { lineages, snapshots, present } = live(steps);
        for (const to of snapshots) {
          const stays = new Set([...to.standsOn, to.n]);
          const expected = present.filter((n) => !stays.has(n));
          expect(leftBehind(to, snapshots, lineages).map(({ n }) => n)).toEqual(expected);
        }
      }),
    );
  });

  test('is opened by each roll-back, and its number is never used twice', () => {
    fc.assert(
      fc.property(lives, (steps) => {
        const ids = live(steps).lineages.map(({ id }) => id);
        expect(ids).toEqual(ids.toSorted((a, b) => a - b));
        expect(new Set(ids).size).toBe(ids.length);
      }),
    );
  });

  test('does not grow without end', () => {
    let lineages = firstLineage;
    for (let at = 1; at <= 300; at++) lineages = opened(lineages, { lineage: 1, at: 0 }, at);
    expect(lineages).toHaveLength(100);
    expect(presentOf(lineages)).toBe(301);
  });
});

function withSnapshots(...names: readonly string[]): TestLab {
  const lab = TestLab.ready();
  lab.must('create-volume', { name: 'data', spec: { sizeBytes: 2 ** 30 } });
  lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  lab.provision();
  for (const name of names) {
    lab.now += 60_000;
    lab.snapshotTaken('data', name);
  }
  return lab;
}

function rolledBack(lab: TestLab, snapshot: string): string {
  lab.now += 60_000;
  lab.must('rollback-volume', { name: 'data', snapshot, pastNewer: true });
  const volume = lab.volume('data');
  const stash = lab.lab.get(volume)?.context.rollback?.stash ?? '';
  lab.must(
    'report-volume-rolled-back',
    { volume, visit: lab.visit(volume), stash: { name: stash, guid: `guid-${stash}`, takenAt: lab.now } },
    'node:atlas',
  );
  return stash;
}

describe('a roll-back', () => {
  test('past newer snapshots is refused, unless somebody says so', () => {
    const lab = withSnapshots('one', 'two', 'three');
    const { rejected } = lab.run('rollback-volume', { name: 'data', snapshot: 'one' });
    expect(rejected).toMatchObject({
      code: 'NEWER_SNAPSHOTS',
      explain: '2 snapshots are newer than one of volume data: two, three.',
      hint: expect.stringContaining('--past-newer'),
    });
    expect(lab.types('rollback-volume', { name: 'data', snapshot: 'one', pastNewer: true })).toContain(
      'volume.rollback-requested',
    );
  });

  test('to the newest snapshot needs no word', () => {
    const lab = withSnapshots('one', 'two');
    expect(lab.types('rollback-volume', { name: 'data', snapshot: 'two' })).toContain('volume.drained');
  });

  test('waits for a snapshot that is being taken: it would hold what the roll-back made of the volume', () => {
    const lab = withSnapshots('one');
    lab.must('take-snapshot', { name: 'data', as: 'slow' });
    const { rejected } = lab.run('rollback-volume', { name: 'data', snapshot: 'one', pastNewer: true });
    expect(rejected).toMatchObject({ code: 'NOT_NOW', explain: expect.stringContaining('slow of volume data') });
    const snapshot = lab.snapshot('data', 'slow');
    const problem = { code: 'HOOK_FAILED', message: 'No.' };
    lab.must('report-snapshot-failed', { snapshot, visit: lab.visit(snapshot), problem }, 'node:atlas');
    expect(lab.types('rollback-volume', { name: 'data', snapshot: 'one' })).toContain('volume.rollback-requested');
  });

  test('opens a line; what it replaced belongs to the line before, and new snapshots to the new one', () => {
    const lab = withSnapshots('one', 'two');
    const stash = rolledBack(lab, 'one');
    lab.snapshotTaken('data', 'later');
    const { lineages } = lab.lab.get(lab.volume('data'))?.context ?? {};
    expect(lineages).toMatchObject([{ id: 1 }, { id: 2, parent: { lineage: 1 } }]);
    const lineOf = (name: string) => lab.lab.get(lab.snapshot('data', name))?.context.lineage;
    expect([lineOf('two'), lineOf(stash), lineOf('later')]).toEqual([1, 1, 2]);
  });

  test('is undone by going back to what it replaced, which is past no snapshot', () => {
    const lab = withSnapshots('one', 'two');
    const stash = rolledBack(lab, 'one');
    expect(lab.types('rollback-volume', { name: 'data', snapshot: stash })).toContain('volume.rollback-requested');
  });
});
