/** Replicas with which more may be lost than their volume allows: said after a while, once, and taken back. */
import { describe, expect, test } from 'vitest';
import type { Observations } from '#actors/observations.ts';
import { dataLossPolicy } from '#actors/policies/data-loss.ts';
import { TestLab } from '#test/actors/test-lab.ts';

const minuteMs = 60_000;

function replicated(maxDataLossMs?: number): TestLab {
  const lab = TestLab.ready();
  lab.join('vega');
  const replicas = { count: 1, on: 'change' as const, ...(maxDataLossMs === undefined ? {} : { maxDataLossMs }) };
  lab.must('create-volume', { name: 'data', spec: { sizeBytes: 2 ** 30, replicas } });
  lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  lab.provision();
  lab.must('place-replica', { volume: lab.volume('data'), node: 'node:vega', pool: 'main' }, 'policy:replication');
  return lab;
}
const one = (lab: TestLab) => {
  const [replica] = lab.lab.list('replica');
  if (!replica) throw new Error('there is none');
  return replica;
};
const told = (lab: TestLab, lossMs?: number): Observations => {
  const at = lab.now;
  return {
    get: (what) => (what === 'loss' ? ({ value: lossMs === undefined ? {} : { lossMs }, at } as never) : undefined),
  };
};
const due = (lab: TestLab, seen: Observations) => dataLossPolicy.dueAt?.(one(lab).stream, lab.lab, seen);
const proposed = (lab: TestLab, seen: Observations, now = lab.now) =>
  dataLossPolicy.propose(one(lab).stream, lab.lab, seen, now)[0];

describe('a replica with which more may be lost than its volume allows', () => {
  test('is said to be so once it has been for a minute, and once', () => {
    const lab = replicated(5 * minuteMs);
    const seen = told(lab, 4 * minuteMs);
    expect(due(lab, seen)).toBe(lab.now + 2 * minuteMs);
    expect(proposed(lab, seen)).toBeUndefined();
    // Nobody says anything any more: it grows by itself.
    const proposal = proposed(lab, seen, lab.now + 2 * minuteMs);
    expect(proposal?.because).toEqual({ lossMs: 4 * minuteMs, maxDataLossMs: 5 * minuteMs });
    lab.must('note-replica-loss', proposal?.input as never, 'policy:data-loss');
    expect(one(lab).context.exposed).toEqual({ since: lab.now, maxMs: 5 * minuteMs });
    expect(due(lab, told(lab, 6 * minuteMs))).toBeUndefined();
    expect(proposed(lab, told(lab, 6 * minuteMs))).toBeUndefined();
  });

  test('is said to be well again as soon as it is', () => {
    const lab = replicated(5 * minuteMs);
    const input = { replica: one(lab).stream, lossMs: 7 * minuteMs, maxMs: 5 * minuteMs };
    lab.must('note-replica-loss', input, 'policy:data-loss');
    const seen = told(lab, 2 * minuteMs);
    expect(due(lab, seen)).toBe(0);
    expect(proposed(lab, seen)?.input).toMatchObject({ maxMs: null });
  });

  test('is so, too, when nobody knows how much, from when it last got something', () => {
    const lab = replicated(5 * minuteMs);
    expect(due(lab, told(lab))).toBe(one(lab).createdAt + 6 * minuteMs);
  });

  test('is nobody’s concern where the volume says nothing about that, nor before anybody was heard', () => {
    const lab = replicated();
    expect(proposed(lab, told(lab, 1e9), lab.now + 1e10)).toBeUndefined();
    const nothing: Observations = { get: () => undefined };
    expect(due(replicated(5 * minuteMs), nothing)).toBeUndefined();
  });
});
