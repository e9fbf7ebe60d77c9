/** What going back to a snapshot would leave behind, over HTTP; nothing is done by asking. */
import { describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import { snapshotRow, volumeRow } from '#test/ui/cli/sample-rows.ts';
import { fakeFiles } from './fake-files.ts';
import { startServer } from './test-server.ts';

const path = '/api/v1/volumes/default/photos-db/rollback?snapshot=';

/** The volume went back to `monday` once, past `tuesday`. */
async function wentBack() {
  const files = fakeFiles();
  const server = await startServer({ files });
  const rows = [
    snapshotRow('monday', { requestedAt: 10, takenAt: 10, lineage: 1 }),
    snapshotRow('tuesday', { requestedAt: 20, takenAt: 20, lineage: 1 }),
    snapshotRow('friday', { requestedAt: 40, takenAt: 40, lineage: 2 }),
  ];
  const lineages = [
    { id: 1, parent: null, openedAt: null },
    { id: 2, parent: { lineage: 1, asOf: 10 }, openedAt: 30 },
  ];
  server.lab.commit({
    volumes: { put: { 'volume:photos-db': volumeRow('photos-db', { lineages }) } },
    snapshots: { put: Object.fromEntries(rows.map((row) => [row.id, row])) },
  });
  return { files, ...server };
}

describe('a look at a roll-back', () => {
  test('says how much was written since the snapshot', async () => {
    const { api } = await wentBack();
    expect((await api(`${path}monday`)).json).toMatchObject({ writtenBytes: 4096, newer: [{ snapshot: 'friday' }] });
  });

  test('says nothing of that, and not zero, where nobody knows: in a line that was left, where it is not counted, and of a node that is away', async () => {
    const { api, files } = await wentBack();
    expect((await api(`${path}tuesday`)).json).not.toHaveProperty('writtenBytes');
    files.writtenBytes = undefined;
    expect((await api(`${path}friday`)).json).not.toHaveProperty('writtenBytes');
    files.written = () =>
      Promise.reject(new IoError('ENGINE_UNREACHABLE', { op: 'read', target: 'data', message: 'Vega is down.' }));
    expect((await api(`${path}friday`)).json).toMatchObject({ snapshot: 'friday' });
    expect((await api(`${path}none`)).status).toBe(404);
  });
});
