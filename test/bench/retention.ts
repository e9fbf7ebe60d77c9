/**
 * Retention over 10,000 snapshots of one volume, taken every five minutes for a month: its rules alone, and as the policy
 * looks at a lab, with all that may need a snapshot. Median of several runs.
 */
import { retentionPolicy } from '#actors/policies/retention.ts';
import { decideRetention } from '#actors/retention/decide.ts';
import type { LabEvent } from '#events/envelope.ts';
import { parseKeep } from '#events/values/keep.ts';
import { TestLab } from '#test/actors/test-lab.ts';
import { median, type Row } from './table.ts';

const count = 10_000;
const everyMs = 300_000;
const keep = '2h:all 24h:1h 14d:1d 8w:1w 12mo:1mo last:3';

export function benchRetention(runs = 21): Row[] {
  const rules = parseKeep(keep);
  if (typeof rules === 'string') throw new Error(rules);
  const snapshots = Array.from({ length: count }, (_, n) => ({ id: `snapshot:${n}`, takenAt: n * everyMs }));
  const { lab, volume, now } = withSnapshots();
  const title = `${count.toLocaleString('en')} snapshots, six rules`;
  return [
    {
      what: `retention, ${title}`,
      value: timed(runs, () => decideRetention(rules, snapshots, count * everyMs)),
      unit: 'ms',
    },
    {
      what: `retention policy, ${title}`,
      value: timed(runs, () => retentionPolicy.propose(volume, lab, { get: () => undefined }, now)),
      unit: 'ms',
    },
  ];
}

function timed(runs: number, act: () => unknown): number {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const began = performance.now();
    act();
    times.push(performance.now() - began);
  }
  return median(times);
}

/** Folded, and not decided: that would take longer than everything that is measured. */
function withSnapshots() {
  const lab = TestLab.ready();
  lab.must('create-volume', { name: 'data', spec: { sizeBytes: 2 ** 30, keep } });
  const volume = lab.volume('data');
  lab.must('place-volume', { volume, node: 'node:atlas', pool: 'main' }, 'policy:placement');
  lab.provision();
  let index = lab.index;
  const fold = (n: number, event: object): void => {
    const stamp = { command: `c${n}`, by: 'policy:schedules', cause: `c${n}`, correlation: `c${n}`, id: `c${n}/0` };
    const at = lab.now + n * everyMs;
    lab.lab.fold({ ...stamp, at, stream: `snapshot:s${n}`, index: ++index, ...event } as unknown as LabEvent);
  };
  for (let n = 0; n < count; n++) {
    const metadata = { name: `s${n}`, namespace: 'default', labels: {}, annotations: {}, uuid: `u${n}` };
    fold(n, { type: 'snapshot.requested', version: 1, schema: 3, data: { metadata, volume, reason: 'schedule' } });
    fold(n, { type: 'snapshot.taken', version: 2, schema: 2, data: { guid: `g${n}`, takenAt: lab.now + n * everyMs } });
  }
  return { lab: lab.lab, volume, now: lab.now + count * everyMs };
}
