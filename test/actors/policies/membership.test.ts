import { describe, expect, test } from 'vitest';
import { livenessPolicy, silenceMs } from '#actors/policies/liveness.ts';
import { membershipPolicy, waitsAtMostMs } from '#actors/policies/membership.ts';
import type { Observations } from '#actors/observations.ts';
import { clusterStream } from '#actors/cluster/stream.ts';
import { replacedAfterMs } from '#actors/placement/voters.ts';
import type { StreamId } from '#events/envelope.ts';
import { Door, hourMs } from '../door.ts';

const nothingSeen: Observations = { get: () => undefined };
const dueAt = (door: Door, subject: StreamId) => membershipPolicy.dueAt?.(subject, door.lab.lab, nothingSeen);
const propose = (door: Door, subject: StreamId) =>
  membershipPolicy
    .propose(subject, door.lab.lab, nothingSeen, door.lab.now)
    .map(({ name, input }) => ({ name, input }));

/** Proposes nothing until it is due, then this, then nothing more. */
function atItsTime(door: Door, subject: StreamId, at: number): readonly object[] {
  expect(dueAt(door, subject)).toBe(at);
  door.lab.now = at - 1;
  expect(propose(door, subject)).toEqual([]);
  door.lab.now = at;
  const proposed = propose(door, subject);
  for (const { name, input } of proposed) door.lab.must(name as 'expire-tokens', input as never, 'policy:membership');
  expect(propose(door, subject)).toEqual([]);
  return proposed;
}

describe('with time', () => {
  test('tokens expire, the earliest first', () => {
    const door = new Door();
    expect(dueAt(door, clusterStream)).toBeUndefined();
    const { now } = door.lab;
    door.token('long');
    door.token('short', { validMs: hourMs });
    atItsTime(door, clusterStream, now + hourMs);
    const { tokens } = door.lab.lab.get(clusterStream)?.context ?? {};
    expect([tokens?.['short']?.state, tokens?.['long']?.state]).toEqual(['expired', 'open']);
    expect(dueAt(door, clusterStream)).toBe(now + 3 * hourMs);
  });

  test('who waits at the door for a week is sent away, unless it was let in', () => {
    const door = new Door();
    door.types('vega', '2');
    door.types('lyra', '3');
    door.lab.must('approve-node', { name: 'lyra' });
    expect(dueAt(door, 'node:lyra')).toBeUndefined();
    atItsTime(door, 'node:vega', door.lab.now + waitsAtMostMs);
    expect(door.node('vega')).toBeUndefined();
    expect(door.node('lyra')?.state).toBe('waiting');
  });

  test('an outage lasts, counted from when the node was last heard of, or from when it was missed', () => {
    const door = new Door();
    const seenAt = door.lab.now;
    door.lab.now += silenceMs;
    door.lab.must('report-node-down', { node: 'node:atlas', lastSeenAt: seenAt }, 'policy:liveness');
    expect(atItsTime(door, 'node:atlas', seenAt + replacedAfterMs)).toEqual([
      { name: 'note-lasting-outage', input: { node: 'node:atlas' } },
    ]);
    door.member('vega', '2');
    door.lab.must('report-node-down', { node: 'node:vega', lastSeenAt: null }, 'policy:liveness');
    expect(dueAt(door, 'node:vega')).toBe(door.lab.now + replacedAfterMs);
  });
});

describe('a node that died together with the leader', () => {
  const leadingSince = (at: number): Observations => ({
    get: (what, of) => (what === 'leading' && of === clusterStream ? ({ value: {}, at } as never) : undefined),
  });

  test('is missed by the next one, which never heard of it', () => {
    const door = new Door();
    const { now } = door.lab;
    const seen = leadingSince(now);
    expect(livenessPolicy.dueAt?.('node:atlas', door.lab.lab, seen)).toBe(now + silenceMs);
    expect(livenessPolicy.propose('node:atlas', door.lab.lab, seen, now + silenceMs - 1)).toEqual([]);
    expect(livenessPolicy.propose('node:atlas', door.lab.lab, seen, now + silenceMs)).toMatchObject([
      { name: 'report-node-down', input: { node: 'node:atlas', lastSeenAt: null } },
    ]);
  });

  test('is not known to be silent as long as nobody knows since when somebody listens', () => {
    const door = new Door();
    expect(livenessPolicy.dueAt?.('node:atlas', door.lab.lab, nothingSeen)).toBeUndefined();
  });
});
