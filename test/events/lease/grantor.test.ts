import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { LeaseGrantor, type GrantorEffect } from '#events/lease/grantor.ts';
import type { Renewal } from '#events/lease/message.ts';
import { defaultLeaseSettings, waitMs } from '#events/lease/settings.ts';

const settings = defaultLeaseSettings;
const { leaseMs, clockUnitMs } = settings;
const usualWaitMs = waitMs(settings, leaseMs) + clockUnitMs;
const vega = { node: 'vega', incarnation: 'a1' };
const polaris = { node: 'polaris', incarnation: 'b1' };

const renewal = (sequence: number, more: Partial<Renewal> = {}): Renewal => ({
  run: 1,
  sequence,
  echo: undefined,
  wantsMs: 0,
  ...more,
});
const requests = (effects: readonly GrantorEffect[]): readonly string[] =>
  effects.flatMap((effect) => (effect.do === 'ask-round' ? [effect.request] : []));
const answers = (effects: readonly GrantorEffect[]) =>
  effects.flatMap((effect) => (effect.do === 'answer' ? [{ node: effect.to.node, ...effect.answer }] : []));

let grantor: LeaseGrantor;
beforeEach(() => {
  grantor = new LeaseGrantor(settings, 'lease-x');
});

/** Leads since 0 in term 3, and grants. */
function leading(): void {
  grantor.elected(3, 0);
  grantor.open(3, 0);
}
/** One renewal and its round. @returns what is answered */
function renewed(sequence: number, nowMs: number, more: Partial<Renewal> = {}, from = vega) {
  const [request = ''] = requests(grantor.received(from, renewal(sequence, more), nowMs));
  return answers(grantor.confirmed(request, 50, nowMs + 20));
}

describe('a leader', () => {
  test('grants after a quorum round that began after the renewal came', () => {
    leading();
    const effects = grantor.received(vega, renewal(1), 1000);
    expect(effects).toEqual([{ do: 'ask-round', request: 'lease-x-1' }]);
    expect(answers(grantor.confirmed('lease-x-1', 50, 1020))).toEqual([
      { node: 'vega', type: 'grant', term: 3, atMs: 1020, run: 1, sequence: 1, lengthMs: leaseMs, commitIndex: 50 },
    ]);
  });

  test('lets all that came before a round share it, and what comes meanwhile the next', () => {
    leading();
    grantor.received(vega, renewal(1), 1000);
    expect(grantor.received(polaris, renewal(1), 1005)).toEqual([]);
    expect(grantor.received({ node: 'rigel', incarnation: 'c1' }, renewal(1), 1006)).toEqual([]);
    const first = grantor.confirmed('lease-x-1', 50, 1150);
    expect(answers(first).map(({ node }) => node)).toEqual(['vega']);
    expect(requests(first)).toEqual(['lease-x-2']);
    const second = grantor.confirmed('lease-x-2', 51, 1160);
    expect(answers(second).map(({ node }) => node)).toEqual(['polaris', 'rigel']);
  });

  test('begins no more than one round in a while', () => {
    leading();
    renewed(1, 1000);
    expect(grantor.received(polaris, renewal(1), 1030)).toEqual([]);
    expect(grantor.tick(1090)).toEqual([]);
    expect(requests(grantor.tick(1100))).toEqual(['lease-x-2']);
  });

  test('asks again for those whose round failed', () => {
    leading();
    grantor.received(vega, renewal(1), 1000);
    grantor.failed('lease-x-1');
    expect(requests(grantor.tick(1100))).toEqual(['lease-x-2']);
    expect(answers(grantor.confirmed('lease-x-2', 50, 1110))).toMatchObject([{ type: 'grant', sequence: 1 }]);
    expect(grantor.confirmed('lease-x-1', 50, 1110), 'nobody waits for the first any more').toEqual([]);
  });

  test('grants nothing before it knows what was decided before it led', () => {
    grantor.elected(3, 0);
    expect(grantor.received(vega, renewal(1), 100)).toEqual([]);
    expect(grantor.open(2, 200), 'of another term').toEqual([]);
    expect(requests(grantor.open(3, 300))).toEqual(['lease-x-1']);
  });

  test('that is deposed grants nothing, and knows nothing', () => {
    leading();
    grantor.received(vega, renewal(1), 1000);
    grantor.deposed();
    expect(grantor.confirmed('lease-x-1', 50, 1010)).toEqual([]);
    expect(grantor.received(vega, renewal(2), 1020)).toEqual([]);
    expect(grantor.expiresBy('vega')).toBeUndefined();
    expect(grantor.mayBeHeld('vega', 1e9)).toBe(true);
  });

  test('passes over what was overtaken or repeated on its way', () => {
    leading();
    renewed(5, 1000);
    expect(grantor.received(vega, renewal(5), 2000)).toEqual([]);
    expect(grantor.received(vega, renewal(4), 2000)).toEqual([]);
    expect(requests(grantor.received(vega, renewal(1, { run: 2 }), 2000)), 'a new process').toHaveLength(1);
  });
});

describe('no lease may be out', () => {
  test('when it has waited for those of the leaders before', () => {
    leading();
    expect(grantor.expiresBy('vega')).toBeCloseTo(usualWaitMs);
    expect([grantor.mayBeHeld('vega', 14_670), grantor.mayBeHeld('vega', 14_680)]).toEqual([true, false]);
  });

  test('when it has waited since the last renewal that it granted arrived', () => {
    leading();
    renewed(1, 9000);
    expect(grantor.expiresBy('vega')).toBeCloseTo(9000 + usualWaitMs);
    expect(grantor.expiresBy('polaris')).toBeCloseTo(usualWaitMs);
  });

  test('is nothing that it says before it knows what was decided before it led', () => {
    grantor.elected(3, 0);
    expect([grantor.mayBeHeld('vega', 1e9), grantor.longLeaseBy('vega'), grantor.rows()]).toEqual([
      true,
      undefined,
      [],
    ]);
    grantor.open(3, 20_000);
    expect(grantor.mayBeHeld('vega', 20_000)).toBe(false);
  });

  test('and with another election it waits anew, having forgotten what it granted', () => {
    leading();
    renewed(1, 9000);
    grantor.deposed();
    grantor.elected(5, 10_000);
    grantor.open(5, 10_500);
    expect(grantor.expiresBy('vega')).toBeCloseTo(10_000 + usualWaitMs);
    expect(grantor.rows()).toEqual([]);
  });

  test('for as long as leases were once', () => {
    grantor = new LeaseGrantor({ ...settings, longestMs: 30_000 }, 'lease-x');
    leading();
    expect(grantor.expiresBy('vega')).toBeCloseTo(waitMs(settings, 30_000) + clockUnitMs);
  });
});

describe('a node that is refused', () => {
  test('gets nothing, not even what was under way', () => {
    leading();
    grantor.received(vega, renewal(1), 1000);
    grantor.refuse('vega');
    expect(grantor.confirmed('lease-x-1', 50, 1010)).toEqual([]);
    expect(answers(grantor.received(vega, renewal(2), 2000))).toMatchObject([{ type: 'denial', why: 'refused' }]);
    expect(grantor.rows()).toMatchObject([{ node: 'vega', isRefused: true, grantedUntilMs: undefined }]);
  });

  test('and allowed again gets a grant for what it asks from then on', () => {
    leading();
    grantor.received(vega, renewal(1), 1000);
    grantor.refuse('vega');
    grantor.allow('vega');
    expect(grantor.confirmed('lease-x-1', 50, 1010), 'its index is from before').toEqual([]);
    expect(renewed(2, 2000)).toMatchObject([{ type: 'grant', sequence: 2 }]);
  });

  test('by the log stays refused, whatever this leader had in mind', () => {
    leading();
    grantor.refuse('vega');
    grantor.know({ fenced: new Set(['vega']), longest: new Map() });
    grantor.allow('vega');
    expect(answers(grantor.received(vega, renewal(1), 1000))).toMatchObject([{ why: 'refused' }]);
    grantor.know({ fenced: new Set(), longest: new Map() });
    expect(renewed(2, 2000)).toMatchObject([{ type: 'grant' }]);
  });

  test('is refused by the next leader, too, if the log says so', () => {
    grantor.know({ fenced: new Set(['vega']), longest: new Map() });
    leading();
    expect(answers(grantor.received(vega, renewal(1), 1000))).toMatchObject([{ why: 'refused' }]);
  });
});

describe('a node that does not hear', () => {
  test('gets grants for the length of a lease, and then none', () => {
    leading();
    for (let sequence = 1; sequence <= 4; sequence++)
      expect(renewed(sequence, 1000 + (sequence - 1) * 3300)).toMatchObject([{ type: 'grant' }]);
    expect(answers(grantor.received(vega, renewal(5), 14_200))).toMatchObject([{ type: 'denial', why: 'unheard' }]);
    expect(grantor.expiresBy('vega')).toBeCloseTo(10_900 + usualWaitMs);
  });

  test('gets them again when it says back what it heard', () => {
    leading();
    renewed(1, 1000);
    const [denied] = answers(grantor.received(vega, renewal(2), 20_000));
    expect(denied).toMatchObject({ why: 'unheard', atMs: 20_000 });
    const { term, atMs } = denied ?? { term: 0, atMs: 0 };
    expect(renewed(3, 20_010, { echo: { term, atMs } })).toMatchObject([{ type: 'grant' }]);
  });

  test('does not prove it by what another leader said, or nobody yet', () => {
    leading();
    renewed(1, 1000);
    for (const [at, echo] of [
      { term: 2, atMs: 19_999 },
      { term: 3, atMs: 99_999 },
    ].entries())
      expect(answers(grantor.received(vega, renewal(2 + at, { echo }), 20_000))).toMatchObject([{ why: 'unheard' }]);
  });
});

describe('a longer lease', () => {
  const longer = { fenced: new Set<string>(), longest: new Map([['vega', 60_000]]) };

  test('is granted where the log allows it, and no longer than that', () => {
    leading();
    expect(renewed(1, 1000, { wantsMs: 60_000 })).toMatchObject([{ lengthMs: leaseMs }]);
    grantor.know(longer);
    expect(renewed(2, 2000, { wantsMs: 90_000 })).toMatchObject([{ lengthMs: 60_000 }]);
    expect(renewed(3, 3000)).toMatchObject([{ lengthMs: leaseMs }]);
    expect(grantor.expiresBy('vega')).toBeCloseTo(2000 + clockUnitMs + waitMs(settings, 60_000));
  });

  test('is waited for by the next leader', () => {
    grantor.know(longer);
    leading();
    expect(grantor.expiresBy('vega')).toBeCloseTo(clockUnitMs + waitMs(settings, 60_000));
    expect(grantor.expiresBy('polaris')).toBeCloseTo(usualWaitMs);
  });

  test('is granted no more once it is to end, and known to be over some time later', () => {
    grantor.know(longer);
    leading();
    renewed(1, 1000, { wantsMs: 60_000 });
    grantor.curtail('vega');
    expect(renewed(2, 5000, { wantsMs: 60_000, echo: { term: 3, atMs: 1020 } })).toMatchObject([{ lengthMs: leaseMs }]);
    expect(grantor.longLeaseBy('vega')).toBeCloseTo(1000 + clockUnitMs + waitMs(settings, 60_000));
  });

  test('is granted again by the same leader when the log allows it again', () => {
    grantor.know(longer);
    leading();
    grantor.curtail('vega');
    grantor.know({ fenced: new Set(['polaris']), longest: longer.longest });
    expect(renewed(1, 1000, { wantsMs: 60_000 }), 'it has not ended yet').toMatchObject([{ lengthMs: leaseMs }]);
    grantor.know({ fenced: new Set(), longest: new Map() });
    grantor.know(longer);
    expect(renewed(2, 2000, { wantsMs: 60_000 })).toMatchObject([{ lengthMs: 60_000 }]);
  });
});

test('whatever is asked in whichever order, what is granted is never said to be over too early', () => {
  const step = fc.record({
    waitMs: fc.nat(8000),
    what: fc.constantFrom('renew', 'confirm', 'fail', 'refuse', 'allow', 'tick', 'elect'),
    who: fc.constantFrom(vega, polaris),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const one = new LeaseGrantor(settings, 'lease-y');
      const endsMs = new Map<string, number>();
      const arrivedMs = new Map<string, number>();
      let [nowMs, term, sequence, asked] = [0, 1, 0, ''];
      const hear = (effects: readonly GrantorEffect[]): void => {
        asked = requests(effects)[0] ?? asked;
        for (const { node, type, sequence: granted } of answers(effects))
          if (type === 'grant') endsMs.set(node, (arrivedMs.get(`${node} ${granted}`) ?? 0) + usualWaitMs);
      };
      one.elected(term, 0);
      one.open(term, 0);
      for (const { waitMs: passedMs, what, who } of steps) {
        nowMs += passedMs;
        if (what === 'renew') {
          arrivedMs.set(`${who.node} ${++sequence}`, nowMs);
          hear(one.received(who, renewal(sequence, { echo: { term, atMs: nowMs } }), nowMs));
        } else if (what === 'confirm') hear(one.confirmed(asked, 1, nowMs));
        else if (what === 'fail') one.failed(asked);
        else if (what === 'tick') hear(one.tick(nowMs));
        else if (what === 'refuse') one.refuse(who.node);
        else if (what === 'allow') one.allow(who.node);
        else {
          one.elected(++term, nowMs);
          hear(one.open(term, nowMs));
        }
        for (const [node, endMs] of endsMs) expect(one.expiresBy(node)).toBeGreaterThanOrEqual(endMs - 1e-6);
      }
    }),
  );
});
