/** The folder of a backup target, as another node of the lab uses it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { remoteStores } from '#io/lab/remote-stores.ts';
import { TestLab } from '#test/actors/test-lab.ts';
import { objectStoreContract } from '#test/contracts/object-store.ts';
import { MemoryOthers } from './memory-others.ts';

const { signal } = new AbortController();

async function twoNodes() {
  const folder = await mkdtemp(join(tmpdir(), 'floatlab-remote-store-'));
  const lab = TestLab.ready();
  lab.join('vega');
  lab.must('add-backup-target', { name: 'usb', store: { kind: 'directory', path: folder, node: 'atlas' } });
  const network = new Map<string, MemoryOthers>();
  const storeOf = (name: string) =>
    remoteStores({
      lab: lab.lab,
      others: new MemoryOthers(name, network, () => false),
      volumes: { mount: () => Promise.reject(new Error('there is no pool')) },
    });
  storeOf('atlas');
  const open = storeOf('vega');
  return { folder, lab, open };
}

objectStoreContract('a folder of another node', async () => {
  const { folder, open } = await twoNodes();
  return { store: open('node:atlas', 'usb', folder), dispose: () => rm(folder, { recursive: true }) };
});

describe('a folder of another node', () => {
  test('is one of a target that the lab has, and no other one', async () => {
    const { folder, open } = await twoNodes();
    const strange = open('node:atlas', 'etc', '/etc');
    await expect(strange.get('passwd', signal)).rejects.toMatchObject({ code: 'MISSING' });
    await expect(strange.put('passwd', new Uint8Array(3), signal)).rejects.toThrow();
    await rm(folder, { recursive: true });
  });

  test('that is not there is said in the words of its own node', async () => {
    const { folder, open } = await twoNodes();
    await rm(folder, { recursive: true });
    await expect(open('node:atlas', 'usb', folder).head('config', signal)).rejects.toMatchObject({
      code: 'POOL_MISSING',
    });
  });
});
