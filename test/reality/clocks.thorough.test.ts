/** Real daemons whose clocks are wrong: at the door, of the one that leads, and all of them at once. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeReal } from '#test/real.ts';
import { missingClocks, WrongClock } from './clock.ts';
import { missingMachines, until } from './host.ts';
import { RealLab } from './lab.ts';
import type { Machine } from './machine.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const tenYearsMs = 3653 * dayMs;

describeReal('a lab of three machines and their clocks', missingMachines() ?? missingClocks(), () => {
  let lab: RealLab;
  /** One more, that does not vote. */
  let future: Machine | undefined;
  const clocks = new Map<Machine, WrongClock>();
  const clockOf = (machine: Machine): WrongClock => clocks.get(machine) as WrongClock;
  beforeAll(async () => {
    lab = await RealLab.make(3, { prepare: async (machine) => void clocks.set(machine, await WrongClock.of(machine)) });
  });
  afterAll(async () => {
    await future?.end('SIGKILL');
    await lab[Symbol.asyncDispose]();
    for (const clock of clocks.values()) await clock.dispose();
  });

  const lastAt = async (of: Machine): Promise<number> => (await lab.api(of).events()).at(-1)?.at ?? 0;

  async function turnedAway(machine: Machine, token: string): Promise<string> {
    machine.spawn(['--join', token]);
    expect(await machine.ended(20_000)).toBe(1);
    const said = machine.output.split('\n').filter((line) => !line.startsWith('{'));
    return said.join(' ').replaceAll(/\s+/g, ' ');
  }

  test('a machine whose clock is ten years ahead is not let in, and is told to set it', async () => {
    const leader = await lab.whole();
    const { token } = await lab.api(leader).joinToken();
    future = await lab.machine(9, 'future');
    await clockOf(future).set(tenYearsMs);
    const said = await turnedAway(future, token);
    expect(said).toMatch(/The clock of future is 36\d\d d .*ahead of the lab's\. \(CLOCK_WRONG\)/);
    expect(said).toContain('timedatectl set-ntp true');
    expect((await lab.api(leader).nodes()).map(({ name }) => name)).not.toContain('future');
    // The token is as good as before, for a machine that tells the time.
    await clockOf(future).set(0);
    await future.start(['--join', token]);
    expect((await lab.api(leader).nodes()).map(({ name }) => name)).toContain('future');
  });

  test('a leader whose clock jumps ten years ahead does not take the time of the lab with it, and leads no longer', async () => {
    const leader = await lab.whole();
    await clockOf(leader).set(tenYearsMs);
    const next = await until('another one leads', 20_000, async () => {
      const now = await lab.leader(lab.others(leader)).catch(() => undefined);
      return now !== leader && now;
    });
    await lab.api(next).label('n1', { after: 'the-jump' });
    // Whoever is signed in at that machine is signed out by its clock; the lab does not mind.
    await until('it follows and votes', 30_000, async () => {
      const { members } = await lab.api(next).status();
      return members.find(({ name, votes }) => name === leader.name && votes === 'voter')?.isReachable;
    });
    await clockOf(leader).set(0);
    await lab.whole();
    await lab.api(leader).label('n1', { all: 'is-well' });
    for (const machine of lab.machines) expect(Math.abs((await lastAt(machine)) - Date.now())).toBeLessThan(hourMs);
  });

  const words = ({ output }: Machine): string => output.replaceAll(/\s+/g, ' ');

  test('a node that starts with its clock ten years ahead says so, and the others do not take it for stopped', async () => {
    const leader = await lab.whole();
    const ahead = future as Machine;
    await ahead.end('SIGTERM');
    await clockOf(ahead).set(tenYearsMs);
    await ahead.start();
    await until('it says why', 20_000, async () =>
      /The clock of node future is 36\d\d d ahead of the lab's/.test(words(ahead)),
    );
    const row = await until('the lab says why', 20_000, async () => {
      const node = (await lab.api(leader).nodes()).find(({ name }) => name === 'future');
      return node?.state === 'down' && node;
    });
    expect(row.state).toBe('down');
    const { members } = await lab.api(leader).status();
    const shown = members.find(({ name }) => name === 'future');
    expect(shown?.isStopped).toBeUndefined();
    expect(Math.abs((shown?.clockAheadMs ?? 0) - tenYearsMs)).toBeLessThan(hourMs);
  });

  test('a lab that was off for a hundred days comes back, certificates run out and all; tokens of before have expired', async () => {
    const begunAt = Date.now();
    let tries = 0;
    const leader = await lab.whole();
    const { token } = await lab.api(leader).joinToken();
    const late = await lab.machine(8, 'late');
    const all = [...lab.machines, future as Machine];
    await Promise.all(all.map((machine) => machine.end('SIGKILL')));
    await Promise.all([...all, late].map((machine) => clockOf(machine).set(100 * dayMs)));
    await Promise.all(all.map((machine) => machine.start()));
    await lab.signInElsewhen(leader);
    await lab.whole();
    // The one whose clock was ten years ahead is right, too.
    await until('all of them answer', 20_000, async () => {
      const nodes = await lab.api(leader).nodes();
      return nodes.length === all.length && nodes.every(({ state }) => state === 'up');
    });
    await until('the lab goes by the time that its voters agree on', 20_000, async () => {
      await lab.api(leader).label('n1', { tried: String(++tries) });
      return ((await lab.api(leader).events()).at(-1)?.at ?? 0) > begunAt + 99 * dayMs;
    });
    const said = await turnedAway(late, token);
    expect(said).toMatch(/This token expired 99 d[^.]* ago; it was good for 3 h\. \(TOKEN_EXPIRED\)/);
    expect(said).toContain('Make another one, on a node of the lab: floatlab node token.');
    expect((await lab.api(leader).nodes()).map(({ name }) => name)).not.toContain('late');
    await lab.api(leader).label('n1', { still: 'here' });
  });
});
