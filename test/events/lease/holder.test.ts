import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LeaseHolder, type Outgoing } from '#events/lease/holder.ts';
import type { Answer } from '#events/lease/message.ts';
import { defaultLeaseSettings } from '#events/lease/settings.ts';

const settings = defaultLeaseSettings;
const run = 7;
const holderAt = (nowMs: number): { readonly holder: LeaseHolder; readonly first: Outgoing | undefined } => {
  const holder = new LeaseHolder(settings, run);
  return { holder, first: holder.setLeader('atlas', nowMs) };
};
const grant = (sequence: number, more: Partial<Extract<Answer, { type: 'grant' }>> = {}): Answer => ({
  type: 'grant',
  term: 3,
  atMs: 500,
  run,
  sequence,
  lengthMs: settings.leaseMs,
  commitIndex: 40,
  ...more,
});
const denial = (sequence: number, why: 'unheard' | 'refused', atMs = 500): Answer => ({
  type: 'denial',
  term: 3,
  atMs,
  run,
  sequence,
  why,
});

describe('a node', () => {
  test('asks whoever leads at once, and somebody else who leads at once again', () => {
    const { holder, first } = holderAt(0);
    expect(first).toMatchObject({ leader: 'atlas', renewal: { run, sequence: 1, echo: undefined, wantsMs: 0 } });
    expect(holder.setLeader('atlas', 10)).toBeUndefined();
    expect(holder.setLeader('vega', 20)).toMatchObject({ leader: 'vega', renewal: { sequence: 2 } });
  });

  test('renews three times within a lease', () => {
    const { holder } = holderAt(0);
    const at: number[] = [];
    for (let nowMs = 0; nowMs < settings.leaseMs; nowMs += 100) if (holder.tick(nowMs)) at.push(nowMs);
    expect(at).toEqual([3400, 6800]);
  });

  test('asks nobody while nobody leads', () => {
    const { holder } = holderAt(0);
    expect(holder.setLeader(undefined, 5000)).toBeUndefined();
    expect(holder.tick(9000)).toBeUndefined();
  });

  test('tries again with the next tick what found no way', () => {
    const { holder } = holderAt(0);
    holder.unsent();
    expect(holder.tick(100)).toMatchObject({ renewal: { sequence: 2 } });
    expect(holder.tick(200)).toBeUndefined();
  });

  test('asks for a longer lease when a restart is planned, and for the usual one afterwards', () => {
    const { holder } = holderAt(0);
    expect(holder.want(60_000, 10)).toMatchObject({ renewal: { wantsMs: 60_000 } });
    expect(holder.want(60_000, 20)).toBeUndefined();
    expect(holder.want(0, 30)).toMatchObject({ renewal: { wantsMs: 0 } });
  });

  test('says back what it heard last', () => {
    const { holder } = holderAt(0);
    holder.received(grant(1, { term: 3, atMs: 900 }), 'atlas', 10);
    holder.received(grant(1, { term: 2, atMs: 5000 }), 'atlas', 20);
    holder.received(grant(1, { term: 3, atMs: 800 }), 'atlas', 30);
    expect(holder.tick(4000)?.renewal.echo).toEqual({ term: 3, atMs: 900 });
  });

  test('proves at once that it hears when the leader doubts it, and not again and again', () => {
    const { holder } = holderAt(0);
    expect(holder.received(denial(1, 'unheard'), 'atlas', 10)?.renewal).toMatchObject({
      sequence: 2,
      echo: { term: 3, atMs: 500 },
    });
    expect(holder.received(denial(2, 'unheard', 600), 'atlas', 20)).toBeUndefined();
    expect(holder.tick(20 + settings.leaseMs)).toMatchObject({ renewal: { sequence: 3, echo: { atMs: 600 } } });
  });

  test('that is refused asks on in its time, and says why it has no lease', () => {
    const { holder } = holderAt(0);
    expect(holder.received(denial(1, 'refused'), 'atlas', 10)).toBeUndefined();
    expect(holder.status(20)).toMatchObject({ state: 'none', denied: 'refused' });
  });
});

describe('a lease', () => {
  test('counts from when it was asked for, however late the answer comes', () => {
    const { holder } = holderAt(1000);
    holder.received(grant(1), 'atlas', 8000);
    expect(holder.status(8000)).toMatchObject({ state: 'held', untilMs: 11_000 });
    expect(holder.holds(10_980)).toBe(true);
    expect(holder.holds(10_990), 'the clock may be a unit behind').toBe(false);
    expect(holder.status(12_000)).toMatchObject({ state: 'lapsed', untilMs: 11_000, requiredIndex: undefined });
  });

  test('that was over before its grant came is none', () => {
    const { holder } = holderAt(0);
    holder.received(grant(1), 'atlas', 20_000);
    expect(holder.holds(20_000)).toBe(false);
  });

  test('ends with the newest renewal, in whichever order the answers come', () => {
    const { holder } = holderAt(0);
    holder.tick(4000);
    holder.received(grant(2), 'atlas', 4010);
    holder.received(grant(1), 'atlas', 4020);
    expect(holder.status(4020).untilMs).toBe(14_000);
  });

  test('is not made by an answer to another process, or to nothing that was asked', () => {
    const { holder } = holderAt(0);
    holder.received(grant(1, { run: 8 }), 'atlas', 10);
    holder.received(grant(5), 'atlas', 10);
    expect(holder.status(20).state).toBe('none');
  });

  test('is not made, and nothing echoed, by an answer of anybody but whom was asked', () => {
    const { holder } = holderAt(0);
    holder.received(grant(1), 'vega', 10);
    expect(holder.status(20).state).toBe('none');
    expect(holder.setLeader('vega', 30)?.renewal.echo).toBeUndefined();
    holder.received(grant(2), 'atlas', 40);
    expect(holder.status(50).state, 'from one that led before').toBe('none');
    holder.received(grant(1), 'atlas', 60);
    expect(holder.status(70), 'that was slow').toMatchObject({ state: 'held', untilMs: settings.leaseMs });
    holder.received(grant(2), 'vega', 80);
    expect(holder.status(90).untilMs).toBe(30 + settings.leaseMs);
  });

  test('after a start lets things begin when everything is known that was decided before it', () => {
    const { holder } = holderAt(0);
    holder.received(grant(1, { commitIndex: 40 }), 'atlas', 10);
    expect([holder.isSafeToStart(39, 20), holder.isSafeToStart(40, 20)]).toEqual([false, true]);
  });

  test('that goes on asks for nothing more; after a lapse it does', () => {
    const { holder } = holderAt(0);
    holder.received(grant(1, { commitIndex: 40 }), 'atlas', 10);
    holder.tick(4000);
    holder.received(grant(2, { commitIndex: 90 }), 'atlas', 4010);
    expect(holder.isSafeToStart(40, 5000)).toBe(true);
    holder.tick(20_000);
    holder.received(grant(3, { commitIndex: 95 }), 'atlas', 20_010);
    expect([holder.isSafeToStart(94, 20_020), holder.isSafeToStart(95, 20_020)]).toEqual([false, true]);
  });

  test('is never longer than granted, counted from the newest renewal that was sent', () => {
    const steps = fc.array(fc.record({ waitMs: fc.nat(4000), answers: fc.nat(12), delayMs: fc.nat(6000) }));
    fc.assert(
      fc.property(steps, (all) => {
        const { holder } = holderAt(0);
        const sentMs = new Map([[1, 0]]);
        let nowMs = 0;
        for (const { waitMs: idleMs, answers, delayMs } of all) {
          nowMs += idleMs;
          const sent = holder.tick(nowMs);
          if (sent) sentMs.set(sent.renewal.sequence, nowMs);
          nowMs += delayMs;
          holder.received(grant(answers), 'atlas', nowMs);
          const { untilMs } = holder.status(nowMs);
          const newestMs = Math.max(...sentMs.values());
          expect(untilMs ?? 0).toBeLessThanOrEqual(newestMs + settings.leaseMs);
          if (untilMs !== undefined) expect([...sentMs.values()]).toContain(untilMs - settings.leaseMs);
        }
      }),
    );
  });
});
