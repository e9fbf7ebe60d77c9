/** The disk of the one that leads answers nothing: for some seconds, and for longer than anybody waits for a disk. */
import { afterEach, expect, test } from 'vitest';
import { missingProgram } from '#test/engine-fixture.ts';
import { pause, until } from './host.ts';
import { describeLeader } from './leader-lab.ts';
import { nothingIsLost } from './nothing-lost.ts';

describeLeader(
  'a lab of three machines, one of which has a disk that is stuck',
  (words) => {
    const { newLeaderAfter, inTime, writing, goesOn } = words;
    afterEach(async () => {
      for (const { disk } of words.lab.machines) await disk.thaw();
    });

    test('steps down while its disk is stuck, the others go on within seconds, and it follows again when the disk does', async () => {
      await inTime('stuck disk', { 'to a new leader': 4000, 'without a write': 5500 }, async (label) => {
        const leader = await words.lab.whole();
        const writer = await writing(label, words.lab.others(leader));
        const stuck = performance.now();
        const { ms } = await newLeaderAfter(() => leader.disk.freeze());
        await goesOn(writer, writer.acknowledged.length);
        const gap = writer.longestGapMs(stuck);
        // It knows: nobody who asks it is told what an old leader thinks.
        await until('it does not lead', 10_000, async () => {
          const { leader: led, members } = await words.lab.api(leader).status();
          return members.find(({ isSelf }) => isSelf)?.node !== led;
        });
        await pause(8000 - Math.min(8000, performance.now() - stuck));
        await leader.disk.thaw();
        expect(leader.isRunning).toBe(true);
        const now = await words.lab.whole();
        expect(now).not.toBe(leader);
        await writer.stop();
        expect(leader.isRunning).toBe(true);
        await nothingIsLost(words.lab, label, writer);
        return { 'to a new leader': ms, 'without a write': gap };
      });
    });

    test('ends when its disk is stuck for half a minute, says why, and loses nothing', async () => {
      const leader = await words.lab.whole();
      const writer = await writing('for-long', words.lab.others(leader));
      await newLeaderAfter(() => leader.disk.freeze());
      const ended = leader.ended(90_000);
      const says = async (): Promise<boolean> => leader.output.includes('has not answered for');
      // Else what it said instead is shown.
      await until('it says why it ends', 60_000, says).catch(() =>
        expect(leader.output.slice(-4000)).toContain('has not answered for'),
      );
      await pause(2000);
      await leader.disk.thaw();
      expect(await ended).not.toBe(0);
      await leader.start();
      await words.lab.whole();
      await writer.stop();
      await nothingIsLost(words.lab, 'for-long', writer);
    });
  },
  missingProgram('fsfreeze'),
);
