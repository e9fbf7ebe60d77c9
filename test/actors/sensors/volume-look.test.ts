/** What a look at a volume concludes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { conclude, judge, notLooked, type Found, type Verdict } from '#actors/sensors/volume-look.ts';

const expected = { name: 'data', pool: 'main', dataset: 'd1', path: '/pool/d1', sizeBytes: 2 ** 30 };
const well = { path: '/pool/d1', sizeBytes: 2 ** 30 };

describe('a look', () => {
  test.each<[string, Found, string | null, boolean]>([
    ['finds everything as it should be', { dataset: well, reach: 'writable' }, null, false],
    ['finds no dataset', { dataset: null }, 'MISSING', true],
    ['finds nothing at its path', { dataset: well, reach: 'absent' }, 'MISSING', true],
    ['finds it elsewhere', { dataset: { ...well, path: '/x' }, reach: 'writable' }, 'ELSEWHERE', false],
    ['finds it read-only', { dataset: well, reach: 'read-only' }, 'READ_ONLY', false],
    ['finds another quota', { dataset: { ...well, sizeBytes: 1 }, reach: 'writable' }, 'QUOTA', false],
    ['compares no quota where the pool has none', { dataset: { ...well, sizeBytes: undefined } }, null, false],
    ['finds another one in its place', { error: { code: 'DAMAGED', message: 'It is another one.' } }, 'DAMAGED', true],
    ['finds no pool', { error: { code: 'POOL_MISSING', message: 'It is away.' } }, 'POOL_MISSING', true],
  ])('%s', (_, found, code, isGone) => {
    const verdict = judge(expected, found);
    expect([verdict?.problem?.code ?? null, verdict?.isGone]).toEqual([code, isGone]);
  });

  test('says where a dataset that is gone has to be put back', () => {
    expect(judge(expected, { dataset: null })?.problem?.hint).toContain(expected.path);
  });

  test.each(['TIMED_OUT', 'FAILED', 'ABORTED', 'PERMISSION'])('that fails with %s concludes nothing', (code) => {
    expect(judge(expected, { error: { code, message: 'x' } })).toBeUndefined();
  });

  test('says what to do with everything that is wrong', () => {
    for (const found of [{ dataset: null }, { reach: 'absent' }, { reach: 'read-only' }] as const)
      expect(judge(expected, found)?.problem?.hint).toMatch(/./);
  });

  test('says that a volume is gone only when two looks in a row say so', () => {
    const gone: Verdict = { problem: { code: 'MISSING', message: 'x' }, isGone: true };
    const fine: Verdict = { problem: null, isGone: false };
    const verdicts = fc.array(fc.constantFrom<(Verdict | undefined)[]>(gone, fine, undefined), { maxLength: 20 });
    fc.assert(
      fc.property(verdicts, (looks) => {
        let known = notLooked;
        let before: Verdict | undefined;
        for (const verdict of looks) {
          const [next, said] = conclude(known, verdict);
          if (verdict) {
            expect(said !== undefined).toBe(!verdict.isGone || before === gone);
            before = verdict;
          } else expect(said).toBeUndefined();
          known = next;
        }
      }),
    );
  });
});
