/** More of what happens to the one that leads: it hangs, hears nobody, is started anew, has no room. */
import { expect, test } from 'vitest';
import { pause } from './host.ts';
import { describeLeader, seconds, tell } from './leader-lab.ts';

describeLeader('a lab of three machines whose leader has troubles', (words) => {
  const { newLeaderAfter, inTime, writing, goesOn, holds, writerOf } = words;

  test('a leader that hangs is left behind within seconds, also by requests that it was asked', async () => {
    await inTime('hung', { 'to a new leader': 2500, 'without a write': 4000 }, async (label) => {
      const leader = await words.lab.whole();
      const writer = await writing(label, words.lab.others(leader));
      const hung = performance.now();
      const { ms } = await newLeaderAfter(() => leader.pause());
      await goesOn(writer, writer.acknowledged.length);
      const gap = writer.longestGapMs(hung);
      leader.resume();
      await words.lab.whole();
      await writer.stop();
      expect(writer.troubles).toEqual([]);
      await holds(label, writer);
      return { 'to a new leader': ms, 'without a write': gap };
    });
  });

  test.each([
    ['hears nobody', 'in'],
    ['is heard by nobody', 'out'],
  ] as const)('a leader that %s is replaced, and stays so while that lasts', async (_, direction) => {
    await inTime(`one way ${direction}`, { 'to a new leader': 3000, 'without a write': 4000 }, async (label) => {
      const leader = await words.lab.whole();
      const writer = await writing(label, words.lab.others(leader));
      const cut = performance.now();
      const { ms } = await newLeaderAfter(() => words.lab.network.isolate(leader.number, direction));
      await pause(2000);
      const gap = writer.longestGapMs(cut);
      await words.lab.network.heal();
      await words.lab.whole();
      await writer.stop();
      expect(writer.troubles).toEqual([]);
      await holds(label, writer);
      return { 'to a new leader': ms, 'without a write': gap };
    });
  });

  test('while one after another is started anew, no request fails that is tried a second time', async () => {
    await words.lab.whole();
    const writer = writerOf('rolling', words.lab.machines, { tries: 2, withinMs: 10_000 });
    for (const machine of words.lab.machines) {
      expect(await machine.end('SIGTERM')).toBe(0);
      await machine.start();
      await words.lab.whole();
    }
    await writer.stop();
    expect(writer.failed).toEqual([]);
    expect(writer.acknowledged.length).toBeGreaterThan(20);
    await holds('rolling', writer);
  });

  test('a leader whose disk is full ends, the others go on, and it comes back when there is room', async () => {
    const leader = await words.lab.whole();
    const writer = writerOf('full', words.lab.others(leader));
    await leader.disk.fill();
    const filled = performance.now();
    const exit = await leader.ended(20_000);
    expect(exit).toBe(1);
    expect(leader.output).toMatch(/no space left|ENOSPC/i);
    await words.lab.leader(words.lab.others(leader));
    await pause(1000);
    const gap = writer.longestGapMs(filled);
    await leader.disk.free();
    await leader.start();
    await words.lab.whole();
    await writer.stop();
    // How long it takes to notice depends on what there is to write; that it is noticed does not.
    tell(`full disk: ${seconds(gap)} without a write`);
    expect(writer.troubles.filter((trouble) => trouble !== 'TIMED_OUT')).toEqual([]);
    await holds('full', writer);
  });
});
