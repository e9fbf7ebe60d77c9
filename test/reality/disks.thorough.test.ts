/** What happens to the disks of three machines: rot, loss, a copy of one, and a power cut. */
import { cp } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeReal } from '#test/real.ts';
import { missingMachines, pause, until } from './host.ts';
import { RealLab } from './lab.ts';
import type { Machine } from './machine.ts';
import { nothingIsLost } from './nothing-lost.ts';
import { Writer } from './writer.ts';

describeReal('the disks of a lab of three machines', missingMachines(), () => {
  let lab: RealLab;
  beforeAll(async () => {
    lab = await RealLab.make(3);
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  let writers: Writer[] = [];
  afterEach(async () => {
    for (const writer of writers) await writer.stop();
    writers = [];
  });

  function writerOf(label: string, machines: readonly Machine[] = lab.machines): Writer {
    const writer = new Writer(
      label,
      machines.map((machine) => lab.api(machine)),
      { tries: 20, withinMs: 8000 },
    );
    writers.push(writer);
    return writer;
  }

  test('bits that turn over are found, and the machine is whole again by what the others have', async () => {
    const leader = await lab.whole();
    // The founder: its log begins with a group of itself alone.
    const hurt = lab.machines.find((machine) => machine !== leader) as Machine;
    const writer = writerOf('bits', lab.others(hurt));
    await until('it has written something', 30_000, async () => writer.acknowledged.length > 0);
    await hurt.end('SIGKILL');
    await hurt.disk.flipBit('log/raft', /\.(log|ldb)$/);
    await hurt.disk.flipBit('log/history', /\.open$/);
    await hurt.disk.flipBit('db/state', /\.(log|ldb)$/);
    await hurt.start();
    expect(hurt.output).toMatch(/The log ends at entry \d+, but went on to entry|damaged/);
    await until('it is no suspect any more', 20_000, async () => !(await lab.api(hurt).status()).isSuspect);
    await lab.whole();
    await writer.stop();
    await nothingIsLost(lab, 'bits', writer);
  });

  test('a machine whose log is gone does not vote again as if nothing had happened; one that replaces it does', async () => {
    const leader = await lab.whole();
    const [lost] = lab.others(leader) as [Machine];
    await lost.end('SIGKILL');
    await lost.disk.wipe('log');
    await expect(lost.start()).rejects.toThrow(/has forgotten what it promised.*replaces/s);
    await lost.disk.wipe();
    await until('the lab sees that it is down', 20_000, async () => {
      const rows = await lab.api(leader).nodes();
      return rows.some(({ name, state }) => name === lost.name && state === 'down');
    });
    const { token } = await lab.api(leader).joinToken({ replaces: lost.name });
    await lost.start(['--join', token]);
    await lab.signIn(leader);
    await lab.whole(60_000);
    const writer = writerOf('replaced');
    await until('it has written something', 30_000, async () => writer.acknowledged.length > 0);
    await writer.stop();
    await nothingIsLost(lab, 'replaced', writer);
  });

  test('a data directory that is copied to another machine runs once', async () => {
    const { members } = await lab.api(await lab.whole()).status();
    // Nobody is dialed by the one whose id comes last.
    const last = members.toSorted((a, b) => (a.node < b.node ? 1 : -1))[0]?.name;
    const original = lab.machines.find(({ name }) => name === last) as Machine;
    const copy = await lab.machine(20, original.name);
    await original.end('SIGTERM');
    await cp(original.disk.dataDir, copy.disk.dataDir, { recursive: true });
    await original.start();
    await lab.whole();
    const writer = writerOf('copied');
    const child = copy.spawn();
    await until('the copy says what it is', 20_000, async () => copy.output.includes('DUPLICATE_NODE'));
    await pause(2000);
    expect(copy.output).toContain('is a second one with its name and its keys');
    child.kill('SIGKILL');
    await lab.whole();
    expect(original.isRunning).toBe(true);
    await writer.stop();
    await nothingIsLost(lab, 'copied', writer);
  });

  test('a power cut of all loses nothing that was acknowledged, though the disks lose what was not synced', async () => {
    const writer = writerOf('dark');
    await until('it has written enough to lose', 30_000, async () => writer.acknowledged.length > 10);
    await Promise.all(lab.machines.map(({ disk }) => disk.cutPower()));
    await Promise.all(lab.machines.map((machine) => machine.end('SIGKILL')));
    await writer.stop();
    await Promise.all(lab.machines.map(({ disk }) => disk.mountAgain()));
    await Promise.all(lab.machines.map((machine) => machine.start()));
    await lab.whole();
    await nothingIsLost(lab, 'dark', writer);
  });
});
