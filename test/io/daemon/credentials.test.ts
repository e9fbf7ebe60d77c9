/** Who may get in: the first password is shown to a person once, and the keys of a lab are never made a second time. */
import { verify } from '@node-rs/argon2';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ensureIdentity, passwordWasShown, type Identity } from '#io/daemon/credentials.ts';
import { nodeIniPath, readNodeIni, writeNodeIni } from '#io/daemon/node-ini.ts';
import { seededRandom } from '#io/devices/random/sim.ts';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'floatlab-credentials-'));
});
afterEach(() => rm(dataDir, { recursive: true }));

const random = seededRandom(1);
const start = (resetPassword = false): Promise<Identity> =>
  ensureIdentity({ isWitness: false, nowMs: 1000, dataDir, nodeName: 'atlas', random, resetPassword });

/** Whether this password opens the lab after the next start. */
async function opens(password: string | undefined): Promise<boolean> {
  const ini = await readNodeIni(dataDir);
  return ini !== undefined && password !== undefined && verify(ini.admin.passwordHash, password);
}

describe('the first password', () => {
  test('is another one, and shown, at every start until a person has seen it', async () => {
    const first = await start();
    expect(await opens(first.newPassword)).toBe(true);
    // The daemon died before it could say anything.
    const second = await start();
    expect(second.newPassword).toBeDefined();
    expect(second.newPassword).not.toBe(first.newPassword);
    expect(await opens(second.newPassword)).toBe(true);
    expect(await opens(first.newPassword)).toBe(false);

    await passwordWasShown(dataDir);
    const third = await start();
    expect(third.newPassword).toBeUndefined();
    expect(await opens(second.newPassword)).toBe(true);
  });

  test('changes without the identity: node, lab and keys stay what they were', async () => {
    await start();
    const before = await readNodeIni(dataDir);
    await start();
    const after = await readNodeIni(dataDir);
    expect(after?.admin.passwordHash).not.toBe(before?.admin.passwordHash);
    expect({ node: after?.node, lab: after?.lab }).toEqual({ node: before?.node, lab: before?.lab });
  });

  test('is reminded of until it is changed, also after it was shown', async () => {
    await start();
    await passwordWasShown(dataDir);
    expect((await start()).ini.admin).toMatchObject({ passwordIsInitial: true, passwordWasShown: true });
  });

  test('of a person who has chosen one is kept; a reset makes a new one, which is shown until it was seen', async () => {
    const { ini } = await start();
    const admin = {
      name: 'ada',
      passwordHash: ini.admin.passwordHash,
      passwordIsInitial: false,
      passwordWasShown: true,
      passwordChangedAt: 5,
    };
    await writeNodeIni(dataDir, { ...ini, admin });
    expect((await start()).newPassword).toBeUndefined();

    const reset = await start(true);
    expect(reset.ini.admin).toMatchObject({ name: 'ada', passwordIsInitial: true, passwordWasShown: false });
    const again = await start();
    expect(again.newPassword).toBeDefined();
    expect(await opens(again.newPassword)).toBe(true);
    expect(await opens(reset.newPassword)).toBe(false);
  });

  test('stands in no file', async () => {
    const { newPassword = '' } = await start();
    for (const file of await readdir(dataDir))
      expect(await readFile(join(dataDir, file), 'utf8')).not.toContain(newPassword);
  });

  test('of a data directory that nobody has started is shown by nobody', async () => {
    await passwordWasShown(dataDir);
    expect(await readdir(dataDir)).toEqual([]);
  });
});

describe('a node.ini that is gone', () => {
  for (const resetPassword of [false, true]) {
    test(`beside the history of a lab is asked for, and no second identity is made (reset: ${resetPassword})`, async () => {
      await start();
      await passwordWasShown(dataDir);
      await mkdir(join(dataDir, 'db', 'log'), { recursive: true });
      const saved = await readFile(nodeIniPath(dataDir), 'utf8');
      await rm(nodeIniPath(dataDir));

      await expect(start(resetPassword)).rejects.toMatchObject({
        name: 'IoError',
        code: 'MISSING',
        target: nodeIniPath(dataDir),
        message: `${dataDir} holds the history of a lab, and its node.ini with the keys is gone`,
        hint: 'Restore node.ini from your backup, or choose an empty data directory.',
      });
      expect(await readdir(dataDir)).toEqual(['db']);

      await writeFile(nodeIniPath(dataDir), saved, { mode: 0o600 });
      expect((await start()).newPassword).toBeUndefined();
    });
  }

  test('beside a log on a disk that is not mounted, or on one that cannot be read, is asked for as well', async () => {
    await mkdir(join(dataDir, 'db'));
    await symlink(join(dataDir, 'unmounted', 'log'), join(dataDir, 'db', 'log'));
    await expect(start()).rejects.toMatchObject({ code: 'MISSING' });

    await rm(join(dataDir, 'db'), { recursive: true });
    await symlink('db', join(dataDir, 'db'));
    await expect(start()).rejects.toMatchObject({ name: 'IoError', target: join(dataDir, 'db', 'log') });
    expect(await readdir(dataDir)).toEqual(['db']);
  });

  test('without any history is a first start, also after one that died before it had a log', async () => {
    await mkdir(join(dataDir, 'db'), { recursive: true });
    expect((await start()).newPassword).toBeDefined();
  });
});
