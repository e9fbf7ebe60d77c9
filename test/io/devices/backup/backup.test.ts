import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backup } from '#io/devices/backup/backup.ts';
import { decideBackups, forget } from '#io/devices/backup/keep.ts';
import { prune } from '#io/devices/backup/prune.ts';
import { listBackups } from '#io/devices/backup/repository.ts';
import { openBackup } from '#io/devices/backup/restore.ts';
import { SimObjects } from '#io/devices/backup/store/sim.ts';
import { check, verify } from '#io/devices/backup/verify.ts';
import { parseKeep } from '#events/values/keep.ts';
import { backUp, begin, bytesOf, collect, labKey, reopen, requestOf, restored, signal, tarOf } from './repositories.ts';

const all = { data: 'all' } as const;

describe('a backup', () => {
  test('comes back byte for byte, whatever was in it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 5000, size: 'max' }),
        fc.constantFrom('gzip', 'none'),
        async (bytes, how) => {
          const repository = await begin(new SimObjects().store(), { compression: how as 'gzip' });
          await backUp(repository, 'one', bytes);
          expect((await restored(repository, 'one')).equals(bytes)).toBe(true);
          expect(await verify(repository, 'one', all, signal)).toMatchObject({ isWhole: true, problems: [] });
        },
      ),
      { numRuns: 30 },
    );
  });

  test('stores what was not there before, and no more', async () => {
    const objects = new SimObjects();
    const repository = await begin(objects.store());
    const first = bytesOf(1, 60_000);
    const one = await backUp(repository, 'one', first);
    const changed = Buffer.concat([first.subarray(0, 30_000), Buffer.from('a few more'), first.subarray(30_000)]);
    const two = await backUp(repository, 'two', changed);
    const same = await backUp(repository, 'three', first);
    expect(one.added.plainBytes).toBeGreaterThanOrEqual(60_000);
    expect(two.added.plainBytes).toBeLessThan(12_000);
    expect(same.added).toEqual({ chunks: 0, plainBytes: 0, storedBytes: 0 });
    for (const [id, bytes] of [
      ['one', first],
      ['two', changed],
      ['three', first],
    ] as const)
      expect((await restored(repository, id)).equals(bytes)).toBe(true);
  });

  test('of the same id is made once: asked for again, it reads nothing', async () => {
    const repository = await begin(new SimObjects().store());
    const first = await backUp(repository, 'one', bytesOf(1, 5000));
    const unread = { ...requestOf('one', new Uint8Array()), content: refusing() };
    expect(await backup(repository, unread, signal)).toEqual(first);
  });

  test('brings the files of its app along', async () => {
    const repository = await begin(new SimObjects().store());
    const files = [
      { name: 'compose.yaml', bytes: Buffer.from('services: {}\n') },
      { name: 'env/.env', bytes: Buffer.from('A=1\n') },
    ];
    await backup(repository, { ...requestOf('one', bytesOf(1, 3000)), files }, signal);
    const opened = await openBackup(repository, 'one', signal);
    for (const { name, bytes } of files) expect(Buffer.from(await opened.file(name)).equals(bytes)).toBe(true);
    await expect(opened.file('other')).rejects.toMatchObject({ code: 'MISSING' });
  });

  test.each([
    [{ id: '../x' }],
    [{ id: 'A' }],
    [{ startedAt: -1 }],
    [{ files: [{ name: '../../etc/passwd', bytes: new Uint8Array() }] }],
    [{ files: ['a', 'a'].map((name) => ({ name, bytes: new Uint8Array() })) }],
    [{ subject: { lab: '', volume: 'v', snapshot: { guid: 'g', takenAt: 1 } } }],
  ])('that cannot be one is refused before anything is stored: %j', async (wrong) => {
    const objects = new SimObjects();
    const repository = await begin(objects.store());
    const before = objects.keys();
    const asked = backup(repository, { ...requestOf('one', bytesOf(1, 100)), ...wrong }, signal);
    await expect(asked).rejects.toMatchObject({ code: 'INVALID', hint: expect.any(String) });
    expect(objects.keys()).toEqual(before);
  });

  test('that is cancelled, or whose volume cannot be read, is none, and goes on where it was', async () => {
    const objects = new SimObjects();
    const repository = await begin(objects.store());
    const bytes = bytesOf(1, 60_000);
    const cancel = new AbortController();
    const stopping = backup(repository, requestOf('one', bytes), cancel.signal, ({ readBytes }) => {
      if (readBytes > 40_000) cancel.abort();
    });
    await expect(stopping).rejects.toMatchObject({ code: 'ABORTED' });
    const broken = { ...requestOf('one', bytes), content: refusing() };
    await expect(backup(repository, broken, signal)).rejects.toMatchObject({ code: 'FAILED' });
    expect((await listBackups(repository, signal)).manifests).toEqual([]);
    expect(objects.keys('locks/')).toEqual([]);
    const stored = objects.keys('packs/').length;
    expect(stored).toBeGreaterThan(3);
    const done = await backUp(repository, 'one', bytes);
    // What the first attempt had stored is not stored again.
    expect(done.added.plainBytes).toBeLessThan(35_000);
    expect((await restored(repository, 'one')).equals(bytes)).toBe(true);
    expect(await check(repository, all, signal)).toMatchObject({ isWhole: true, unindexed: 0 });
  });

  test('names and sizes tell nothing: equal content in two repositories has other names and other cuts', async () => {
    const [a, b] = [new SimObjects(), new SimObjects()];
    for (const objects of [a, b]) await backUp(await begin(objects.store()), 'one', bytesOf(1, 30_000));
    const names = (objects: SimObjects) => new Set(objects.keys('packs/'));
    expect([...names(a)].filter((name) => names(b).has(name))).toEqual([]);
    const text = a
      .keys()
      .map((key) => Buffer.from(a.bytesOf(key) ?? []).toString('latin1'))
      .join('');
    expect(text).not.toContain('photos');
    expect(text).not.toContain(Buffer.from(bytesOf(1, 30_000).subarray(0, 16)).toString('latin1'));
  });
});

describe('one path of a backup', () => {
  const long = `${'a-long-folder-name/'.repeat(10)}file`;
  const entries = [
    { name: './', type: 'directory' as const },
    { name: './a/', type: 'directory' as const },
    { name: './a/one', bytes: bytesOf(1, 3000) },
    { name: './a/empty' },
    { name: './b', bytes: bytesOf(2, 1000) },
    { name: './c', type: 'link' as const, linkname: './a/one' },
    { name: `./${long}`, bytes: bytesOf(3, 700) },
    { name: './ü/ß', bytes: bytesOf(4, 513) },
    { name: './link', type: 'symlink' as const, linkname: 'a/one' },
    { name: './ab', bytes: bytesOf(5, 100) },
  ];
  const taken = async (path: string): Promise<readonly (typeof entries)[number][]> => {
    const repository = await begin(new SimObjects().store());
    await backUp(repository, 'one', await tarOf(entries));
    const found = await collect((await openBackup(repository, 'one', signal)).path(path));
    return entries.filter(({ name }) => found.includes(name.length > 100 ? name.slice(-90) : name));
  };

  test.each([
    ['', entries],
    ['a', entries.slice(1, 4)],
    ['b', entries.slice(4, 5)],
    ['a/one', entries.slice(2, 3)],
    [long, entries.slice(6, 7)],
    ['ü/ß', entries.slice(7, 8)],
  ])('%s is a tar of it and of what is below', async (path, expected) => {
    const repository = await begin(new SimObjects().store());
    await backUp(repository, 'one', await tarOf(entries));
    const found = await collect((await openBackup(repository, 'one', signal)).path(path));
    expect(found.equals(await tarOf(expected))).toBe(true);
  });

  test('that is a hard link brings along what it shares', async () => {
    expect((await taken('c')).map(({ name }) => name)).toContain('./a/one');
  });

  test('that is not there is said to be missing', async () => {
    const repository = await begin(new SimObjects().store());
    await backUp(repository, 'one', await tarOf(entries));
    const opened = await openBackup(repository, 'one', signal);
    await expect(collect(opened.path('a/on'))).rejects.toMatchObject({ code: 'MISSING' });
    await expect(collect(opened.path('../x'))).rejects.toMatchObject({ code: 'INVALID' });
    const names = [];
    for await (const { path } of opened.entries()) names.push(path);
    expect(names).toEqual(entries.map(({ name }) => name.replace(/^\.\/|\/$/g, '').replace(/\/$/, '')));
  });

  test('asks for a tar: what is none can be restored as a whole', async () => {
    const repository = await begin(new SimObjects().store());
    await backUp(repository, 'one', bytesOf(1, 3000));
    const opened = await openBackup(repository, 'one', signal);
    await expect(collect(opened.path('a'))).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });
});

describe('a repository', () => {
  test('belongs to one key: another lab is refused, and changes nothing', async () => {
    const objects = new SimObjects();
    await backUp(await begin(objects.store()), 'one', bytesOf(1, 3000));
    const before = objects.keys();
    const key = new Uint8Array(32).fill(8);
    const refused = { code: 'PERMISSION', hint: expect.stringContaining('another folder') };
    await expect(begin(objects.store(), { key })).rejects.toMatchObject(refused);
    await expect(reopen(objects.store(), { key })).rejects.toMatchObject(refused);
    await expect(reopen(objects.store(), { key: labKey.subarray(1) })).rejects.toMatchObject({ code: 'INVALID' });
    expect(objects.keys()).toEqual(before);
  });

  test('is shared by labs that have the same key; each keeps by itself', async () => {
    const repository = await begin(new SimObjects().store());
    const day = 86_400_000;
    for (const [at, lab] of ['lab-1', 'lab-1', 'lab-2'].entries()) {
      const request = requestOf(`b${at}`, bytesOf(1, 2000), at * day);
      await backup(repository, { ...request, subject: { ...request.subject, lab } }, signal);
    }
    const { manifests } = await listBackups(repository, signal);
    const rules = parseKeep('last:1');
    if (typeof rules === 'string') throw new Error(rules);
    const kept = decideBackups(manifests, rules, 10 * day).filter(({ keep }) => keep);
    expect(kept.map(({ id }) => id)).toEqual(['b1', 'b2']);
    const held = decideBackups(manifests, rules, 10 * day, new Map([['b0', 'held']]));
    expect(held.find(({ id }) => id === 'b0')).toMatchObject({ keep: true, reason: 'held' });
  });

  test('where there is none says so, and one without its head is not begun anew', async () => {
    const objects = new SimObjects();
    await expect(reopen(objects.store())).rejects.toMatchObject({ code: 'MISSING' });
    await backUp(await begin(objects.store()), 'one', bytesOf(1, 3000));
    for (const key of ['config', 'config.copy']) objects.lose(key);
    await expect(begin(objects.store())).rejects.toMatchObject({ code: 'DAMAGED' });
  });

  test('that several begin at once is one', async () => {
    const objects = new SimObjects();
    const several = await Promise.all([1, 2, 3].map(() => begin(objects.store())));
    const ids = new Set(several.map(({ keys }) => Buffer.from(keys.repository).toString('hex')));
    expect(ids.size).toBe(1);
  });

  test('forgets backups, and prunes what only they needed', async () => {
    const objects = new SimObjects();
    const repository = await begin(objects.store());
    const [shared, a, b] = [bytesOf(1, 30_000), bytesOf(2, 30_000), bytesOf(3, 30_000)];
    await backUp(repository, 'a', Buffer.concat([shared, a]));
    await backUp(repository, 'b', Buffer.concat([shared, b]));
    const sizeOf = () => objects.keys('packs/').reduce((sum, key) => sum + (objects.bytesOf(key)?.length ?? 0), 0);
    const before = sizeOf();
    expect(await prune(repository, { graceMs: 0 }, signal)).toMatchObject({ deletedPacks: 0, waitingPacks: 0 });
    await forget(repository, ['a', 'not-there'], signal);
    await prune(repository, { graceMs: 0 }, signal);
    expect(sizeOf()).toBeLessThan(before - 25_000);
    expect((await restored(repository, 'b')).equals(Buffer.concat([shared, b]))).toBe(true);
    expect(await check(repository, all, signal)).toMatchObject({ isWhole: true, damaged: [], unindexed: 0 });
    await forget(repository, ['b'], signal);
    await prune(repository, { graceMs: 0 }, signal);
    expect(objects.keys()).toEqual(['config', 'config.copy']);
  });

  test('waits the grace time before it deletes, by the clock of the store', async () => {
    const objects = new SimObjects();
    const repository = await begin(objects.store());
    await backUp(repository, 'a', bytesOf(1, 30_000));
    await forget(repository, ['a'], signal);
    const packs = objects.keys('packs/');
    expect(await prune(repository, {}, signal)).toMatchObject({ deletedPacks: 0, waitingPacks: packs.length });
    expect(objects.keys('packs/')).toEqual(packs);
    // Meanwhile what is marked is not relied on.
    await backUp(repository, 'b', bytesOf(1, 30_000));
    objects.nowMs += 2 * 3_600_000;
    expect(await prune(repository, {}, signal)).toMatchObject({ deletedPacks: packs.length });
    expect((await restored(repository, 'b')).equals(bytesOf(1, 30_000))).toBe(true);
  });
});

async function* refusing(): AsyncGenerator<Uint8Array> {
  yield* [];
  throw new Error('the volume cannot be read');
}
