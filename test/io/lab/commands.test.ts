/** Commands go to who leads, and do not stay with who leads no longer. */
import { expect, test } from 'vitest';
import type { Clock } from '#io/devices/clock/port.ts';
import { realClock } from '#io/devices/clock/real.ts';
import type { Commander } from '#io/lab/commander.ts';
import { Commands } from '#io/lab/commands.ts';
import type { Others } from '#io/lab/others.ts';
import type { Replica } from '#io/lab/replica.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';

const never = new AbortController().signal;
const request = { id: 'c1', name: 'create-namespace', input: { name: 'team' }, by: 'user:admin' } as const;
const done = { index: 7, unchanged: false, events: [] };
/** As a machine that hangs behind a link that seems whole. */
const silence = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

function follower(asked: string[], hangs: (node: string) => boolean, clock: Clock = realClock): Commands {
  const others = {
    self: 'a',
    answer: () => {},
    ask: (node: string, _: string, said: { readonly id: string; readonly term: number }, signal: AbortSignal) => {
      asked.push(`${node} ${said.id} in ${said.term}`);
      return hangs(node) ? silence(signal) : Promise.resolve(done);
    },
  } as unknown as Others;
  const replica = { applied: () => Promise.resolve() } as unknown as Replica;
  const commander = { run: (_: unknown, signal: AbortSignal) => silence(signal) } as unknown as Commander;
  return new Commands({ commander, replica, clock, others, onHeard: () => {} });
}

test('a leader that hangs is not waited for once another one leads, who is asked the same', async () => {
  const asked: string[] = [];
  const commands = follower(asked, (node) => node === 'b');
  commands.leadership = { term: 1, leader: 'b', mine: false };
  const answer = commands.run(request, never);
  await new Promise((resolve) => setTimeout(resolve, 20));
  commands.leadership = { term: 2, leader: 'c', mine: false };
  await expect(answer).resolves.toMatchObject(done);
  expect(asked).toEqual(['b c1 in 1', 'c c1 in 2']);
});

test('a leader that has lost its followers asks its successor', async () => {
  const asked: string[] = [];
  const commands = follower(asked, () => false);
  commands.leadership = { term: 1, leader: 'a', mine: true };
  const answer = commands.run(request, never);
  await new Promise((resolve) => setTimeout(resolve, 20));
  commands.leadership = { term: 2, leader: 'b', mine: false };
  await expect(answer).resolves.toMatchObject(done);
  expect(asked).toEqual(['b c1 in 2']);
});

test('what arrives when its term is over does nothing, also where its leader leads again', async () => {
  const ran: string[] = [];
  let hear: (said: unknown) => Promise<unknown> = () => Promise.reject(new Error('it does not answer yet'));
  const others = {
    self: 'b',
    answer: (_: string, answer: (said: unknown, from: string, signal: AbortSignal) => Promise<unknown>) => {
      hear = (said) => answer(said, 'a', never);
    },
  } as unknown as Others;
  const commander = { run: async ({ id }: { id: string }) => (ran.push(id), done) } as unknown as Commander;
  const replica = {} as unknown as Replica;
  const leader = new Commands({ commander, replica, clock: realClock, others, onHeard: () => {} });
  leader.leadership = { term: 3, leader: 'b', mine: true };
  await expect(hear({ ...request, term: 1 })).rejects.toMatchObject({ code: 'NOT_LEADER' });
  expect(ran).toEqual([]);
  await hear({ ...request, term: 3 });
  // An older version of the program says none.
  await hear({ ...request, id: 'c2' });
  expect(ran).toEqual(['c1', 'c2']);
});

test('whoever was cut off in the middle says in time that nobody can tell, and of what came later that it did not happen', async () => {
  const commands = follower([], () => true);
  commands.leadership = { term: 1, leader: 'b', mine: false };
  const begun = performance.now();
  const underWay = commands.run(request, never);
  underWay.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 20));
  commands.leadership = { term: 1, mine: false };
  const later = commands.run({ ...request, id: 'c2' }, never);
  later.catch(() => {});
  await expect(underWay).rejects.toMatchObject({ code: 'UNKNOWN' });
  await expect(later).rejects.toMatchObject({ code: 'NO_QUORUM' });
  expect(performance.now() - begun).toBeLessThan(6000);
});

test('long after the last leader was lost nobody waits for the next one', async () => {
  const clock = new VirtualClock(0);
  const commands = follower([], () => true, clock);
  commands.leadership = { term: 1, leader: 'b', mine: false };
  commands.leadership = { term: 1, mine: false };
  const first = commands.run(request, never);
  first.catch(() => {});
  await clock.run(4000);
  const inTime = commands.run(request, never);
  inTime.catch(() => {});
  // A candidate that wins nothing is no news.
  commands.leadership = { term: 2, mine: false };
  await clock.run(2000);
  await expect(first).rejects.toMatchObject({ code: 'NO_QUORUM' });
  await expect(inTime).rejects.toMatchObject({ code: 'NO_QUORUM' });
  const at = clock.monotonicMs();
  await expect(commands.run(request, never)).rejects.toMatchObject({ code: 'NO_QUORUM' });
  expect(clock.monotonicMs()).toBe(at);
  commands.leadership = { term: 3, leader: 'c', mine: false };
  commands.leadership = { term: 3, mine: false };
  const again = commands.run(request, never);
  again.catch(() => {});
  await clock.run(3000);
  commands.leadership = { term: 4, leader: 'a', mine: true };
  expect(await Promise.race([again.catch(() => 'refused'), Promise.resolve('waits')])).toBe('waits');
});

test('a person who gives up is not made to wait by any of this', async () => {
  const commands = follower([], () => true);
  commands.leadership = { term: 1, leader: 'b', mine: false };
  const stop = new AbortController();
  const answer = commands.run(request, stop.signal);
  setTimeout(() => stop.abort(new Error('enough')), 20);
  await expect(answer).rejects.toThrow('enough');
});
