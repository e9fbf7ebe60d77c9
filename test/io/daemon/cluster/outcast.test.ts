/** Why a node that the others do not let in has no leader. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepOutcast, outcastBy, type Outcast } from '#io/daemon/cluster/outcast.ts';
import { LinkError, type LinkCode } from '#io/links/errors.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';

const refusal = (code: LinkCode): LinkError => new LinkError({ code, explain: 'no', hint: '' }, true);

let clock: VirtualClock;
let refusals: readonly LinkError[];
let byClock: Outcast | undefined;
let knocks: number;
let hasLeader: boolean;
let told: (Outcast | undefined)[];
let stop: () => void;
beforeEach(() => {
  clock = new VirtualClock(0);
  [refusals, byClock, knocks, hasLeader, told] = [[], undefined, 0, false, []];
  stop = keepOutcast({
    name: 'vega',
    clock,
    knock: async () => {
      knocks++;
      return { refusals, clocks: new Map() };
    },
    byClock: () => byClock,
    hasLeader: () => hasLeader,
    onChange: (outcast) => told.push(outcast),
  });
});
afterEach(() => stop());

test('a node that is refused twice in a row says why, and what to do', async () => {
  refusals = [refusal('OLD_GENERATION')];
  await clock.run(2000);
  expect(told).toEqual([
    {
      code: 'OLD_GENERATION',
      message: 'Node vega missed a recovery of the lab: the others went on without it, in a later generation.',
      hint: expect.stringContaining('floatlab node token --replaces vega'),
    },
  ]);
});

test('one refusal is none: of a node that has just joined, another may not have heard', async () => {
  refusals = [refusal('NOT_ADMITTED')];
  await clock.run(500);
  refusals = [];
  await clock.run(10_000);
  expect(told).toEqual([]);
});

test('a node that nobody refuses may be kept out by a clock, and says so until somebody leads', async () => {
  byClock = { code: 'CLOCK_WRONG', message: 'It is wrong.', hint: 'Set it.' };
  await clock.run(2000);
  expect(told).toEqual([byClock]);
  hasLeader = true;
  await clock.run(20_000);
  expect(told).toEqual([byClock, undefined]);
});

test('it is over when somebody leads, and nobody is asked as long as that is so', async () => {
  refusals = [refusal('NOT_ADMITTED')];
  await clock.run(2000);
  hasLeader = true;
  const before = knocks;
  await clock.run(20_000);
  expect(told.map((outcast) => outcast?.code)).toEqual(['NOT_ADMITTED', undefined]);
  expect(knocks).toBe(before);
});

test.each<readonly [LinkCode, RegExp]>([
  ['NOT_ADMITTED', /does not belong to the lab any more/],
  ['WRONG_INCARNATION', /taken the place of node vega/],
  ['WRONG_KEY', /taken the place of node vega/],
  ['DUPLICATE_NODE', /runs already, and answers/],
  ['PROTOCOL_TOO_OLD', /^Node vega runs a version of FloatLab that is too old for the one that other nodes run\.$/],
  ['PROTOCOL_TOO_NEW', /^Node vega runs a version of FloatLab that is too new for the one that other nodes run\.$/],
])('%s is told in words', (code, words) => {
  expect(outcastBy([refusal('BUSY'), refusal(code)], 'vega')).toMatchObject({
    code,
    message: expect.stringMatching(words),
  });
});

test('what says nothing against the node itself is none of that', () => {
  const codes = ['UNREACHABLE', 'NEWER_GENERATION', 'EXPIRED', 'STOPPING'] as const;
  expect(outcastBy(codes.map(refusal), 'vega')).toBeUndefined();
});
