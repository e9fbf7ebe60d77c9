/** A lab of two light daemons is saved while it runs, lost, and brought back in another directory. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ActivityRow } from '#projections/views/activity.ts';
import { describeReal } from '#test/real.ts';
import { missingMachines, until } from './host.ts';
import { LightNode } from './light.ts';

describeReal('a lab that is saved', missingMachines(), () => {
  test('comes back with its whole history, as the next generation, and nodes of before are not let in', async () => {
    await using atlas = await LightNode.make('atlas');
    await using vega = await LightNode.make('vega');
    await atlas.start();
    const recoveryKey = /\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){13}\b/.exec(atlas.output)?.[0] ?? '';
    const api = await atlas.api();
    await vega.start(['--join', (await api.joinToken()).token]);
    await api.label('atlas', { kept: 'yes' });

    const file = join(atlas.dataDir, 'lab.tar');
    const saved = await atlas.cli('cluster', 'snapshot', 'save', file, '-o', 'json');
    expect(saved).toMatchObject({ code: 0 });
    expect(JSON.parse(saved.output)).toMatchObject({ isWhole: true, about: { name: 'lab' }, counts: { nodes: 2 } });
    const { index } = (JSON.parse(saved.output) as { about: { index: number } }).about;
    const before = (await api.events()).filter((row) => row.index <= index);
    expect(before.at(-1)?.index).toBe(index);
    await api.label('atlas', { kept: 'no: this is lost' });
    await vega.end();
    await atlas.end();

    await using restored = await atlas.successor();
    const keyFile = join(atlas.dataDir, 'recovery-key');
    await writeFile(keyFile, recoveryKey, { mode: 0o600 });
    const asked = ['--data', restored.dataDir, '--restore', file, '--recovery-key-file', keyFile, '--name', 'atlas'];
    expect(await restored.run(...asked, '--node-off', 'atlas')).toMatchObject({
      code: 2,
      output: expect.stringContaining('--node-off vega'),
    });
    const inspected = await restored.offline('cluster', 'snapshot', 'inspect', file);
    expect(inspected).toMatchObject({ code: 0, output: expect.stringMatching(/whole +yes[^]*holds +2 nodes/) });
    // The same, by the command line.
    const typed = ['cluster', 'snapshot', 'restore', file, '--data', restored.dataDir, '--name', 'atlas'];
    const off = ['--node-off', 'atlas', '--node-off', 'vega'];
    const { code, output } = await restored.offline(...typed, '--recovery-key-file', keyFile, ...off);
    expect(output).toContain('as generation 2, with this machine as node atlas');
    expect(code).toBe(0);
    await restored.start();
    const again = await restored.api();
    const after = await again.events();
    const told = ({ index: at, type, words }: ActivityRow): unknown => [at, type, words];
    expect(after.slice(0, before.length).map(told)).toEqual(before.map(told));
    expect(after.find(({ type }) => type === 'cluster.recovered')).toBeDefined();
    expect(await again.status()).toMatchObject({ generation: 2, hasQuorum: true });
    expect((await again.node('atlas')).labels).toEqual({ kept: 'yes' });

    // It pins the key of the machine that was lost; the one in its place, that of a disk which was never in this lab.
    vega.spawn();
    await until('the node of before is turned away', 20_000, async () => vega.output.includes('"WRONG_KEY"'));
    await again.label('atlas', { still: 'here' });
    expect((await again.status()).members.map(({ name }) => name)).toEqual(['atlas']);
  });
});
