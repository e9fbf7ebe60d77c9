/** The clients that the web app and the command line share, against the real server: both ends mean the same. */
import { describe, expect, test } from 'vitest';
import { openSocket } from '#ui/cli/connect/socket.ts';
import { ApiError } from '#ui/client/errors.ts';
import { liveUrl } from '#ui/client/live-ports.ts';
import { createLiveClient } from '#ui/client/live.ts';
import { createRestClient } from '#ui/client/rest.ts';
import { appRow, operationRow } from './fake-lab.ts';
import { password, startServer, until } from './test-server.ts';

describe('the shared clients', () => {
  test('sign in, read page after page, run commands, wait, and sign out', async () => {
    const { url, lab } = await startServer();
    const held: { token?: string | undefined } = {};
    const rest = createRestClient({ baseUrl: url, token: () => held.token });
    await expect(rest.whoami()).rejects.toMatchObject({ code: 'NOT_SIGNED_IN' });
    held.token = (await rest.signIn('admin', password)).token;
    expect(await rest.whoami()).toMatchObject({ name: 'admin' });

    lab.commit({ apps: { put: Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`app:${n}`, appRow(`n${n}`)])) } });
    const found: string[] = [];
    for await (const row of rest.listAll('apps', { limit: 2, filters: { state: 'running' } })) found.push(row.name);
    expect(found).toEqual(['n1', 'n2', 'n3', 'n4', 'n5']);
    expect((await rest.show('apps', { name: 'n3' })).id).toBe('app:n3');

    lab.onRun = ({ name }) => ({
      index: 1 as never,
      unchanged: false,
      operation: 'operation:x',
      events: [{ stream: 'app:1', type: 'app.started', data: {}, words: name }],
    });
    const answer = await rest.run('remove-app', { name: 'n1', withVolumes: true }, { idempotencyKey: 'k' });
    expect([answer.operation, lab.requests[0]?.input]).toEqual([
      'operation:x',
      { namespace: 'default', name: 'n1', withVolumes: true },
    ]);
    await rest.run('take-snapshot', { name: 'data', as: 'before' }, { dryRun: true });
    expect(lab.requests[1]).toMatchObject({
      input: { namespace: 'default', name: 'data', as: 'before' },
      dryRun: true,
    });

    lab.commit({ operations: { put: { 'operation:x': operationRow('x') } } });
    const waited = rest.waitOperation('operation:x');
    await new Promise((resolve) => setTimeout(resolve, 30));
    lab.commit({ operations: { put: { 'operation:x': operationRow('x', { state: 'failed' }) } } });
    expect((await waited).state).toBe('failed');
    expect((await rest.history('app:photos')).items.length).toBe(3);
    await rest.signOut();
    await expect(rest.whoami()).rejects.toBeInstanceOf(ApiError);
  });

  test('follow views through a lost connection, and learn that the session is over', async () => {
    const { url, lab, token, api } = await startServer();
    const held = await token();
    const sockets: { drop(): void }[] = [];
    const client = createLiveClient({
      url: liveUrl(url),
      connect: (to) => {
        const socket = openSocket(to, { token: held, ca: undefined });
        sockets.push({ drop: () => socket.close() });
        return socket;
      },
    });
    const { rows } = client.rows('apps', { where: { state: 'running' } });
    lab.commit({ apps: { put: { 'app:a': appRow('a'), 'app:b': appRow('b', { state: 'failed' }) } } });
    await until(() => rows.size === 1 && client.status().state === 'open');
    sockets[0]?.drop();
    lab.commit({ apps: { put: { 'app:b': appRow('b') }, del: ['app:a'] } });
    await until(() => sockets.length === 2 && rows.keys().join() === 'app:b', 'resuming');
    expect(rows.index).toBe(2);
    await api('/api/v1/session', { method: 'DELETE' });
    await until(() => client.status().state === 'closed');
    expect(client.status().problem?.code).toBe('NOT_SIGNED_IN');
  });

  test('go on under another session when the password was changed and they try again', async () => {
    const { url, lab } = await startServer();
    const held: { token?: string | undefined } = {};
    const rest = createRestClient({ baseUrl: url, token: () => held.token });
    held.token = (await rest.signIn('admin', password)).token;
    const client = createLiveClient({
      url: liveUrl(url),
      connect: (to) => openSocket(to, { token: held.token ?? '', ca: undefined }),
    });
    const { rows } = client.rows('apps');
    lab.commit({ apps: { put: { 'app:a': appRow('a') } } });
    await until(() => rows.size === 1);
    held.token = (await rest.changePassword(password, 'another long password')).token;
    await until(() => client.status().state === 'closed');
    lab.commit({ apps: { put: { 'app:b': appRow('b') } } });
    client.retryNow();
    await until(() => rows.size === 2 && client.status().state === 'open', 'going on');
    client.close();
  });

  test('learn that a token is not good before anything is followed', async () => {
    const { url } = await startServer();
    const client = createLiveClient({
      url: liveUrl(url),
      connect: (to) => openSocket(to, { token: 'old', ca: undefined }),
    });
    await until(() => client.status().state === 'closed');
    expect(client.status().problem?.code).toBe('NOT_SIGNED_IN');
  });
});
