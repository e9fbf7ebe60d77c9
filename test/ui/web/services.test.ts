import { describe, expect, it } from 'vitest';
import { servicesWords } from '#ui/web/format/services.ts';

type State = Parameters<typeof servicesWords>[0][string]['state'];
const words = (...states: readonly State[]): string =>
  servicesWords(Object.fromEntries(states.map((state, n) => [`s${n}`, { state }])));

describe('how many services of an app run', () => {
  it('counts those that should', () => {
    expect(words('running', 'healthy', 'exited')).toBe('2/3');
    expect(words('off', 'off')).toBe('0/2');
  });

  it('does not miss those that have done their work', () => {
    expect(words('running', 'completed', 'healthy')).toBe('2/2, 1 finished');
    expect(words('completed')).toBe('0/0, 1 finished');
  });
});
