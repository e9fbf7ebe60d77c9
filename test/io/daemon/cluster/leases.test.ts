import { afterEach, describe, expect, test } from 'vitest';
import { asIndex, type Index } from '#events/envelope.ts';
import type { LeaseRow } from '#events/lease/grantor.ts';
import type { LeaseStatus } from '#events/lease/holder.ts';
import { grantWhileLeading, withLeases } from '#io/daemon/cluster/leases.ts';
import { LogError, type Leadership } from '#io/log/port.ts';
import { member } from '#test/io/http/fake-cluster.ts';
import { until } from '#test/io/links/small-lab.ts';

const stops: (() => void)[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop()));

/** A log whose leadership a test tells, and a lab that folds when it is told to. */
function leading() {
  const told: Leadership[] = [];
  let wake = (): void => undefined;
  const opened: number[] = [];
  const folds: { readonly index: Index; readonly fold: () => void }[] = [];
  const broken: unknown[] = [];
  const state: { readonly head: Index; ends?: Error } = { head: asIndex(7) };
  async function* leadership(signal: AbortSignal): AsyncIterable<Leadership> {
    while (!signal.aborted) {
      if (state.ends) throw state.ends;
      const next = told.shift();
      if (next) yield next;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  stops.push(
    grantWhileLeading({
      eventLog: {
        leadership,
        get head() {
          return state.head;
        },
      },
      lab: { replica: { applied: (index) => new Promise((fold) => folds.push({ index, fold: () => fold() })) } },
      leases: { open: (term) => opened.push(term) },
      onBroken: (error) => broken.push(error),
    }),
  );
  const tell = (one: Leadership): void => {
    told.push(one);
    wake();
  };
  const end = (error: Error): void => {
    state.ends = error;
    wake();
  };
  return { opened, folds, tell, end, broken };
}

describe('a node', () => {
  test('grants leases when it leads and has folded what was decided before', async () => {
    const { opened, folds, tell } = leading();
    tell({ term: 4, leader: 'vega', mine: false });
    tell({ term: 5, leader: 'atlas', mine: true });
    await until(() => folds.length === 1);
    expect([folds[0]?.index, opened]).toEqual([7, []]);
    folds[0]?.fold();
    await until(() => opened.length === 1);
    expect(opened).toEqual([5]);
  });

  test('grants in each of its terms', async () => {
    const { opened, folds, tell } = leading();
    for (const [at, term] of [5, 8].entries()) {
      tell({ term, leader: 'atlas', mine: true });
      await until(() => folds.length === at + 1);
      folds[at]?.fold();
      await until(() => opened.length === at + 1);
    }
    expect(opened).toEqual([5, 8]);
  });

  test('that cannot follow who leads any more goes on only when its log was closed on purpose', async () => {
    const failing = leading();
    const error = new Error('a fold threw');
    failing.end(error);
    await until(() => failing.broken.length === 1);
    expect(failing.broken).toEqual([error]);
    const closing = leading();
    closing.end(new LogError('CLOSED', 'the event log is closed', 'Open it again.'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(closing.broken).toEqual([]);
  });
});

describe('people are told', () => {
  const nowMs = 100_000;
  const own: LeaseStatus = { state: 'held', untilMs: 107_400, requiredIndex: 3, denied: undefined };
  const row = (node: string, more: Partial<LeaseRow>): LeaseRow => ({
    node: `${node}-1`,
    isRefused: false,
    grantedUntilMs: undefined,
    expiresByMs: 0,
    ...more,
  });
  const members = [
    member('atlas', { isSelf: true, isLeader: true }),
    ...['bolt', 'crane', 'deneb', 'eltanin', 'fomalhaut'].map((name) => member(name)),
  ];
  const leasesOf = (granted: readonly LeaseRow[] | undefined) =>
    withLeases(members, { own, granted, nowMs }).map(({ name, lease }) => [name, lease]);

  test('by the leader how long everybody holds a lease, or may hold it still', () => {
    const granted = [
      row('bolt', { grantedUntilMs: 108_000, expiresByMs: 112_000 }),
      row('crane', { grantedUntilMs: 99_000, expiresByMs: 103_000 }),
      row('deneb', { grantedUntilMs: 90_000, expiresByMs: 95_000 }),
      row('eltanin', { isRefused: true, grantedUntilMs: 108_000, expiresByMs: 112_000 }),
    ];
    expect(leasesOf(granted)).toEqual([
      ['atlas', { state: 'held', leftMs: 7400 }],
      ['bolt', { state: 'held', leftMs: 8000 }],
      ['crane', { state: 'ending', leftMs: 3000 }],
      ['deneb', { state: 'lapsed' }],
      ['eltanin', { state: 'refused' }],
      ['fomalhaut', { state: 'none' }],
    ]);
  });

  test('by anybody else of its own alone', () => {
    expect(leasesOf(undefined).filter(([, lease]) => lease !== undefined)).toEqual([
      ['atlas', { state: 'held', leftMs: 7400 }],
    ]);
  });

  test('of a lease that is over no time that is left', () => {
    const [one] = withLeases(members, { own: { ...own, state: 'lapsed' }, granted: undefined, nowMs: 200_000 });
    expect(one?.lease).toEqual({ state: 'lapsed' });
  });
});
