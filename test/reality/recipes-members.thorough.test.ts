/**
 * The recipes of `docs/operations.md`, each done on real daemons as it stands there, with the command line. Machines that
 * join, lead and leave are here; the rest takes longer, and `npm run test:thorough` has it.
 *
 *   recipe                                        test
 *   ------                                        ----
 *   Join, with a token, labels, a role            here: "a machine joins by the line that a token prints"
 *   Join, the node that made the token is away    here: "a token is good while …"
 *   Join, without a token; the bouncer            recipes.thorough: "a machine without a token waits …", "the bouncer …"
 *   Leave                                         here: "a node leaves …"
 *   Leave, from three machines to one             recipes.thorough: "a lab of three becomes one of one …"
 *   Leave, a vote given away by a role            recipes-apps: "gives its vote away …"
 *   Remove a node that is down                    recipes.thorough: "a node that is stopped is removed …"
 *   Remove a node that is lost with what it held  recipes-apps: "does not leave …"
 *   Replace a node whose disk is lost             recipes.thorough: "a node that lost its disk …"; disks.thorough: "a machine whose log is gone …"
 *   The majority of the voters is gone            recipes.thorough: "a lab that lost its majority …"
 *   The majority, from a node that never voted    recover: "goes on from a node that never voted …"
 *   Restore a lab from a snapshot                 snapshot: "comes back with its whole history …"
 *   A damaged log, several voters                 disks.thorough: "bits that turn over …"
 *   A damaged log, one voter                      recipes.thorough: "a lab of one machine with a damaged log …"
 *   Restart and upgrade, one after the other      leader.thorough: "while one after another is started anew …"
 *   Restart and upgrade, transfer                 here: "another voter leads …"
 *   Restart and upgrade, another version          upgrade: "works while both run …", "finds out a node …"
 *   What can go wrong when a machine joins        door: all of it
 *   Pools, Volumes                                e2e/recipes-data.thorough: "a pool is …", "a volume is …", …
 */
import { expect, test } from 'vitest';
import { until } from './host.ts';
import type { Machine } from './machine.ts';
import { describeRecipes } from './recipes-lab.ts';

describeRecipes('the recipes of operations', (recipes) => {
  const { founder, lineOf, machine, forget, stateOf, clusterStatus } = recipes;

  test('a machine joins by the line that a token prints, with the labels and the role of the token', async () => {
    const n2 = await machine(2);
    await n2.start(await lineOf(founder(), '--label', 'zone=cellar', 'disk=ssd'));
    expect((await recipes.lab.api(founder()).node('n2')).labels).toEqual({ zone: 'cellar', disk: 'ssd' });
    const n3 = await machine(3);
    const line = await lineOf(founder(), '--role', 'witness');
    expect(line.at(-1)).toBe('--witness');
    await n3.start(line.slice(0, -1));
    await recipes.lab.whole();
    const { code, out } = await clusterStatus(n2);
    expect([code, out]).toEqual([0, expect.stringContaining('3 of 3 voters answer')]);
  });

  test('another voter leads when it is asked to', async () => {
    const leader = await recipes.lab.whole();
    const [heir] = recipes.lab.others(leader) as [Machine];
    await recipes.lab.tells(leader, 'cluster', 'transfer', heir.name);
    expect(await recipes.lab.whole()).toBe(heir);
  });

  test('a token is good while the node that made it is away', async () => {
    const line = await lineOf(founder());
    await recipes.lab.spare();
    await founder().end('SIGTERM');
    const n4 = await machine(4);
    await n4.start(line);
    await founder().start();
    await until('it is up', 30_000, async () => (await stateOf('n4')) === 'up');
  });

  test('a node leaves, and is told so when it goes on', async () => {
    const n4 = recipes.lab.machines.at(-1) as Machine;
    const elsewhere = await recipes.lab.apiOf(n4, founder());
    await elsewhere.nodes();
    // Its own word, which ends when the others let it in no more.
    await recipes.lab.tells(n4, 'node', 'leave', 'n4', '--yes');
    expect(await stateOf('n4')).toBeUndefined();
    // It has kept its keys: what it signs opens nothing any more.
    await expect(elsewhere.nodes()).rejects.toThrow('NOT_SIGNED_IN');
    await elsewhere.close();
    const said = 'Node n4 does not belong to the lab any more: it left, or was removed.';
    await until('it says why it has no leader', 20_000, async () => (await clusterStatus(n4)).out.includes(said));
    expect((await clusterStatus(n4)).code).toBe(8);
    await n4.end('SIGTERM');
    forget(n4);
  });
});
