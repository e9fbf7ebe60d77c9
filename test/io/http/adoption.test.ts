/** What runs on a node beside the lab, over HTTP: found by the node's name, never kept, and refused in words. */
import { expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import type { NodeAdoption } from '#io/lab/port.ts';
import { FakeLab } from './fake-lab.ts';
import { send, startServer } from './test-server.ts';

const away = new IoError('ENGINE_UNREACHABLE', { op: 'look', target: 'atlas', message: 'Its engine is away.' });
const gone = new IoError('MISSING', { op: 'plan', target: 'none', message: 'Nothing called none runs on atlas.' });

async function start(adoption: Partial<NodeAdoption>) {
  const lab = new FakeLab();
  lab.commit({ nodes: { put: { 'node:n1': { id: 'node:n1', name: 'atlas', state: 'up' } } } });
  return startServer({ lab, adoption: adoption as NodeAdoption });
}

test('projects of a node are asked of that node, by its name or its id, and no cache keeps them', async () => {
  const asked: string[] = [];
  const { api, url } = await start({
    projects: (node) => {
      asked.push(node);
      return Promise.resolve({ items: [] });
    },
  });
  for (const name of ['atlas', 'n1'])
    expect(await api(`/api/v1/nodes/${name}/projects`)).toMatchObject({
      status: 200,
      json: { items: [] },
      headers: { 'cache-control': 'no-store' },
    });
  expect(asked).toEqual(['node:n1', 'node:n1']);
  expect(await api('/api/v1/nodes/none/projects')).toMatchObject({ status: 404 });
  expect(await send(`${url}/api/v1/nodes/atlas/projects`)).toMatchObject({ status: 401 });
});

test('a plan that cannot be made says why: nothing of that name, an engine that is away', async () => {
  const { api } = await start({ plan: (_, project) => Promise.reject(project === 'none' ? gone : away) });
  expect(await api('/api/v1/nodes/atlas/projects/none/plan')).toMatchObject({
    status: 404,
    json: { detail: expect.stringContaining('Nothing called none') as string },
  });
  const { status, json } = await api('/api/v1/nodes/atlas/projects/shop/plan');
  expect(status).toBeGreaterThanOrEqual(500);
  expect(json).toMatchObject({ detail: expect.stringContaining('away') as string });
});
