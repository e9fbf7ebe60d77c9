import { describe, expect, test } from 'vitest';
import { prune } from '#io/devices/backup/prune.ts';
import type { Repository } from '#io/devices/backup/repository.ts';
import { SimObjects, type SimFault } from '#io/devices/backup/store/sim.ts';
import { check, verify } from '#io/devices/backup/verify.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { backUp, begin, bytesOf, reopen, restored, signal } from './repositories.ts';

const all = { data: 'all' } as const;
const shared = bytesOf(1, 12_000);
const contents: Readonly<Record<string, Uint8Array>> = {
  a: Buffer.concat([shared, bytesOf(2, 9000)]),
  b: Buffer.concat([shared, bytesOf(3, 9000)]),
  c: bytesOf(4, 9000),
};

async function threeBackups(): Promise<SimObjects> {
  const objects = new SimObjects();
  const repository = await begin(objects.store());
  for (const [id, bytes] of Object.entries(contents)) await backUp(repository, id, bytes);
  return objects;
}

/** Those that cannot be restored any more. */
async function hurtIn(repository: Repository): Promise<readonly string[]> {
  const hurt: string[] = [];
  for (const [id, bytes] of Object.entries(contents)) {
    try {
      // Never anything else than what was backed up.
      expect((await restored(repository, id)).equals(bytes)).toBe(true);
    } catch (error) {
      expect(error).toMatchObject({ name: 'IoError', code: expect.stringMatching(/DAMAGED|MISSING|UNSUPPORTED/) });
      hurt.push(id);
    }
  }
  return hurt;
}

describe('a flipped bit, anywhere', () => {
  test('is found, and the check says exactly which backups it hurts', async () => {
    const whole = await threeBackups();
    const random = seededRandom(7);
    for (const key of whole.keys()) {
      for (let turn = 0; turn < 2; turn++) {
        const objects = whole.copy();
        objects.flip(key, random.below(8 * (objects.bytesOf(key)?.length ?? 0)));
        const repository = await reopen(objects.store());
        const report = await check(repository, all, signal);
        expect(report.isWhole, key).toBe(false);
        const hurt = report.backups.filter(({ isWhole }) => !isWhole).map(({ id }) => id);
        expect(hurt, key).toEqual(await hurtIn(repository));
        if (key.startsWith('index/') || key.startsWith('config')) expect(hurt).toEqual([]);
        for (const id of ['a', 'b', 'c'])
          expect((await verify(repository, id, all, signal).catch(() => ({ isWhole: false }))).isWhole, key).toBe(
            !hurt.includes(id),
          );
      }
    }
  });

  test('is mended by the next backup of the same content, once it was set aside', async () => {
    const objects = await threeBackups();
    const [pack = ''] = objects.keys('packs/');
    objects.flip(pack, 400 * 8);
    const repository = await reopen(objects.store());
    const hurt = await hurtIn(repository);
    expect(hurt.length).toBeGreaterThan(0);
    expect(await check(repository, { data: 'all', setAside: true }, signal)).toMatchObject({ isWhole: false });
    for (const [id, bytes] of Object.entries(contents)) await backUp(repository, `${id}-again`, bytes);
    expect(await hurtIn(repository)).toEqual([]);
    await prune(repository, { graceMs: 0 }, signal);
    expect(objects.keys('packs/')).not.toContain(pack);
    expect(await check(repository, all, signal)).toMatchObject({ isWhole: true });
  });
});

describe('an object that is gone', () => {
  test('hurts those that need it, and no other; the next backup stores it anew', async () => {
    const whole = await threeBackups();
    for (const key of whole.keys()) {
      const objects = whole.copy();
      objects.lose(key);
      const repository = await reopen(objects.store());
      const hurt = await hurtIn(repository);
      if (key.startsWith('manifests/')) expect(hurt).toEqual([key.slice(10)]);
      else if (!key.startsWith('packs/')) expect(hurt).toEqual([]);
      const report = await check(repository, { data: 'none' }, signal);
      expect(
        report.backups.filter(({ isWhole }) => !isWhole).map(({ id }) => id),
        key,
      ).toEqual(key.startsWith('manifests/') ? [] : hurt);
      for (const [id, bytes] of Object.entries(contents)) await backUp(repository, `${id}-again`, bytes);
      expect(await hurtIn(repository)).toEqual(key.startsWith('manifests/') ? hurt : []);
    }
  });
});

describe('a store that lies', () => {
  const faults: readonly SimFault[] = ['lie', 'flip'];
  test.each(faults)('never makes a backup count that it does not have: %s', async (fault) => {
    const bytes = bytesOf(9, 30_000);
    for (let nth = 0; nth < 80; nth++) {
      const objects = await threeBackups();
      let isHit = false;
      const lying = objects.store({
        fault: (call) => {
          if (call.nth !== nth || call.op === 'delete') return undefined;
          isHit = true;
          return fault;
        },
      });
      let isDone = false;
      try {
        await backUp(await reopen(lying), 'new', bytes);
        isDone = true;
      } catch (error) {
        expect(error).toMatchObject({ name: 'IoError' });
      }
      const repository = await reopen(objects.store());
      if (isDone) expect((await restored(repository, 'new')).equals(bytes), `call ${nth}`).toBe(true);
      expect(await hurtIn(repository)).toEqual([]);
      if (!isHit) return;
    }
  });

  test('that is full says so, and what was there is as it was', async () => {
    const objects = await threeBackups();
    const full = objects.store({
      fault: ({ op, key }) => (op === 'put' && key.startsWith('packs/') ? 'full' : undefined),
    });
    await expect(backUp(await reopen(full), 'new', bytesOf(9, 30_000))).rejects.toMatchObject({ code: 'NO_SPACE' });
    const repository = await reopen(objects.store());
    expect(objects.keys('locks/')).toEqual([]);
    expect(await check(repository, all, signal)).toMatchObject({ isWhole: true });
  });

  test('whose every pack is lost at once is told so, not to be trusted', async () => {
    const objects = await threeBackups();
    const losing = objects.store({
      fault: ({ op, key }) => (op === 'put' && key.startsWith('packs/') ? 'lie' : undefined),
    });
    await expect(backUp(await reopen(losing), 'new', bytesOf(9, 3000))).rejects.toMatchObject({
      code: 'DAMAGED',
      hint: expect.stringContaining('another'),
    });
  });
});

test('a prune deletes nothing while it does not know what a damaged backup needs', async () => {
  const objects = await threeBackups();
  objects.flip('manifests/a', 800);
  const repository = await reopen(objects.store());
  const packs = objects.keys('packs/');
  await expect(prune(repository, { graceMs: 0 }, signal)).rejects.toMatchObject({
    code: 'DAMAGED',
    hint: expect.stringContaining('Forget the backup a'),
  });
  expect(objects.keys('packs/')).toEqual(packs);
});
