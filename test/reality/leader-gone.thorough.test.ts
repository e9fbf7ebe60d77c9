/** What happens to the one that leads: it dies, it is stopped, nobody reaches it. Worse is in `leader.thorough.test.ts`. */
import { expect, test } from 'vitest';
import { until } from './host.ts';
import { describeLeader } from './leader-lab.ts';

describeLeader('a lab of three machines', (words) => {
  const { newLeaderAfter, code, inTime, writing, goesOn, holds } = words;

  test('a leader that is killed has a successor in less than two seconds, and writers go on elsewhere', async () => {
    await inTime('killed', { 'to a new leader': 2000, 'without a write': 3500 }, async (label) => {
      const leader = await words.lab.whole();
      const writer = await writing(label, words.lab.others(leader));
      const killed = performance.now();
      const { ms } = await newLeaderAfter(async () => void (await leader.end('SIGKILL')));
      await goesOn(writer, writer.acknowledged.length);
      const gap = writer.longestGapMs(killed);
      await writer.stop();
      await leader.start();
      await words.lab.whole();
      expect(writer.troubles).toEqual([]);
      await holds(label, writer);
      return { 'to a new leader': ms, 'without a write': gap };
    });
  });

  test('a leader that is stopped on purpose hands over first, and everybody knows at once that it was stopped', async () => {
    await inTime('stopped on purpose', { 'without a write': 800 }, async (label) => {
      const leader = await words.lab.whole();
      const rest = words.lab.others(leader);
      const writer = await writing(label, rest);
      const stopped = performance.now();
      expect(await leader.end('SIGTERM')).toBe(0);
      for (const machine of rest) {
        const rows = await words.lab.api(machine).nodes();
        expect(rows.find(({ name }) => name === leader.name)?.state).toBe('stopped');
        const { members } = await words.lab.api(machine).status();
        expect(members.find(({ name }) => name === leader.name)?.isStopped).toBe(true);
      }
      await goesOn(writer, writer.acknowledged.length);
      const gap = writer.longestGapMs(stopped);
      await writer.stop();
      await leader.start();
      await words.lab.whole();
      expect(writer.troubles).toEqual([]);
      await holds(label, writer);
      expect((await words.lab.api(leader).nodes()).map(({ state }) => state)).toEqual(['up', 'up', 'up']);
      return { 'without a write': gap };
    });
  });

  test('a leader that is cut off is replaced, and says what it cannot do instead of waiting', async () => {
    await inTime(
      'cut off',
      { 'to a new leader': 3000, 'without a write': 4000, 'to a refusal': 6000 },
      async (label) => {
        const leader = await words.lab.whole();
        const writer = await writing(label, words.lab.others(leader));
        const cut = performance.now();
        let early: Promise<string> | undefined;
        const { ms } = await newLeaderAfter(async () => {
          await words.lab.network.isolate(leader.number);
          early = code(words.lab.api(leader).label('n1', { early: 'yes' }));
        });
        const alone = words.lab.api(leader);
        await until('it knows that it does not lead', 10_000, async () => (await alone.status()).leader === undefined);
        const asked = performance.now();
        const refused = await Promise.all([code(alone.label('n1', { late: 'yes' })), code(alone.node('n1'))]);
        const refusedMs = performance.now() - asked;
        // What it was asked while it thought that it led nobody can tell.
        expect(['TIMED_OUT', 'NO_LEADER']).toContain(await early);
        expect(refused).toEqual(['NO_LEADER', 'NO_LEADER']);
        const gap = writer.longestGapMs(cut);
        await words.lab.network.heal();
        await words.lab.whole();
        await writer.stop();
        expect(writer.troubles).toEqual([]);
        await holds(label, writer);
        expect((await alone.node('n1')).labels).not.toHaveProperty('late');
        return { 'to a new leader': ms, 'without a write': gap, 'to a refusal': refusedMs };
      },
    );
  });
});
