import { describe, expect, test } from 'vitest';
import type { Simulation } from '#io/http/routes/simulation.ts';
import { send, startServer } from './test-server.ts';

const machines = '/api/v1/simulation/machines';

function fakeSimulation(): Simulation & { readonly asked: string[] } {
  const asked: string[] = [];
  const isOff = new Set<string>();
  return {
    asked,
    machines: () => ['atlas', 'vega'].map((name) => ({ name, power: isOff.has(name) ? 'off' : 'on' })),
    setPower: (name, power) => {
      asked.push(`${name} ${power}`);
      if (power === 'off') isOff.add(name);
      else isOff.delete(name);
      return Promise.resolve();
    },
  };
}

describe('a simulated lab', () => {
  test('says that it is, and lets a person take the power of a machine away and give it back', async () => {
    const simulation = fakeSimulation();
    const { api } = await startServer({ simulation });
    expect((await api('/api/v1/session')).json).toMatchObject({ simulated: true });
    const put = (name: string, body: unknown) => api(`${machines}/${name}/power`, { method: 'PUT', body });
    expect((await put('vega', { power: 'off' })).json).toEqual({ name: 'vega', power: 'off' });
    expect((await api(machines)).json).toEqual({
      items: [
        { name: 'atlas', power: 'on' },
        { name: 'vega', power: 'off' },
      ],
    });
    expect((await put('vega', { power: 'on' })).status).toBe(200);
    expect(simulation.asked).toEqual(['vega off', 'vega on']);
    expect((await put('rigel', { power: 'off' })).status).toBe(404);
    expect((await put('vega', { power: 'low' })).status).toBe(400);
  });

  test('does so for those who are signed in only', async () => {
    const { url } = await startServer({ simulation: fakeSimulation() });
    const body = { power: 'off' };
    expect((await send(`${url}${machines}/vega/power`, { method: 'PUT', body })).status).toBe(401);
  });
});

test('a real lab has no power to take away', async () => {
  const { api } = await startServer();
  expect((await api('/api/v1/session')).json).not.toHaveProperty('simulated');
  const body = { power: 'off' };
  const answer = await api(`${machines}/atlas/power`, { method: 'PUT', body });
  expect(answer.json).toMatchObject({ status: 404, code: 'NO_SUCH_ROUTE', detail: expect.stringContaining('is real') });
  expect((await api(machines)).status).toBe(404);
});
