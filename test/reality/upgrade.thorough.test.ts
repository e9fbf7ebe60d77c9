/** Two versions of the program side by side in one lab of three light daemons, and the way from one to the other. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Page } from '#io/contract/routes.ts';
import { describeReal } from '#test/real.ts';
import { missingMachines, until } from './host.ts';
import { LightNode } from './light.ts';
import { mistake, nextVersion, programWith, type Program } from './programs.ts';

describeReal('a lab that is upgraded', missingMachines(), () => {
  let older: Program;
  let newer: Program;
  let wrong: Program;
  let nodes: LightNode[] = [];
  /** Those of an attempt that failed, too. */
  const made: LightNode[] = [];
  beforeAll(async () => {
    [older, newer, wrong] = await Promise.all([
      programWith(),
      programWith(nextVersion),
      programWith([...nextVersion, mistake]),
    ]);
  });
  afterAll(async () => {
    for (const node of made) await node[Symbol.asyncDispose]();
    await older[Symbol.asyncDispose]();
    await newer[Symbol.asyncDispose]();
    await wrong[Symbol.asyncDispose]();
  });

  const zoneAt = async (node: LightNode): Promise<string | undefined> =>
    (await (await node.api()).node('atlas')).labels['zone'];
  const label = async (by: LightNode, zone: string): Promise<void> =>
    void (await (await by.api()).label('atlas', { zone }));
  const switches = async (node: LightNode): Promise<number> =>
    (await (await node.api()).events()).filter(({ type }) => type === 'cluster.fold-switched').length;
  const upgrade = async (node: LightNode): Promise<void> => {
    await node.end();
    node.program = newer.path;
    await node.start();
  };

  test('works while both run, goes on when all can, and tells the old version to upgrade', async () => {
    const [atlas, vega, polaris] = (nodes = await Promise.all(
      ['atlas', 'vega', 'polaris'].map((name) => LightNode.make(name, older.path)),
    )) as [LightNode, LightNode, LightNode];
    made.push(...nodes);
    await atlas.start();
    const api = await atlas.api();
    for (const node of [vega, polaris]) {
      await node.start(['--join', (await api.joinToken()).token]);
      node.password = atlas.password;
    }
    await until('all vote', 30_000, async () => {
      const { members } = await api.status();
      return members.filter(({ votes }) => votes === 'voter').length === 3;
    });
    await label(vega, 'attic');

    // Beside the daemon that serves; its first start then has nothing to fold.
    polaris.program = newer.path;
    expect(await polaris.run('--prefold', '--data', polaris.dataDir)).toMatchObject({
      code: 0,
      output: expect.stringMatching(/Folded \d+ events, up to event \d+/),
    });
    await upgrade(polaris);
    expect(polaris.output).toContain('the state that this version folds is taken over');
    await label(polaris, 'cellar');
    expect(await zoneAt(atlas)).toBe('cellar');
    await upgrade(vega);
    expect([await zoneAt(vega), await switches(vega)]).toEqual(['cellar', 0]);
    await upgrade(atlas);
    await until('the lab folds by the new version', 30_000, async () => (await switches(vega)) === 1);
    await label(vega, 'roof');
    for (const node of nodes) expect(await zoneAt(node)).toBe('ROOF');

    await vega.end();
    vega.program = older.path;
    await expect(vega.start()).rejects.toThrow(/folds its events by version 2.*\(FOLD_TOO_NEW\)\nhint: {2}Upgrade/s);
    await label(atlas, 'door');
    expect(await zoneAt(polaris)).toBe('DOOR');

    // The whole history once more, each event by the version of its time.
    vega.program = newer.path;
    await rm(join(vega.dataDir, 'db'), { recursive: true });
    await vega.start();
    expect(await zoneAt(vega)).toBe('DOOR');
    const config = async (node: LightNode): Promise<unknown> =>
      (await (await node.api()).ask<Page<unknown>>('/api/v1/config')).items;
    await until('the nodes know the same', 30_000, async () => {
      const [one, other] = await Promise.all([config(vega), config(polaris)]);
      return JSON.stringify(one) === JSON.stringify(other);
    });
  }, 300_000);

  test('finds out a node that folds otherwise than the others: it stops, folds anew, and ends when that does not help', async () => {
    const [atlas, vega, polaris] = nodes as [LightNode, LightNode, LightNode];
    await polaris.end();
    polaris.program = wrong.path;
    const child = polaris.spawn();
    let labelled = 0;
    await until('polaris has ended', 60_000, async () => {
      await label(atlas, `shelf-${(labelled += 1)}`);
      return child.exitCode !== null;
    });
    expect(child.exitCode).toBe(1);
    expect(polaris.output).toContain('it stops, and folds it anew');
    expect(polaris.output).toContain('it is made again from the log');
    expect(polaris.output).toContain('folds the history otherwise than the others, again');
    await until('vega knows', 30_000, async () => (await zoneAt(vega)) === `SHELF-${labelled}`);

    await upgrade(polaris);
    expect(await zoneAt(polaris)).toBe(`SHELF-${labelled}`);
  });
});
