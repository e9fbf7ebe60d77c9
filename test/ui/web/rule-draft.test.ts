/** Rules and labels while somebody writes them. */
import { describe, expect, test } from 'vitest';
import { labelText, parseLabels } from '#ui/web/format/label-text.ts';
import { draftOf, moved, ruleOf } from '#ui/web/format/rule-draft.ts';

describe('labels as one types them', () => {
  test('are read with commas or spaces between them, and written with commas', () => {
    expect(parseLabels(' zone=attic,  disk=ssd note=a=b ')).toEqual({ zone: 'attic', disk: 'ssd', note: 'a=b' });
    expect(labelText({ zone: 'attic', disk: 'ssd' })).toBe('zone=attic, disk=ssd');
    expect(parseLabels('')).toEqual({});
  });

  test.each(['zone', '=attic', 'no key=', '-x=y', `zone=${'x'.repeat(257)}`])('%j is none', (text) => {
    expect(parseLabels(text)).toBeUndefined();
  });
});

describe('a rule that is written', () => {
  test('is what it was when nothing was changed', () => {
    const rule = { do: 'admit', name: 'pi-*', address: '192.0.2.0/24', labels: { zone: 'attic' } } as const;
    expect(ruleOf(draftOf(rule, 1))).toEqual({ rule });
    expect(ruleOf(draftOf({ do: 'refuse' }, 1))).toEqual({ rule: { do: 'refuse' } });
  });

  test('says at each field what is wrong there', () => {
    const draft = { ...draftOf({ do: 'ask' }, 1), name: 'Big Name', address: 'somewhere', labels: 'zone' };
    expect(ruleOf(draft)).toEqual({
      troubles: {
        name: 'Use a–z, 0–9, "-", "*" and "?".',
        address: 'Write for example 192.0.2.7 or 192.0.2.0/24.',
        labels: 'Write for example zone=attic.',
      },
    });
  });

  test('comes earlier or later, and not beyond the ends', () => {
    expect(moved(['a', 'b', 'c'], 2, -1)).toEqual(['a', 'c', 'b']);
    expect(moved(['a', 'b', 'c'], 0, 1)).toEqual(['b', 'a', 'c']);
    expect(moved(['a', 'b', 'c'], 0, -1)).toEqual(['a', 'b', 'c']);
    expect(moved(['a', 'b', 'c'], 2, 1)).toEqual(['a', 'b', 'c']);
  });
});
