/** The command line on logins of registries: passwords come in by stdin or a question, and never by an argument. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RegistryRow } from '#projections/views/registries.ts';
import { FakeServer } from './fake-server.ts';
import { hourMs, lines, now, run, type Run, type Setting } from './test-world.ts';

let lab: FakeServer;
beforeAll(async () => {
  lab = await FakeServer.start();
});
afterAll(() => lab.stop());
beforeEach(() => lab.forget());

const floatlab = (command: string, setting: Setting = {}): Promise<Run> =>
  run(command.split(' '), { server: lab.url, ...setting });

describe('floatlab registry', () => {
  test('login gives the lab what was piped in, under the usual name of the registry', async () => {
    lab.command('PUT /api/v1/registries/ghcr.io');
    const login = 'registry login https://GHCR.io/ -u ada --password-stdin';
    const { code, out, err } = await floatlab(login, { stdin: 'secret\n' });
    expect(err).toBe('Images of ghcr.io are pulled as ada.\n');
    expect([code, out]).toEqual([0, '']);
    expect(lab.heard[0]?.body).toEqual({ username: 'ada', password: 'secret' });
  });

  test('login without a registry is one at Docker Hub', async () => {
    lab.command('PUT /api/v1/registries/docker.io');
    expect(await floatlab('registry login -u ada --password-stdin', { stdin: 'secret' })).toMatchObject({ code: 0 });
  });

  test.each([
    ['registry login team -u ada --password-stdin', 'is not a registry'],
    ['registry login ghcr.io --password-stdin', 'needs --username'],
    ['registry login ghcr.io -u ada', '--password-stdin'],
  ])('%s is refused, and nothing is sent', async (command, words) => {
    const { code, err } = await floatlab(command, { stdin: 'secret' });
    expect(code).toBe(2);
    expect(err).toContain(words);
    expect(lab.heard).toEqual([]);
  });

  test('login with an empty password is refused', async () => {
    const { code, err } = await floatlab('registry login ghcr.io -u ada --password-stdin', { stdin: '' });
    expect(code).toBe(2);
    expect(err).toContain('No password was piped in');
  });

  test('ls shows who pulls where, and logout forgets it', async () => {
    const row: RegistryRow = { id: 'ghcr.io', username: 'ada', since: now - hourMs };
    lab.on('GET /api/v1/registries', { json: { items: [row], index: 1 } });
    expect(lines((await floatlab('registry ls')).out)[1]).toMatch(/^ghcr\.io +ada +1 h ago$/);
    lab.command('DELETE /api/v1/registries/ghcr.io');
    expect(await floatlab('registry logout ghcr.io')).toMatchObject({
      code: 0,
      err: 'The login of ghcr.io is forgotten.\n',
    });
  });
});
