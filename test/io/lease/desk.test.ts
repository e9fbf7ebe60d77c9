/** Leases of three members as their threads see them, in virtual time: what consensus says is made up here. */
import { beforeEach, describe, expect, test } from 'vitest';
import { defaultLeaseSettings } from '#events/lease/settings.ts';
import type { PeerId } from '#events/raft/entry.ts';
import { LeaseDesk } from '#io/lease/desk.ts';
import { packAnswer } from '#io/lease/frame.ts';
import { NodeLeases } from '#io/lease/node-leases.ts';
import { peerOf } from '#io/log/raft/engine/peer.ts';
import { BadFrame } from '#io/log/raft/member/message-codec.ts';
import type { FromMember } from '#io/log/raft/member/protocol.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';

let clock: VirtualClock;
let members: readonly Member[];

/** A member of the group, with a majority that always follows whoever leads. */
class Member {
  readonly peer: PeerId;
  readonly desk: LeaseDesk;
  readonly leases: NodeLeases;
  readonly passedOn: FromMember[] = [];
  readonly asked: string[] = [];
  reports = 0;
  applied = 0;
  isAnswering = true;
  isCut = false;

  constructor(name: string) {
    this.peer = peerOf(name, 'a1');
    const bootTime = { nowMs: () => Math.floor(clock.monotonicMs() / 10) * 10 };
    this.desk = new LeaseDesk({
      self: this.peer,
      settings: defaultLeaseSettings,
      run: 7,
      name: `lease-${name}`,
      bootTime,
      clock,
      tickMs: 100,
      reportMs: 1000,
      read: (request) => {
        this.asked.push(request);
        if (this.isAnswering) this.hear({ t: 'read', request, index: 40 });
      },
      send: (to, frame) => {
        const other = members.find(({ peer }) => peer === to && peer !== this.peer);
        if (!other || this.isCut || other.isCut) return false;
        queueMicrotask(() => other.desk.receive(this.peer, frame));
        return true;
      },
      say: (message) => {
        if (message.say === 'report') this.reports++;
        this.leases.hear(message);
      },
    });
    this.leases = new NodeLeases({
      settings: defaultLeaseSettings,
      bootTime,
      say: (message) => {
        this.desk.handle(message);
        return true;
      },
      applied: () => ({ entry: this.applied, event: this.applied - 5 }),
    });
  }

  hear(...messages: readonly FromMember[]): void {
    this.passedOn.push(...this.desk.overhear(messages));
  }

  /** Everybody hears that it leads, and it knows what was decided before. */
  lead(term: number): void {
    for (const member of members)
      member.hear({
        t: 'leadership',
        term,
        role: member === this ? 'leader' : 'follower',
        leader: this.peer,
        possibleLoss: false,
      });
    this.leases.open(term);
  }
}

const states = (): readonly string[] => members.map(({ leases }) => leases.own.state);

beforeEach(() => {
  clock = new VirtualClock(0);
  members = ['atlas', 'bolt', 'crane'].map((name) => new Member(name));
  for (const { desk } of members) desk.start();
});

const three = (): readonly [Member, Member, Member] => members as [Member, Member, Member];

describe('the nodes of a lab', () => {
  test('hold leases as soon as somebody leads, the leader too', async () => {
    const [atlas] = three();
    expect(states()).toEqual(['none', 'none', 'none']);
    atlas.lead(1);
    await clock.run(300);
    expect(states()).toEqual(['held', 'held', 'held']);
    expect(atlas.leases.granted?.map(({ node }) => node)).toEqual(['atlas', 'bolt', 'crane']);
    expect(three()[1].leases.granted, 'only the leader knows of others').toBeUndefined();
  });

  test('keep them for as long as the leader leads', async () => {
    three()[0].lead(1);
    for (let minutes = 0; minutes < 10; minutes++) {
      await clock.run(60_000);
      expect(states()).toEqual(['held', 'held', 'held']);
    }
  });

  test('keep them when another one leads', async () => {
    const [atlas, bolt] = three();
    atlas.lead(1);
    await clock.run(5000);
    bolt.lead(2);
    for (let seconds = 0; seconds < 30; seconds++) {
      await clock.run(1000);
      expect(states()).toEqual(['held', 'held', 'held']);
    }
    expect(atlas.leases.granted).toBeUndefined();
  });

  test('lose them, and know it, when nobody answers the leader', async () => {
    const [atlas] = three();
    atlas.lead(1);
    await clock.run(5000);
    atlas.isAnswering = false;
    await clock.run(11_000);
    expect(states()).toEqual(['lapsed', 'lapsed', 'lapsed']);
  });

  test('may start things when they know what was decided before their lease', async () => {
    const [atlas, bolt] = three();
    atlas.lead(1);
    await clock.run(300);
    bolt.applied = 39;
    expect(bolt.leases.isSafeToStart(39)).toBe(false);
    bolt.applied = 40;
    expect(bolt.leases.isSafeToStart(34), 'its fold lags behind its log').toBe(false);
    expect(bolt.leases.isSafeToStart(35)).toBe(true);
    bolt.isCut = true;
    await clock.run(11_000);
    expect(bolt.leases.isSafeToStart(35)).toBe(false);
  });

  test('get nothing from a leader that does not know yet what was decided', async () => {
    const [atlas] = three();
    const { leases } = atlas;
    const open = leases.open.bind(leases);
    leases.open = () => undefined;
    atlas.lead(1);
    await clock.run(20_000);
    expect(states()).toEqual(['none', 'none', 'none']);
    open(1);
    await clock.run(300);
    expect(states()).toEqual(['held', 'held', 'held']);
  });

  test('learn from outside who leads, where their own members do not know', async () => {
    const [atlas, bolt] = three();
    atlas.lead(1);
    await clock.run(300);
    bolt.hear({ t: 'leadership', term: 1, role: 'follower', leader: undefined, possibleLoss: false });
    await clock.run(11_000);
    expect(bolt.leases.own.state).toBe('lapsed');
    bolt.leases.follow(atlas.peer);
    await clock.run(300);
    expect(bolt.leases.own.state).toBe('held');
    bolt.hear({ t: 'leadership', term: 1, role: 'follower', leader: undefined, possibleLoss: false });
    bolt.leases.follow(atlas.peer);
    await clock.run(60_000);
    expect(bolt.leases.own.state, 'though its own member forgot again').toBe('held');
  });

  test('believe their own members, where these know it, and nobody who has not heard yet', async () => {
    const [atlas, bolt, crane] = three();
    atlas.lead(1);
    await clock.run(300);
    bolt.lead(2);
    crane.leases.follow(atlas.peer);
    await clock.run(20_000);
    expect(states()).toEqual(['held', 'held', 'held']);
  });
});

describe('a node that is refused', () => {
  test('holds no lease any more when its leader says so, and gets one when it is allowed again', async () => {
    const [atlas, bolt] = three();
    atlas.lead(1);
    await clock.run(20_000);
    const byMs = (await atlas.leases.refuse('bolt')) ?? 0;
    expect(byMs).toBeGreaterThan(atlas.leases.nowMs);
    await clock.run(byMs - atlas.leases.nowMs);
    expect(states()).toEqual(['held', 'lapsed', 'held']);
    expect(bolt.leases.own.denied).toBe('refused');
    atlas.leases.allow('bolt');
    await clock.run(4000);
    expect(states()).toEqual(['held', 'held', 'held']);
  });

  test('by the log gets nothing from any leader', async () => {
    for (const { leases } of members) leases.know({ fenced: new Set(['crane']), longest: new Map() });
    const [atlas, bolt] = three();
    atlas.lead(1);
    await clock.run(300);
    expect(states()).toEqual(['held', 'held', 'none']);
    bolt.lead(2);
    await clock.run(5000);
    expect(states()).toEqual(['held', 'held', 'none']);
  });

  test('cannot be refused by who does not lead', async () => {
    const [atlas, bolt] = three();
    atlas.lead(1);
    expect(await bolt.leases.refuse('crane')).toBeUndefined();
  });
});

test('a planned restart gets a longer lease, which the leader can end', async () => {
  for (const { leases } of members) leases.know({ fenced: new Set(), longest: new Map([['bolt', 60_000]]) });
  const [atlas, bolt] = three();
  atlas.lead(1);
  bolt.leases.want(60_000);
  await clock.run(300);
  expect((bolt.leases.own.untilMs ?? 0) - bolt.leases.nowMs).toBeGreaterThan(59_000);
  const byMs = (await atlas.leases.curtail('bolt')) ?? 0;
  expect(byMs - atlas.leases.nowMs).toBeGreaterThan(60_000);
  await clock.run(4000);
  expect(await atlas.leases.curtail('bolt'), 'nothing long was granted since').toBe(byMs);
});

describe('the thread', () => {
  test('passes on what the member says to others, and keeps its own rounds to itself', async () => {
    const [atlas] = three();
    atlas.lead(1);
    await clock.run(300);
    atlas.hear({ t: 'read', request: 'of somebody else', index: 3 });
    atlas.hear({ t: 'read-refused', request: 'of somebody else', why: 'no-leader' });
    expect(atlas.asked.length).toBeGreaterThan(0);
    expect(atlas.passedOn.map(({ t }) => t)).toEqual(['leadership', 'read', 'read-refused']);
  });

  test('tells little when little changes', async () => {
    const [atlas, bolt] = three();
    atlas.lead(1);
    await clock.run(1000);
    const before = [atlas.reports, bolt.reports];
    await clock.run(60_000);
    expect(atlas.reports - (before[0] ?? 0)).toBeLessThanOrEqual(80);
    expect(bolt.reports - (before[1] ?? 0)).toBeLessThanOrEqual(20);
  });

  test('takes no grant from a node that was not asked for one', async () => {
    const [atlas, bolt, crane] = three();
    atlas.lead(1);
    bolt.isCut = true;
    await clock.run(30_000);
    for (let sequence = 1; sequence < 400; sequence++) {
      const forged = {
        type: 'grant',
        term: 9,
        atMs: 30_000,
        run: 7,
        sequence,
        lengthMs: 10_000,
        commitIndex: 0,
      } as const;
      bolt.desk.receive(crane.peer, packAnswer(forged));
    }
    expect(bolt.leases.own.state).toBe('none');
  });

  test('refuses frames that make no sense', () => {
    const [atlas, bolt] = three();
    for (const frame of [Uint8Array.of(0x96, 1), Uint8Array.of(0x90), Uint8Array.of(0x96, 2, 1, 1, 1, 1, 1)])
      expect(() => atlas.desk.receive(bolt.peer, frame)).toThrow(BadFrame);
  });
});
