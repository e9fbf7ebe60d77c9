/** Exactly once (dissertation §6.3): a command that is proposed again takes effect once, and is answered as the first time. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Sessions } from '#events/raft/sessions.ts';

/** Indices of the entries that open sessions. */
const [a, b, c, d, e] = [11, 22, 33, 44, 55];

const opened = (limit: number, ...indices: readonly number[]): Sessions<string> => {
  const sessions = new Sessions<string>(limit);
  for (const index of indices) sessions.open(index);
  return sessions;
};

const openIn = (sessions: Sessions<string>): number[] => sessions.rows().map(([index]) => index);

describe('a command', () => {
  test('that is the next of its session is new, and stays so until it took effect', () => {
    const sessions = opened(3, a);
    expect([sessions.judge(a, 1), sessions.judge(a, 1)]).toEqual(['new', 'new']);
    sessions.record(a, 1, 'done');
    expect(sessions.judge(a, 2)).toBe('new');
  });

  test('that is asked again is answered with what was stored, not carried out', () => {
    const sessions = opened(3, a);
    sessions.record(a, 1, 'first');
    expect(sessions.judge(a, 1)).toEqual({ result: 'first' });
    sessions.record(a, 2, 'second');
    for (let again = 0; again < 3; again++) expect(sessions.judge(a, 2)).toEqual({ result: 'second' });
  });

  test('older than the newest of its session is refused: its client has gone on', () => {
    const sessions = opened(3, a);
    sessions.record(a, 1, 'first');
    sessions.record(a, 2, 'second');
    expect(sessions.judge(a, 1)).toBe('outdated');
  });

  test('with a number that was left out is new, for its client has given up those before', () => {
    const sessions = opened(3, a);
    sessions.record(a, 5, 'fifth');
    expect([sessions.judge(a, 4), sessions.judge(a, 6)]).toEqual(['outdated', 'new']);
  });

  test('of one client says nothing about those of another', () => {
    const sessions = opened(3, a, b);
    sessions.record(a, 1, 'of a');
    expect(sessions.judge(b, 1)).toBe('new');
  });

  test('of a session that nobody opened is an error, never a silent second try', () => {
    expect(opened(3, a).judge(b, 1)).toBe('expired');
  });

  test('of a session that expired is an error, although it took effect', () => {
    const sessions = opened(1, a);
    sessions.record(a, 1, 'done');
    expect(sessions.open(b)).toEqual([a]);
    expect(sessions.judge(a, 1)).toBe('expired');
  });
});

describe('a session', () => {
  test('that a repeated request opens is another one, and leaves the first as it was', () => {
    const sessions = opened(3, a);
    sessions.record(a, 1, 'done');
    expect(sessions.open(b)).toEqual([]);
    expect([sessions.judge(a, 1), sessions.judge(b, 1)]).toEqual([{ result: 'done' }, 'new']);
  });

  test('expires when there are too many: the one that was used least recently', () => {
    const sessions = opened(3, a, b, c);
    sessions.record(a, 1, 'done');
    expect(sessions.open(d)).toEqual([b]);
    expect(openIn(sessions)).toEqual([c, a, d]);
  });

  test('is not used by being asked about, for that happens on some members only', () => {
    const sessions = opened(2, a, b);
    sessions.judge(a, 1);
    expect(sessions.open(c)).toEqual([a]);
  });

  test('that expired stays so, however often its client asks for one', () => {
    const sessions = opened(1, a);
    sessions.record(a, 7, 'done');
    sessions.open(b);
    expect(sessions.open(c)).toEqual([b]);
    expect([sessions.judge(a, 7), sessions.judge(a, 8), sessions.judge(c, 1)]).toEqual(['expired', 'expired', 'new']);
  });

  test('in a limit that has shrunk makes room for several', () => {
    const rows = opened(4, a, b, c, d).rows();
    expect(new Sessions<string>(2, rows).open(e)).toEqual([a, b, c]);
  });
});

/** Number 0 opens a session; the others are commands of the one that was opened so many steps before. */
const anyStep = fc.record({ of: fc.nat(6), sequence: fc.integer({ min: 0, max: 4 }) });
type Step = { readonly of: number; readonly sequence: number };

/** The session that a step speaks of; some were never opened. */
const sessionOf = ({ of }: Step, at: number): number => at - of;

/** As a replicated state applies entries. @returns what the client is told */
function apply(sessions: Sessions<string>, step: Step, at: number): unknown {
  if (step.sequence === 0) return sessions.open(at);
  const session = sessionOf(step, at);
  const verdict = sessions.judge(session, step.sequence);
  if (verdict === 'new') sessions.record(session, step.sequence, `${session}/${step.sequence} at ${at}`);
  return verdict;
}

test('whoever goes on from a snapshot answers and forgets like all others, whenever it was made', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40 }), fc.nat(40), (steps, cut) => {
      const whole = new Sessions<string>(3);
      let other = new Sessions<string>(3);
      for (const [at, step] of steps.entries()) {
        if (at === cut) other = new Sessions<string>(3, structuredClone(whole.rows()));
        const told = apply(whole, step, at);
        if (at >= cut) expect(apply(other, step, at)).toEqual(told);
      }
      if (cut < steps.length) expect(other.rows()).toEqual(whole.rows());
    }),
  );
});

test('no command takes effect twice, and the newest one of a session is answered as it was', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
      const sessions = new Sessions<string>(3);
      /** By session: what took effect, for ever. */
      const effects = new Map<number, Map<number, string>>();
      for (const [at, step] of steps.entries()) {
        const { sequence } = step;
        const session = sessionOf(step, at);
        const isOpen = openIn(sessions).includes(session);
        const told = apply(sessions, step, at);
        if (sequence === 0) {
          effects.set(at, new Map());
          continue;
        }
        const mine = effects.get(session);
        if (!isOpen) expect(told).toBe('expired');
        else if (told === 'new') {
          expect(mine?.has(sequence)).toBe(false);
          expect(Math.max(0, ...(mine?.keys() ?? []))).toBeLessThan(sequence);
          mine?.set(sequence, `${session}/${sequence} at ${at}`);
        } else if (told === 'outdated') expect(Math.max(...(mine?.keys() ?? []))).toBeGreaterThan(sequence);
        else expect(told).toEqual({ result: mine?.get(sequence) });
      }
      expect(sessions.rows().length).toBeLessThanOrEqual(3);
    }),
  );
});
