/** The recipes of `docs/operations.md` that take longer; the table of all of them is in `recipes-members.thorough.test.ts`. */
import { readdir } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { until } from './host.ts';
import { RealLab } from './lab.ts';
import type { Machine } from './machine.ts';
import { describeRecipes, words } from './recipes-lab.ts';

describeRecipes('the recipes of operations that take longer', (recipes) => {
  const { founder, lineOf, machine, forget, stateOf, clusterStatus } = recipes;
  let [n2, n3]: (Machine | undefined)[] = [];
  /** A lab of three, of which the second one has labels. */
  beforeAll(async () => {
    n2 = await machine(2);
    await n2.start(await lineOf(founder(), '--label', 'zone=cellar', 'disk=ssd'));
    n3 = await machine(3);
    await n3.start(await lineOf(founder()));
    await recipes.lab.whole();
  });

  test('a machine without a token waits, and comes in when somebody approves', async () => {
    const { authority = '' } = await recipes.lab.api(founder()).status();
    const n5 = await machine(5);
    const child = n5.spawn(['--join', `${founder().address}:7401`, '--fingerprint', authority]);
    await until('it waits', 20_000, async () => (await stateOf('n5')) === 'waiting');
    await until('it says what to do', 20_000, async () => words(n5).includes('floatlab node approve n5'));
    await recipes.lab.tells(founder(), 'node', 'approve', 'n5');
    await until('it serves', 30_000, async () => n5.output.includes(n5.url));
    expect([child.exitCode, await stateOf('n5')]).toEqual([null, 'up']);
  });

  test('a node that is stopped is removed, and says at its next start why it has no leader', async () => {
    const n5 = recipes.lab.machines.at(-1) as Machine;
    expect(await n5.end('SIGTERM')).toBe(0);
    expect(await stateOf('n5')).toBe('stopped');
    await recipes.lab.tells(founder(), 'node', 'rm', 'n5', '--yes');
    expect(await stateOf('n5')).toBeUndefined();
    await n5.start();
    expect(words(n5)).toContain('Node n5 does not belong to the lab any more: it left, or was removed.');
    await n5.end('SIGKILL');
    forget(n5);
  });

  test('the bouncer sends a machine away, and lets another one in, by its rules', async () => {
    const { authority = '' } = await recipes.lab.api(founder()).status();
    const without = ['--join', `${founder().address}:7401`, '--fingerprint', authority];
    await recipes.lab.tells(founder(), 'cluster', 'bouncer', 'set', '--rule', 'admit label=zone=cellar', 'refuse');
    const n7 = await machine(7);
    n7.spawn(without);
    expect(await n7.ended(20_000)).not.toBe(0);
    expect(words(n7)).toContain("Rule 2 of the lab's bouncer lets node n7 not in. (NODE_REFUSED)");
    forget(n7);
    const n6 = await machine(6);
    await n6.start([...without, '--label', 'zone=cellar']);
    expect(await stateOf('n6')).toBe('up');
    await recipes.lab.tells(founder(), 'node', 'leave', 'n6', '--yes');
    await n6.end('SIGKILL');
    forget(n6);
  });

  test('a node that lost its disk comes back as itself, by a token that was made for it', async () => {
    for (const lost of [n2, n3] as Machine[]) {
      await lost.end('SIGTERM');
      await lost.disk.wipe();
      const line = await lineOf(founder(), '--replaces', lost.name);
      expect(line.slice(2)).toEqual(['--name', lost.name, '--witness']);
      await lost.start(line.slice(0, 2));
      await recipes.lab.spare();
    }
    // The second one reads of a past in which the first had another key, and itself another disk: it knows better.
    expect((n3 as Machine).output).not.toMatch(/WRONG_KEY|REPLACED|is out of the lab/);
    expect((await recipes.lab.api(founder()).node('n2')).labels).toEqual({ zone: 'cellar', disk: 'ssd' });
  });

  test('a lab that lost its majority says so, goes on from one node, and takes the others in anew', async () => {
    const lost = [n2, n3] as Machine[];
    await (n2 as Machine).end('SIGTERM');
    await (n3 as Machine).end('SIGKILL');
    await until(
      'it knows that nobody leads',
      20_000,
      async () => !(await recipes.lab.api(founder()).status()).hasQuorum,
    );
    expect(await clusterStatus(founder())).toMatchObject({ code: 8, out: expect.stringContaining('no majority') });
    const passwords = 'whatever it was\nanother one it is\n';
    const refused = await recipes.lab.cli(founder(), ['passwd', '--password-stdin'], passwords);
    // Whoever knows the password is told that it cannot be changed; nobody else is told anything.
    expect(refused.err).toContain('WRONG_PASSWORD');
    await founder().end('SIGTERM');

    founder().spawn(['--recover', '--node-off', 'n2']);
    expect(await founder().ended(30_000)).toBe(1);
    expect(words(founder())).toContain('nobody says that node n3 is off: its apps could run twice');
    founder().spawn(['--recover', '--node-off', 'n2', '--node-off', 'n3']);
    expect(await founder().ended(30_000)).toBe(0);
    expect(words(founder())).toContain('The lab goes on from this node alone, as generation 2');
    expect(await readdir(founder().disk.dataDir)).toContain('log.before-generation-2');
    await founder().start();
    await recipes.lab.api(founder()).label('n1', { after: 'recovery' });

    // One of the old generation that was not off: it is not let in, and says why.
    const [old] = lost as [Machine];
    await old.start();
    const said = 'Node n2 missed a recovery of the lab';
    await until('it says why', 20_000, async () => (await clusterStatus(old)).out.includes(said));
    await old.end('SIGTERM');
    expect(await stateOf('n2')).toBe('stopped');
    const line = await lineOf(founder(), '--replaces', 'n2');
    await old.disk.wipe();
    await old.start(line.slice(0, 2));
    await until('it is up', 20_000, async () => (await stateOf('n2')) === 'up');
    expect((await recipes.lab.api(old).node('n1')).labels).toMatchObject({ after: 'recovery' });
  });

  test('a lab of three becomes one of one that decides alone, one node after the other', async () => {
    const back = n3 as Machine;
    const line = await lineOf(founder(), '--replaces', 'n3');
    await until('the lab misses it', 30_000, async () => (await stateOf('n3')) !== 'up');
    await back.disk.wipe();
    await back.start(line.slice(0, 2));
    await recipes.lab.whole();
    const leave = async (name: string) => {
      await recipes.lab.tells(founder(), 'node', 'leave', name, '--yes');
      expect(await stateOf(name)).toBeUndefined();
      return (await recipes.lab.api(founder()).status()).members.map((member) => `${member.name} ${member.votes}`);
    };
    // Never two voters of which both would have to answer.
    expect(await leave('n3')).toEqual([
      expect.stringMatching(/^n[12] voter$/),
      expect.stringMatching(/^n[12] learner$/),
    ]);
    expect(await leave('n2')).toEqual(['n1 voter']);
    for (const gone of [n2, n3] as Machine[]) await gone.end('SIGKILL');
    await recipes.lab.api(founder()).label('n1', { alone: 'yes' });
    expect((await clusterStatus(founder())).out).toContain('quorum the one voter answers');
  });

  test('a lab of one machine with a damaged log does not start, and goes on with what is intact when it is told to', async () => {
    await using single = await RealLab.make(1, { network: recipes.lab.network, first: 21 });
    const [only] = single.machines as [Machine];
    for (const value of ['one', 'two', 'three']) await single.api(only).label('n21', { value });
    await only.end('SIGKILL');
    await only.disk.flipBit('log/raft', /\.(log|ldb)$/, 0.9);
    await expect(only.start()).rejects.toThrow(/damaged, and no other voter has what it lost[^]*--recover/);
    only.spawn(['--recover']);
    expect(await only.ended(30_000)).toBe(0);
    await only.start();
    await single.api(only).label('n21', { value: 'four' });
    expect((await single.api(only).node('n21')).labels).toEqual({ value: 'four' });
  });
});
