/** What btrfs knows of changes, on a real pool, and what it does not. */
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RunCommand } from '#io/devices/run.ts';
import { run } from '#io/devices/run.ts';
import { patient } from '#test/contracts/volumes.ts';
import { missingBtrfs } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { btrfsPair, size } from './btrfs-pair.ts';
import { dies, dyingAt } from './crash.ts';

describeReal('changes of btrfs volumes', missingBtrfs(), () => {
  const pair = btrfsPair();

  test('the changes of any number of datasets are two commands', async () => {
    const { pool, of, home, btrfs } = pair();
    const ran: string[] = [];
    const counting: RunCommand = (file, args, options) => {
      ran.push([file, ...args].join(' '));
      return run(file, args, options);
    };
    const guids = new Map<string, string>();
    for (let n = 0; n < 8; n++) {
      const one = { ...of, name: `many-${n}` };
      await pool.volumes.create(one, { sizeBytes: size }, patient());
      guids.set(one.name, (await pool.volumes.snapshot(one, 's', patient())).guid);
    }
    await writeFile(join(home({ ...of, name: 'many-3' }), 'live', 'file'), 'changed', { flush: true });
    await btrfs('filesystem', 'sync', pool.mountpoint);
    const changes = await pool.open({ run: counting }).changes('test', patient());
    for (const [name, since] of guids) expect(changes.get(name)).toMatchObject({ since, changed: name === 'many-3' });
    expect([...changes.keys()]).toEqual(await pool.volumes.list('test', patient()));
    expect(ran).toHaveLength(2);
  });

  test('a change shows once it is on disk; reading never is one, nor asking for what is so already', async () => {
    const { pool, of, home, btrfs } = pair();
    const changed = async () => (await pool.volumes.changes('test', patient())).get(of.name)?.changed;
    for (let n = 0; n < 3; n++) await readFile(join(home(), 'live', 'file'));
    await readdir(join(home(), 'live'));
    await pool.volumes.inspect(of, patient());
    await pool.volumes.create(of, { sizeBytes: size, mode: 0o755, owner: { uid: 0, gid: 0 } }, patient());
    await btrfs('filesystem', 'sync', pool.mountpoint);
    expect(await changed()).toBe(false);
    await writeFile(join(home(), 'live', 'file'), 'changed');
    await btrfs('filesystem', 'sync', pool.mountpoint);
    expect(await changed()).toBe(true);
    await pool.volumes.snapshot(of, 't', patient());
    expect(await changed()).toBe(false);
  });

  test('an interrupted rollback is a change, from the moment that counts', async () => {
    const { pool, of, other } = pair();
    const dying = pool.open(dyingAt('moved-aside'));
    await dies(dying.rollback(of, 's', 't', patient()));
    expect((await dying.changes('test', patient())).get(of.name)).toMatchObject({ changed: true });
    expect((await dying.changes('test', patient())).get(other.name)).toMatchObject({ changed: false });
  });
});
