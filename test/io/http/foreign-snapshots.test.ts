/** Snapshots of other tools over HTTP: as the node of the volume says, and nothing of what is not there. */
import { describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import { fakeFiles, labWithVolume } from './fake-files.ts';
import { send, startServer } from './test-server.ts';

const path = '/api/v1/volumes/default/data/foreign-snapshots';

const started = async () => {
  const files = fakeFiles();
  return { files, ...(await startServer({ lab: labWithVolume(), files })) };
};

describe('snapshots of other tools', () => {
  test('are told as the node of the volume sees them', async () => {
    const { api, files } = await started();
    expect(await api(path)).toMatchObject({ status: 200, json: { items: [], truncated: false } });
    files.foreign = { items: [{ name: 'autosnap_1', takenAt: 5, exclusiveBytes: null }], truncated: true };
    const { json, headers } = await api(path);
    expect(json).toEqual(files.foreign);
    expect(headers['cache-control']).toBe('no-store');
  });

  test('are unknown, and not none, where the node does not answer; of no volume there are none to ask for', async () => {
    const { api, files } = await started();
    files.foreignSnapshots = () =>
      Promise.reject(new IoError('ENGINE_UNREACHABLE', { op: 'read', target: 'data', message: 'Vega is down.' }));
    expect(await api(path)).toMatchObject({ status: 503, json: { detail: 'Vega is down.' } });
    expect((await api(path.replace('data', 'none'))).status).toBe(404);
    expect((await api(`${path}?all=1`)).status).toBe(400);
  });

  test('cannot be changed: there is nothing but to read them, for who is signed in', async () => {
    const { api, url } = await started();
    for (const method of ['POST', 'PATCH', 'DELETE']) expect((await api(path, { method })).status).toBe(404);
    expect((await send(`${url}${path}`)).status).toBe(401);
  });
});
