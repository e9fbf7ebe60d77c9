/** A place that one lab lends to another: over https, with a token that opens it and nothing else. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backup } from '#io/devices/backup/backup.ts';
import { openDirStore } from '#io/devices/backup/store/dir.ts';
import { openLabStore } from '#io/devices/backup/store/lab.ts';
import type { ObjectStore, StoredObject } from '#io/devices/backup/store/port.ts';
import { initRepository } from '#io/devices/backup/repository.ts';
import { verify } from '#io/devices/backup/verify.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { ensureServerCertificate, type ServerCertificate } from '#io/http/tls.ts';
import { vaults } from '#io/lab/vaults.ts';
import { TestLab } from '#test/actors/test-lab.ts';
import { objectStoreContract } from '#test/contracts/object-store.ts';
import { send, startServer } from './test-server.ts';

const none = () => Promise.reject(new Error('there are none'));
const noBackupFiles = { app: none, list: none, pack: none };
const { signal } = new AbortController();
const MiB = 2 ** 20;
const token = 'the-token-of-the-attic';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let dir: string;
let tls: ServerCertificate;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'floatlab-vault-tls-'));
  tls = await ensureServerCertificate({ dir, names: ['localhost'], addresses: ['127.0.0.1'], clock: realClock });
});
afterAll(() => rm(dir, { recursive: true }));

async function lent(more: { quotaBytes?: number; appendOnly?: boolean } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'floatlab-vault-'));
  const lab = TestLab.ready();
  lab.must('add-backup-target', {
    name: 'attic',
    store: { kind: 'directory', path: folder, node: 'atlas' },
    lent: {
      tokenHash: createHash('sha256').update(token).digest('hex'),
      ...{ quotaBytes: 64 * MiB, appendOnly: false },
      ...more,
    },
  });
  const place = { place: (_: unknown, callSignal: AbortSignal) => openDirStore(folder, callSignal) };
  const backups = {
    files: noBackupFiles,
    vaults: vaults({ lab: lab.lab, backups: place, clock: realClock }),
  };
  const { url } = await startServer({ tls, backups, listen: [{ host: '0.0.0.0', port: 0 }], names: ['localhost'] });
  const endpoint = `https://127.0.0.1:${new URL(url).port}`;
  const fingerprint = tls.fingerprint.replaceAll(':', '').toLowerCase();
  const open = (other: Partial<Parameters<typeof openLabStore>[0]> = {}) =>
    openLabStore(
      { ...{ endpoint, fingerprint, vault: 'attic', token }, ...other },
      { clock: realClock, random: realRandom, attempts: 2, pauseMs: 1 },
      signal,
    );
  return { folder, lab, endpoint, open, dispose: () => rm(folder, { recursive: true, force: true }) };
}

/** Only what a repository is made of is let in: whatever the contract puts is put below one of its folders. */
function within(store: ObjectStore, folder: string): ObjectStore {
  const bare = (found: StoredObject): StoredObject => ({ ...found, key: found.key.slice(folder.length) });
  return {
    where: store.where,
    put: (key, content, of) => store.put(folder + key, content, of),
    get: (key, of, range) => store.get(folder + key, of, range),
    head: async (key, of) => {
      const found = await store.head(folder + key, of);
      return found && bare(found);
    },
    list: async function* (prefix, of) {
      for await (const found of store.list(folder + prefix, of)) yield bare(found);
    },
    delete: (key, of) => store.delete(folder + key, of),
  };
}

objectStoreContract('a place that another lab lends', async () => {
  const { open, dispose } = await lent();
  return { store: within(await open(), 'packs/'), dispose };
});

describe('a place that another lab lends', () => {
  test.each([false, true])(
    'keeps a backup, which can be read back from there (append-only: %s)',
    async (appendOnly) => {
      const { open, folder, dispose } = await lent({ appendOnly });
      const options = {
        store: await open(),
        clock: realClock,
        random: realRandom,
        by: 'vega',
        key: new Uint8Array(32),
      };
      const repository = await initRepository(options, signal);
      const content = (async function* () {
        yield Buffer.alloc(3 * MiB, 'floatlab');
      })();
      const subject = { lab: 'home/1', volume: 'default/photos', snapshot: { guid: 'g', name: 's', takenAt: 1 } };
      await backup(repository, { id: 'one', subject, startedAt: 1, content, files: [] }, signal);
      expect(await verify(repository, 'one', { data: 'all' }, signal)).toMatchObject({ isWhole: true });
      expect((await readdir(folder)).toSorted()).toEqual(
        expect.arrayContaining(['config', 'config.copy', 'index', 'manifests', 'packs']),
      );
      await dispose();
    },
  );

  test('opens to its token alone, and shows a session, another name or another folder nothing', async () => {
    const { open, endpoint, folder, dispose } = await lent();
    await writeFile(join(folder, 'private.txt'), 'not of a backup');
    const wrong = await open({ token: 'another' });
    await expect(wrong.put('packs/a', bytes('x'), signal)).rejects.toMatchObject({ code: 'PERMISSION' });
    const elsewhere = await open({ vault: 'cellar' });
    await expect(elsewhere.head('config', signal)).rejects.toMatchObject({ code: 'PERMISSION' });
    const mine = await open();
    await expect(mine.get('private.txt', signal)).rejects.toMatchObject({ code: 'INVALID' });
    const listed = [];
    for await (const { key } of mine.list('', signal)) listed.push(key);
    expect(listed).toEqual([]);
    const headers = { authorization: `Bearer ${token}` };
    for (const path of ['/api/v1/backup-targets', '/api/v1/nodes', '/api/v1/backup-kit'])
      expect((await send(`${endpoint}${path}`, { headers, ca: tls.caCert })).status).toBe(401);
    const outside = await send(`${endpoint}/api/v1/vaults/attic/object?key=../../etc/passwd`, {
      headers,
      ca: tls.caCert,
    });
    expect(outside.status).toBe(400);
    await dispose();
  });

  test('is not believed when another authority answers for it', async () => {
    const { open, dispose } = await lent();
    await expect(open({ fingerprint: 'ab'.repeat(32) })).rejects.toMatchObject({ code: 'PERMISSION' });
    await dispose();
  });

  test('holds its quota', async () => {
    const { open, dispose } = await lent({ quotaBytes: 16 * MiB });
    const store = await open();
    for (let n = 0; n < 4; n++) await store.put(`packs/p${n}`, Buffer.alloc(4 * MiB, n), signal);
    await expect(store.put('packs/more', bytes('x'), signal)).rejects.toMatchObject({ code: 'NO_SPACE' });
    await store.delete('packs/p0', signal);
    expect(await store.put('packs/more', bytes('x'), signal)).toBe('stored');
    await dispose();
  });

  test('that is append-only gives nothing away but locks, and takes what is new', async () => {
    const { open, dispose } = await lent({ appendOnly: true });
    const store = await open();
    await store.put('manifests/one', bytes('first'), signal);
    await expect(store.delete('manifests/one', signal)).rejects.toMatchObject({ code: 'PERMISSION' });
    expect(await store.put('manifests/one', bytes('spoiled'), signal)).toBe('exists');
    expect(Buffer.from(await store.get('manifests/one', signal)).toString()).toBe('first');
    await store.put('locks/a.1', bytes('1'), signal);
    await store.delete('locks/a.1', signal);
    await dispose();
  });

  test('is closed to the old token once there is a new one', async () => {
    const { open, lab, dispose } = await lent();
    const store = await open();
    await store.put('packs/a', bytes('x'), signal);
    const tokenHash = createHash('sha256').update('a-new-one').digest('hex');
    lab.must('change-backup-target', { name: 'attic', lent: { tokenHash } });
    await expect(store.head('packs/a', signal)).rejects.toMatchObject({ code: 'PERMISSION' });
    expect(await (await open({ token: 'a-new-one' })).head('packs/a', signal)).toMatchObject({ sizeBytes: 1 });
    await dispose();
  });
});
