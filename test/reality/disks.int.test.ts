/** What happens to the disks of three machines: a power cut. More of it in `npm run test:thorough`. */
import { test } from 'vitest';
import { describeDisks } from './disks-lab.ts';
import { until } from './host.ts';

describeDisks('the disks of a lab of three machines', (words) => {
  const { writerOf, nothingIsLost } = words;

  test('a power cut of all loses nothing that was acknowledged, though the disks lose what was not synced', async () => {
    const writer = writerOf('dark');
    await until('it has written enough to lose', 30_000, async () => writer.acknowledged.length > 10);
    await Promise.all(words.lab.machines.map(({ disk }) => disk.cutPower()));
    await Promise.all(words.lab.machines.map((machine) => machine.end('SIGKILL')));
    await writer.stop();
    await Promise.all(words.lab.machines.map(({ disk }) => disk.mountAgain()));
    await Promise.all(words.lab.machines.map((machine) => machine.start()));
    await words.lab.whole();
    await nothingIsLost('dark', writer);
  });
});
