/** Retention over 10,000 snapshots of one volume, taken every five minutes for a month. Median of several runs. */
import { decideRetention } from '#actors/retention/decide.ts';
import { parseKeep } from '#events/values/keep.ts';
import { median, type Row } from './table.ts';

const count = 10_000;
const everyMs = 300_000;
const keep = '2h:all 24h:1h 14d:1d 8w:1w 12mo:1mo last:3';

export function benchRetention(runs = 21): Row[] {
  const rules = parseKeep(keep);
  if (typeof rules === 'string') throw new Error(rules);
  const snapshots = Array.from({ length: count }, (_, n) => ({ id: `snapshot:${n}`, takenAt: n * everyMs }));
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const began = performance.now();
    decideRetention(rules, snapshots, count * everyMs);
    times.push(performance.now() - began);
  }
  return [{ what: `retention, ${count.toLocaleString('en')} snapshots, six rules`, value: median(times), unit: 'ms' }];
}
