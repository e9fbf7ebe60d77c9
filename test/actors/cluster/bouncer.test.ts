import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fits, judge, matchesGlob } from '#actors/cluster/bouncer.ts';
import type { BouncerRule } from '#events/values/bouncer.ts';

const newcomer = { name: 'lab-3', addresses: ['192.168.1.30', 'fd00::30'], labels: { zone: 'cellar', disk: 'ssd' } };

describe('a rule of the bouncer', () => {
  test.each<readonly [Omit<BouncerRule, 'do'>, boolean]>([
    [{}, true],
    [{ name: 'lab-*' }, true],
    [{ name: 'lab-?' }, true],
    [{ name: 'lab' }, false],
    [{ address: '192.168.1.0/24' }, true],
    [{ address: 'fd00::/8' }, true],
    [{ address: '10.0.0.0/8' }, false],
    [{ labels: { zone: 'cellar' } }, true],
    [{ labels: { zone: 'attic' } }, false],
    [{ labels: { toString: 'x' } }, false],
    [{ name: 'lab-*', address: '10.0.0.0/8' }, false],
    [{ name: 'lab-*', address: '192.168.0.0/16', labels: { zone: 'cellar', disk: 'ssd' } }, true],
  ])('%j fits or not: %s', (rule, expected) => expect(fits({ ...rule, do: 'ask' }, newcomer)).toBe(expected));

  test('that speaks of an address fits nobody whose address is not known', () => {
    expect(fits({ address: '0.0.0.0/0', do: 'admit' }, { ...newcomer, addresses: [] })).toBe(false);
    expect(fits({ address: '0.0.0.0/0', do: 'admit' }, { ...newcomer, addresses: ['not an address'] })).toBe(false);
  });

  test('matches names as a shell would', () => {
    const unit = fc.constantFrom('a', 'b', '-', '*', '?');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 8 }), fc.stringMatching(/^[ab-]{0,10}$/), (pattern, name) => {
        const regex = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
        expect(matchesGlob(name, pattern)).toBe(regex.test(name));
      }),
      { numRuns: 3000 },
    );
  });

  test('takes no longer for a pattern that is made to take long', () => {
    expect(matchesGlob('a'.repeat(63), '*a'.repeat(31) + 'b')).toBe(false);
  });
});

describe('the bouncer', () => {
  const rule = fc.record<BouncerRule>(
    {
      name: fc.constantFrom('*', 'lab-*', 'web-?', 'lab-3'),
      address: fc.constantFrom('192.168.0.0/16', '10.0.0.0/8', 'fd00::/8'),
      do: fc.constantFrom('admit', 'ask', 'refuse'),
    },
    { requiredKeys: ['do'] },
  );
  const somebody = fc.record({
    name: fc.constantFrom('lab-3', 'web-1', 'pi'),
    addresses: fc.subarray(['192.168.1.30', '10.1.1.1', 'fd00::30', '203.0.113.9']),
    labels: fc.constant({}),
  });

  test('follows the first rule that fits, whatever comes after it; nobody is let in by no rule', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 5 }), fc.array(rule, { maxLength: 3 }), somebody, (rules, more, who) => {
        const first = rules.findIndex((one) => fits(one, who));
        if (first === -1) {
          expect(judge(rules, who)).toEqual({ do: 'ask', rule: null });
        } else {
          expect(judge(rules, who)).toEqual({ do: rules[first]?.do, rule: first + 1 });
          expect(judge([...rules, ...more], who)).toEqual(judge(rules, who));
        }
      }),
    );
  });
});
