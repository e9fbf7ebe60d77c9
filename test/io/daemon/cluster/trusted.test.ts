import { pino } from 'pino';
import { expect, test } from 'vitest';
import { configurationOf } from '#events/raft/configuration.ts';
import { keepTrusted } from '#io/daemon/cluster/trusted.ts';
import type { Clock, Timer } from '#io/devices/clock/port.ts';
import type { Answer } from '#io/lab/others.ts';
import { peerOf } from '#io/log/raft/engine/peer.ts';
import type { MemberStatus } from '#io/log/raft/member/protocol.ts';

const [a, b, c] = [peerOf('a', '1'), peerOf('b', '1'), peerOf('c', '1')];
const status = (more: Partial<MemberStatus>): MemberStatus => ({
  peer: a,
  term: 2,
  role: 'follower',
  leader: b,
  configuration: configurationOf([a, b, c]),
  lastIndex: 10,
  committed: 10,
  isSuspect: false,
  peers: [],
  ...more,
});

/** Goes on by hand. */
function handClock(): Clock & { pass(ms: number): void } {
  let now = 0;
  let due: { readonly at: number; readonly fn: () => void }[] = [];
  return {
    now: () => now,
    monotonicMs: () => now,
    setTimeout: (fn, ms) => {
      due.push({ at: now + ms, fn });
      return due.length as unknown as Timer;
    },
    clearTimeout: () => {},
    pass: (ms) => {
      for (const end = now + ms; now < end; now += 100) {
        const ready = due.filter(({ at }) => at <= now);
        due = due.filter(({ at }) => at > now);
        for (const { fn } of ready) fn();
      }
    },
  };
}

function node(self: string, leader: string, seen: () => MemberStatus) {
  const clock = handClock();
  const asked: string[] = [];
  const passedOn: string[] = [];
  let answer: Answer | undefined;
  const stop = keepTrusted({
    status: seen,
    lab: { leadership: { term: 2, leader, mine: leader === self } },
    others: {
      self,
      ask: (to, method) => {
        asked.push(`${to} ${method}`);
        return Promise.resolve(null);
      },
      answer: (_, given) => void (answer = given),
    },
    clock,
    log: pino({ level: 'silent' }),
    passOn: (to) => void passedOn.push(to),
  });
  return { clock, asked, passedOn, stop, hear: (from: string) => answer?.(null, from, new AbortController().signal) };
}

test('a member that stays a suspect asks for a new term, and ever less often if that does not help', () => {
  let isSuspect = true;
  const { clock, asked, stop } = node('a', 'b', () => status({ isSuspect }));
  clock.pass(3000);
  expect(asked).toEqual([]);
  clock.pass(5000);
  expect(asked).toEqual(['b lab/new-term']);
  clock.pass(10_000);
  expect(asked).toHaveLength(1);
  clock.pass(15_000);
  expect(asked).toHaveLength(2);
  isSuspect = false;
  clock.pass(300_000);
  expect(asked).toHaveLength(2);
  stop();
});

test('a sound member asks for nothing', () => {
  const { clock, asked } = node('a', 'b', () => status({}));
  clock.pass(60_000);
  expect(asked).toEqual([]);
});

test('the leader passes leadership to another sound voter, never to the suspect or one that is silent', async () => {
  const peer = (of: typeof a, isActive: boolean) => ({ peer: of, match: 10, state: 'replicate' as const, isActive });
  const leading = (isActive: boolean) =>
    status({ peer: b, role: 'leader', leader: b, peers: [peer(a, true), peer(c, isActive)] });
  const good = node('b', 'b', () => leading(true));
  await good.hear('a');
  expect(good.passedOn).toEqual(['c']);
  const silent = node('b', 'b', () => leading(false));
  await silent.hear('a');
  expect(silent.passedOn).toEqual([]);
  // Who has no vote counts for nothing, trusted or not.
  await good.hear('learner');
  expect(good.passedOn).toEqual(['c']);
  const follower = node('c', 'b', () => status({ peer: c }));
  await follower.hear('a');
  expect(follower.passedOn).toEqual([]);
});

test('a member that asks again and again does not keep leadership moving', async () => {
  const peer = (of: typeof a) => ({ peer: of, match: 10, state: 'replicate' as const, isActive: true });
  const leader = node('b', 'b', () => status({ peer: b, role: 'leader', leader: b, peers: [peer(a), peer(c)] }));
  for (let n = 0; n < 50; n++) await leader.hear('a')?.catch(() => {});
  expect(leader.passedOn).toHaveLength(3);
  leader.clock.pass(60_000);
  for (let n = 0; n < 50; n++) await leader.hear('a')?.catch(() => {});
  expect(leader.passedOn).toHaveLength(6);
});
