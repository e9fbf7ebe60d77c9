/** The form of what the lab keeps of a volume elsewhere: what is there is shown as it would be written, and read back the same. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedReplicas } from '#actors/volume/replicating.ts';
import { volumeReplicas, type VolumeReplicas } from '#events/values/replication.ts';
import { changesIn, draftOf, replicationInWords } from '#ui/web/format/replication-draft.ts';

const wanted: fc.Arbitrary<VolumeReplicas> = fc
  .record(
    {
      count: fc.integer({ min: 1, max: 3 }),
      on: fc.constantFrom('change' as const, { cron: '30 2 * * *' }, { cron: '30 2 * * *', timeZone: 'Europe/Berlin' }),
      nodes: fc.constantFrom({ disk: 'ssd' }, { disk: 'ssd', zone: 'attic' }),
      zones: fc.constant('spread' as const),
      limitBytesPerSecond: fc.constantFrom(1024, 10 * 2 ** 20),
      window: fc.constant({ from: '22:00', to: '06:00' }),
      compress: fc.constant(true as const),
      maxDataLossMs: fc.constantFrom(1000, 300_000, 86_400_000),
    },
    { requiredKeys: ['count', 'on'] },
  )
  .map((value) => volumeReplicas.parse(value));

describe('what is kept of a volume', () => {
  it('is read back as it was shown', () => {
    fc.assert(
      fc.property(wanted, (is) => {
        const read = changesIn(draftOf(is), is);
        expect('changes' in read && read.changes && changedReplicas(is, read.changes)).toEqual(is);
      }),
    );
  });

  it('is nothing with a count of 0', () => {
    expect(changesIn(draftOf(null), null)).toEqual({ changes: null });
    expect(replicationInWords(null)).toBe('The lab keeps no replica of it by itself.');
  });

  it('says at its field what cannot be read', () => {
    const draft = {
      ...draftOf(null),
      count: 'two',
      limit: '1',
      nodes: 'ssd',
      window: '22',
      cron: 'daily',
      mayLose: '1ms',
    };
    const read = changesIn(draft, null);
    expect(Object.keys('troubles' in read ? read.troubles : {}).toSorted()).toEqual(
      ['count', 'cron', 'limit', 'mayLose', 'nodes', 'window'].toSorted(),
    );
  });

  it('tells how much may be lost', () => {
    const is = volumeReplicas.parse({ count: 1, on: 'change', maxDataLossMs: 300_000 });
    expect(replicationInWords(is)).toContain('an alert when more than 5 m would be lost');
  });
});
