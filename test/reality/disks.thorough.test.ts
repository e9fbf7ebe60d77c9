/** More of what happens to the disks of three machines: rot, loss, and a copy of one. */
import { cp } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { describeDisks } from './disks-lab.ts';
import { pause, until } from './host.ts';
import type { Machine } from './machine.ts';

describeDisks('the disks of a lab of three machines that are damaged', (words) => {
  const { writerOf, nothingIsLost } = words;

  test('bits that turn over are found, and the machine is whole again by what the others have', async () => {
    const leader = await words.lab.whole();
    // The founder: its log begins with a group of itself alone.
    const hurt = words.lab.machines.find((machine) => machine !== leader) as Machine;
    const writer = writerOf('bits', words.lab.others(hurt));
    await until('it has written something', 30_000, async () => writer.acknowledged.length > 0);
    await hurt.end('SIGKILL');
    await hurt.disk.flipBit('log/raft', /\.(log|ldb)$/);
    await hurt.disk.flipBit('log/history', /\.open$/);
    await hurt.disk.flipBit('db/state', /\.(log|ldb)$/);
    await hurt.start();
    expect(hurt.output).toMatch(/The log ends at entry \d+, but went on to entry|damaged/);
    await until('it is no suspect any more', 20_000, async () => !(await words.lab.api(hurt).status()).isSuspect);
    await words.lab.whole();
    await writer.stop();
    await nothingIsLost('bits', writer);
  });

  test('a machine whose log is gone does not vote again as if nothing had happened; one that replaces it does', async () => {
    const leader = await words.lab.whole();
    const [lost] = words.lab.others(leader) as [Machine];
    await lost.end('SIGKILL');
    await lost.disk.wipe('log');
    await expect(lost.start()).rejects.toThrow(/has forgotten what it promised.*replaces/s);
    await lost.disk.wipe();
    await until('the lab sees that it is down', 20_000, async () => {
      const rows = await words.lab.api(leader).nodes();
      return rows.some(({ name, state }) => name === lost.name && state === 'down');
    });
    const { token } = await words.lab.api(leader).joinToken({ replaces: lost.name });
    await lost.start(['--join', token]);
    await words.lab.signIn(leader);
    await words.lab.whole(60_000);
    const writer = writerOf('replaced');
    await until('it has written something', 30_000, async () => writer.acknowledged.length > 0);
    await writer.stop();
    await nothingIsLost('replaced', writer);
  });

  test('a data directory that is copied to another machine runs once', async () => {
    const { members } = await words.lab.api(await words.lab.whole()).status();
    // Nobody is dialed by the one whose id comes last.
    const last = members.toSorted((a, b) => (a.node < b.node ? 1 : -1))[0]?.name;
    const original = words.lab.machines.find(({ name }) => name === last) as Machine;
    const copy = await words.lab.machine(20, original.name);
    await original.end('SIGTERM');
    await cp(original.disk.dataDir, copy.disk.dataDir, { recursive: true });
    await original.start();
    await words.lab.whole();
    const writer = writerOf('copied');
    const child = copy.spawn();
    await until('the copy says what it is', 20_000, async () => copy.output.includes('DUPLICATE_NODE'));
    await pause(2000);
    expect(copy.output).toContain('is a second one with its name and its keys');
    child.kill('SIGKILL');
    await words.lab.whole();
    expect(original.isRunning).toBe(true);
    await writer.stop();
    await nothingIsLost('copied', writer);
  });
});
