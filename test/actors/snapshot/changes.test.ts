import { describe, expect, test } from 'vitest';
import { TestLab } from '../test-lab.ts';

const onChange = { settleMs: 30_000, minIntervalMs: 300_000 };

function withVolume(spec: object = { snapshotOnChange: onChange }): TestLab {
  const lab = TestLab.ready();
  lab.must('create-volume', { name: 'data', spec: { sizeBytes: 2 ** 30, ...spec } });
  lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  lab.provision();
  return lab;
}

const ask = (lab: TestLab, since: string | undefined, node: `node:${string}` = 'node:atlas'): readonly string[] =>
  lab.types(
    'request-change-snapshots',
    { node, volumes: [{ volume: lab.volume('data'), mark: 'm', ...(since === undefined ? {} : { since }) }] },
    node,
  );

describe('a node that has seen a change', () => {
  test('gets a snapshot, with what it had seen', () => {
    const lab = withVolume();
    expect(ask(lab, undefined)).toEqual(['snapshot.requested']);
    const [snapshot] = lab.lab.list('snapshot');
    expect(snapshot?.context).toMatchObject({ reason: 'change', change: { mark: 'm' } });
  });

  test('gets none while one is being taken, or when what it saw is older than the newest one', () => {
    const lab = withVolume();
    ask(lab, undefined);
    expect(ask(lab, undefined)).toEqual([]);
    const [snapshot] = lab.lab.list('snapshot');
    const stream = snapshot?.stream ?? 'snapshot:';
    lab.must('report-snapshot-taken', { snapshot: stream, visit: 1, guid: 'first', takenAt: 1 }, 'node:atlas');
    expect(ask(lab, undefined)).toEqual([]);
    lab.now += 1000;
    lab.snapshotTaken('data', 'by-hand');
    expect(ask(lab, 'first')).toEqual([]);
    expect(ask(lab, 'guid-by-hand')).toEqual(['snapshot.requested']);
  });

  test('gets one when the newest that it saw is gone by now', () => {
    const lab = withVolume();
    lab.snapshotTaken('data', 'by-hand');
    expect(ask(lab, 'long gone')).toEqual(['snapshot.requested']);
  });

  test('gets none for a volume of another node, or one that does not want any', () => {
    const lab = withVolume();
    lab.join('vega');
    expect(ask(lab, undefined, 'node:vega')).toEqual([]);
    lab.must('change-volume', { name: 'data', snapshotOnChange: null });
    expect(ask(lab, undefined)).toEqual([]);
    lab.must('change-volume', { name: 'data', snapshotOnChange: onChange });
    expect(ask(lab, undefined)).toEqual(['snapshot.requested']);
  });
});
