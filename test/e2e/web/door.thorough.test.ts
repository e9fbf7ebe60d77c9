/** The web app in a real browser, against a lab in memory: who gets in, and who is shown the door again. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { password, send, startServer, until } from '#test/io/http/test-server.ts';
import { go } from '../browser.ts';
import { FakeBackend } from '../fake-backend.ts';
import { busyLab } from '../seed.ts';
import { describeWeb, heading, patience, row, shown } from './harness.ts';

describeWeb(({ after, open, stranger }) => {
  it('lets in with the right password only, and leads on to where one wanted to go', async () => {
    const backend = await FakeBackend.start(busyLab());
    after(() => backend.stop());
    const { page } = await stranger();
    await go(page, `${backend.url}/volumes`);
    await page.getByLabel('Password', { exact: true }).fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await shown(page, 'Name or password is wrong.');
    await page.getByLabel('Password', { exact: true }).fill('correct horse');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await heading(page, 'Volumes').waitFor(patience);
    expect(new URL(page.url()).pathname).toBe('/volumes');
    // And out again.
    await page.getByRole('button', { name: 'Signed in as admin' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await heading(page, 'Sign in to FloatLab').waitFor(patience);
  });

  it('is opened by cookie and key together: other ports get the cookie, and nothing opens for them', async () => {
    // The daemon's own server, and an app that somebody has published on another port of the same host.
    const server = await startServer({ webRoot: join(import.meta.dirname, '../../../dist/web') });
    const gotten: (string | undefined)[] = [];
    const app = createServer((request, response) => {
      gotten.push(request.headers.cookie);
      response.setHeader('content-type', 'text/html').end('<h1>An app</h1>');
    }).listen(0, '127.0.0.1');
    await once(app, 'listening');
    after(async () => void app.close());
    const { page } = await stranger();

    await go(page, `${server.url}/apps`);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await shown(page, 'Your first app');
    await page.getByRole('button', { name: 'Signed in as admin' }).waitFor(patience);
    server.lab.commit({});
    await page.getByRole('status', { name: 'connected, event 1' }).waitFor(patience);
    // A reload stays, and so does another tab.
    await go(page, `${server.url}/volumes`);
    await shown(page, 'No data yet');
    const tab = await page.context().newPage();
    await go(tab, `${server.url}/nodes`);
    await heading(tab, 'Nodes').waitFor(patience);

    const other = await page.context().newPage();
    await other.goto(`http://127.0.0.1:${(app.address() as AddressInfo).port}/`);
    const stolen = gotten.find((cookie) => cookie?.includes('floatlab_session'));
    expect(stolen, 'browsers send it to every port').toBeDefined();
    const token = stolen?.split('=')[1] ?? '';
    for (const headers of [{ cookie: stolen ?? '' }, { authorization: `Bearer ${token}` }]) {
      expect((await send(`${server.url}/api/v1/apps`, { headers })).status).toBe(401);
    }
    expect(await other.evaluate(() => localStorage.getItem('floatlab.page-key'))).toBeNull();

    // Signed out in one tab is signed out in the other, at once.
    await page.getByRole('button', { name: 'Signed in as admin' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await heading(page, 'Sign in to FloatLab').waitFor(patience);
    await heading(tab, 'Sign in to FloatLab').waitFor(patience);
    // And signed in again in both; without its key the page stands before the door.
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await heading(tab, 'Nodes').waitFor(patience);
    await tab.evaluate(() => localStorage.clear());
    await tab.reload();
    await heading(tab, 'Sign in to FloatLab').waitFor(patience);
  });

  it('goes on in this tab and others when the password is changed', async () => {
    const server = await startServer({ webRoot: join(import.meta.dirname, '../../../dist/web') });
    const { page } = await stranger();
    await go(page, `${server.url}/apps`);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await shown(page, 'Your first app');
    const tab = await page.context().newPage();
    await go(tab, `${server.url}/apps`);
    await shown(tab, 'Your first app');
    await page.getByRole('button', { name: 'Change it' }).click();
    await page.getByLabel('Current password').fill(password);
    await page.getByLabel('New password').fill('another long password');
    await page.getByRole('button', { name: 'Change password' }).click();
    await shown(page, 'Your password was changed.');
    // Live again on both, by the new session.
    server.lab.commit({});
    for (const one of [page, tab]) await one.getByRole('status', { name: 'connected, event 1' }).waitFor(patience);
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('is connected again by itself when its connection was refused although the session goes on', async () => {
    const server = await startServer({ webRoot: join(import.meta.dirname, '../../../dist/web') });
    const { page } = await stranger();
    let isRefused = false;
    await page.routeWebSocket('**/api/v1/live', (socket) => {
      socket.connectToServer();
      if (isRefused) return;
      isRefused = true;
      setTimeout(() => void socket.close({ code: 4401, reason: 'The session has ended: sign in again.' }), 300);
    });
    await go(page, `${server.url}/apps`);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await shown(page, 'Your first app');
    await until(() => isRefused, 'the connection');
    await new Promise((resolve) => setTimeout(resolve, 500));
    server.lab.commit({});
    await page.getByRole('status', { name: 'connected, event 1' }).waitFor(patience);
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('asks to change the first password, and stops asking when it is changed', async () => {
    const { page, backend } = await open('/', busyLab(), { initialPassword: true });
    await page.getByRole('button', { name: 'Change it' }).click();
    await page.getByLabel('Current password').fill('nonsense');
    await page.getByLabel('New password').fill('short');
    await shown(page, '5 more characters');
    await page.getByLabel('New password').fill('a longer password');
    await page.getByRole('button', { name: 'Change password' }).click();
    await shown(page, 'That is not the current password.');
    await page.getByLabel('Current password').fill('correct horse');
    await page.getByRole('button', { name: 'Change password' }).click();
    await shown(page, 'Your password was changed.');
    await page.getByText('still the one that the first start printed').waitFor({ state: 'detached' });
    expect(backend.password).toBe('a longer password');
  });

  it('shows the door when the session has ended elsewhere', async () => {
    const { page, backend } = await open('/apps');
    await row(page, 'photos').waitFor(patience);
    backend.signOutAll();
    await heading(page, 'Sign in to FloatLab').waitFor(patience);
  });
});
