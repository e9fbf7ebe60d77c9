/** A node whose clock is years from the others': what it says of that, and what they say of it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realClock } from '#io/devices/clock/real.ts';
import type { Clock } from '#io/devices/clock/port.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import type { ClusterMember } from '#io/contract/cluster.ts';
import { answerClock, knock } from '#io/daemon/cluster/clock-call.ts';
import { outcastByClock } from '#io/daemon/cluster/clock-outcast.ts';
import { StrangeClocks } from '#io/daemon/cluster/strange-clocks.ts';
import { Calls, Methods } from '#io/links/calls.ts';
import { Mesh } from '#io/links/mesh.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { SmallLab, until, type TestNode } from '#test/io/links/small-lab.ts';

const dayMs = 86_400_000;
const tenYearsMs = 3653 * dayMs;
const now = Date.parse('2026-11-22T04:05:30Z');

describe('a node that has no leader', () => {
  const judge = (own: number, clocks: Readonly<Record<string, number>>, voters = ['polaris', 'atlas', 'vega']) =>
    outcastByClock({
      self: 'polaris',
      name: 'polaris',
      now: own,
      clocks: new Map(Object.entries(clocks)),
      voters,
      nameOf: (node) => node,
    });

  test('says that its clock is wrong, what it shows, and what the others show', () => {
    expect(judge(now + tenYearsMs, { atlas: now, vega: now + 1000 })).toEqual({
      code: 'CLOCK_WRONG',
      message:
        "The clock of node polaris is 3653 d ahead of the lab's: it says 2036-11-22 04:05 UTC, and atlas and vega say " +
        '2026-11-22 04:05 UTC. Certificates are not good by both, so no link holds.',
      hint: 'Set it (timedatectl set-ntp true): then this node takes part again by itself.',
    });
    expect(judge(now - 400 * dayMs, { atlas: now, vega: now })?.message).toContain("is 400 d behind the lab's");
    // A learner has no say in what time it is.
    expect(judge(now + tenYearsMs, { atlas: now }, ['atlas'])?.message).toContain('and atlas says 2026-11-22');
  });

  test('of two whose clocks differ neither knows which is right, and both say so', () => {
    const two = ['polaris', 'atlas'];
    const said = judge(now + tenYearsMs, { atlas: now }, two);
    expect(said?.code).toBe('CLOCKS_DIFFER');
    expect(said?.message).toContain(
      'that of polaris says 2036-11-22 04:05 UTC, that of atlas says 2026-11-22 04:05 UTC.',
    );
    expect(judge(now, { atlas: now + tenYearsMs }, two)?.code).toBe('CLOCKS_DIFFER');
  });

  test('does not blame clocks where they are alike, nobody answers, or it is another one that is wrong', () => {
    expect(judge(now, { atlas: now + 600_000, vega: now })).toBeUndefined();
    expect(judge(now, {})).toBeUndefined();
    expect(judge(now, { atlas: now, vega: now + tenYearsMs })).toBeUndefined();
    // Who does not vote says nothing about the time.
    expect(judge(now, { rigel: now + tenYearsMs })).toBeUndefined();
  });
});

describe('a node whose clock is ten years ahead', () => {
  const ahead: Clock = { ...realClock, now: () => realClock.now() + tenYearsMs };
  let lab: SmallLab;
  let [atlas, bolt]: TestNode[] = [];
  let mesh: Mesh;
  beforeEach(async () => {
    lab = await SmallLab.create();
    [atlas, bolt] = [await lab.node('atlas'), await lab.node('bolt')];
  });
  afterEach(async () => {
    await mesh.close();
    await lab.close();
  });

  test('gets no link for requests, and hears from the same node what time it is; that one hears of its clock', async () => {
    const renewing = new Methods();
    const heard: [string, number][] = [];
    answerClock(renewing, realClock, (node, said) => heard.push([node, said]));
    const { port } = await lab.serve(bolt!, {
      onLink: (link) => void new Calls({ link, methods: renewing, log: lab.log }),
    });
    mesh = new Mesh({ identity: () => atlas!.identity, clock: ahead, random: seededRandom(1), log: lab.log });
    mesh.setNodes([{ node: 'bolt', keySha256: bolt!.keySha256, addresses: [{ host: '127.0.0.1', port }] }]);
    await until(() => mesh.problemOf('bolt') !== undefined);
    expect(mesh.problemOf('bolt')).toContain('ran out');
    const { refusals, clocks } = await knock(mesh, ahead, new AbortController().signal);
    expect(refusals).toEqual([]);
    expect(Math.abs((clocks.get('bolt') ?? 0) - Date.now())).toBeLessThan(5000);
    expect(heard.map(([node]) => node)).toEqual(['atlas']);
    expect(Math.abs((heard[0]?.[1] ?? 0) - ahead.now())).toBeLessThan(5000);
  });

  test('is told what a node has against it, and passes over one that knows no such question', async () => {
    const odd = await lab.node('castor');
    const old = await lab.serve(odd, {
      onLink: (link) => void new Calls({ link, methods: new Methods(), log: lab.log }),
    });
    const strict = await lab.serve(bolt!, { admission: () => undefined });
    mesh = new Mesh({ identity: () => atlas!.identity, clock: realClock, random: seededRandom(1), log: lab.log });
    const at = ({ port }: { port: number }) => [{ host: '127.0.0.1', port }];
    mesh.setNodes([
      { node: 'bolt', keySha256: bolt!.keySha256, addresses: at(strict) },
      { node: 'castor', keySha256: odd.keySha256, addresses: at(old) },
    ]);
    const { refusals, clocks } = await knock(mesh, realClock, new AbortController().signal);
    expect([refusals.map(({ code }) => code), clocks.size]).toEqual([['NOT_ADMITTED'], 0]);
  });
});

describe('the others', () => {
  const member = (node: string, more: Partial<ClusterMember> = {}): ClusterMember =>
    ({ node, isSelf: false, isReachable: false, ...more }) as ClusterMember;

  test('show a stopped node that asks with a wrong clock as one, as long as it asks, and until it is linked', async () => {
    const clock = new VirtualClock(now);
    const strange = new StrangeClocks(clock, () => clock.now());
    expect(strange.heard('bolt', now + tenYearsMs)).toBe(tenYearsMs);
    const stopped = member('bolt', { isStopped: true });
    const [shown] = strange.shownIn([stopped]);
    expect(shown).toEqual(member('bolt', { clockAheadMs: tenYearsMs }));
    expect(strange.shownIn([member('bolt', { isReachable: true })])[0]).not.toHaveProperty('clockAheadMs');
    expect(strange.heard('castor', now + 600_000)).toBeUndefined();
    expect(strange.shownIn([member('castor')])).toEqual([member('castor')]);
    expect(strange.heard('bolt', now)).toBeUndefined();
    expect(strange.shownIn([stopped])).toEqual([stopped]);
    strange.heard('bolt', now - tenYearsMs);
    await clock.run(30_001);
    expect(strange.shownIn([stopped])).toEqual([stopped]);
  });
});
