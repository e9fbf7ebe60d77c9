/** The only voter of a lab is lost for good. The node that is left never voted: it goes on with the recovery key. */
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeReal } from '#test/real.ts';
import { missingMachines, until } from './host.ts';
import { LightNode } from './light.ts';

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

describeReal('a lab whose voters are all lost', missingMachines(), () => {
  test('goes on from a node that never voted, with the recovery key, and takes in new machines', async () => {
    await using atlas = await LightNode.make('atlas');
    await using vega = await LightNode.make('vega');
    await using polaris = await LightNode.make('polaris');
    await atlas.start();
    const recoveryKey = /\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){13}\b/.exec(atlas.output)?.[0] ?? '';
    const api = await atlas.api();
    await vega.start(['--join', (await api.joinToken()).token]);
    await api.label('atlas', { kept: 'yes' });
    const { index } = (await api.events()).at(-1) ?? { index: 0 };
    const here = await vega.api(atlas.password);
    await until('vega has it', 20_000, async () => ((await here.events()).at(-1)?.index ?? 0) >= index);
    expect((await here.status()).members.find(({ name }) => name === 'vega')?.votes).not.toBe('voter');
    const caKey = join(vega.dataDir, 'tls/ca.key');
    expect(await isThere(caKey)).toBe(false);
    await vega.end();
    await atlas.end('SIGKILL');

    const asked = ['--data', vega.dataDir, '--recover', '--node-off', 'atlas'];
    expect(await vega.run(...asked)).toMatchObject({ code: 1, output: expect.stringContaining('--recovery-key-file') });
    const keyFile = join(atlas.dataDir, 'recovery-key');
    await writeFile(
      keyFile,
      recoveryKey.replace(/^./, (letter) => (letter === '0' ? '1' : '0')),
      { mode: 0o600 },
    );
    const wrong = await vega.run(...asked, '--recovery-key-file', keyFile);
    expect(wrong).toMatchObject({ code: 1, output: expect.stringMatching(/MISTYPED/) });
    expect(await isThere(caKey)).toBe(false);
    await writeFile(keyFile, recoveryKey, { mode: 0o600 });
    // The same, by the command line.
    const typed = ['cluster', 'recover', '--data', vega.dataDir, '--recovery-key-file', keyFile];
    expect(await vega.offline(...typed)).toMatchObject({
      code: 1,
      output: expect.stringContaining('node atlas is off'),
    });
    const { code, output } = await vega.offline(...typed, '--node-off', 'atlas');
    expect(output).toContain('as generation 2');
    expect(code).toBe(0);

    await vega.start();
    const again = await vega.api();
    expect(await again.status()).toMatchObject({ generation: 2, hasQuorum: true });
    expect((await again.node('atlas')).labels).toEqual({ kept: 'yes' });
    await polaris.start(['--join', (await again.joinToken()).token]);
    await until('it is up', 20_000, async () =>
      (await again.nodes()).some(({ name, state }) => name === 'polaris' && state === 'up'),
    );
    // Whoever comes has the sealed copy, too; and this node keeps the key.
    expect(await isThere(join(polaris.dataDir, 'tls/recovery.sealed'))).toBe(true);
    expect(await isThere(caKey)).toBe(true);
  });
});
