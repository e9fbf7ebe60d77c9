/** The web app in a real browser, against a lab in memory: every screen, what it shows, and what one can do there. */
import { once } from 'node:events';
import { writeFile, mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { password, send, startServer, until } from '#test/io/http/test-server.ts';
import { describeReal } from '#test/real.ts';
import {
  accessibilityProblems,
  chromiumPath,
  go,
  hasChromium,
  launch,
  visit,
  type Visit,
  type VisitOptions,
} from './browser.ts';
import { builtWeb } from './built-web.ts';
import { FakeBackend } from './fake-backend.ts';
import type { FakeLab } from './fake-lab.ts';
import { busyLab, emptyLab } from './seed.ts';

const patience = { timeout: 8000 };

describeReal('the web app', hasChromium ? undefined : chromiumPath, () => {
  let browser: Browser;
  const cleanups: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    await builtWeb();
    browser = await launch();
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  });

  interface Opened extends Visit {
    readonly backend: FakeBackend;
    readonly lab: FakeLab;
  }

  /** A browser that is signed in and stands at an address of a lab of its own. */
  async function open(
    path: string,
    lab: FakeLab = busyLab(),
    options: VisitOptions & { initialPassword?: boolean; simulated?: readonly string[] } = {},
  ): Promise<Opened> {
    const backend = await FakeBackend.start(lab, { initialPassword: options.initialPassword ?? false });
    if (options.simulated) backend.power = new Map(options.simulated.map((name) => [name, 'on']));
    cleanups.push(() => backend.stop());
    const { cookie, key } = backend.signedIn();
    const visited = await visit(browser, { cookie, ...options });
    cleanups.push(() => visited.close());
    await visited.page.addInitScript((value) => {
      if (localStorage.getItem('floatlab.page-key') === null) localStorage.setItem('floatlab.page-key', value);
    }, key);
    await go(visited.page, backend.url + path);
    return { ...visited, backend, lab };
  }

  const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true });
  const row = (page: Page, text: string) => page.getByRole('row').filter({ hasText: text });
  const shown = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor(patience);

  it('lets in with the right password only, and leads on to where one wanted to go', async () => {
    const backend = await FakeBackend.start(busyLab());
    cleanups.push(() => backend.stop());
    const { page, close } = await visit(browser);
    cleanups.push(close);
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
    const server = await startServer({ webRoot: join(import.meta.dirname, '../../dist/web') });
    const gotten: (string | undefined)[] = [];
    const app = createServer((request, response) => {
      gotten.push(request.headers.cookie);
      response.setHeader('content-type', 'text/html').end('<h1>An app</h1>');
    }).listen(0, '127.0.0.1');
    await once(app, 'listening');
    cleanups.push(async () => void app.close());
    const { page, close } = await visit(browser);
    cleanups.push(close);

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
    const server = await startServer({ webRoot: join(import.meta.dirname, '../../dist/web') });
    const { page, close } = await visit(browser);
    cleanups.push(close);
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
    const server = await startServer({ webRoot: join(import.meta.dirname, '../../dist/web') });
    const { page, close } = await visit(browser);
    cleanups.push(close);
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

  it('says in one sentence how the lab is, and follows what happens without a reload', async () => {
    const { page, lab } = await open('/');
    const sentence = page.getByTestId('sentence');
    await sentence.filter({ hasText: 'Both apps run; backup is off. Nothing is wrong.' }).waitFor(patience);
    lab.run('start-app', { name: 'backup' });
    await sentence.filter({ hasText: 'All 3 apps run.' }).waitFor(patience);
    lab.failNext('start-instance', {
      code: 'PORT_IN_USE',
      message: 'Port 8081 is in use on atlas.',
      hint: 'Choose another port.',
    });
    lab.run('restart-app', { name: 'wiki' });
    await sentence.filter({ hasText: 'wiki failed. 1 thing needs you.' }).waitFor(patience);
    await shown(page, 'App wiki failed: Port 8081 is in use on atlas.');
    // The side bar counts, and what happened is told with who and why.
    await page.getByRole('link', { name: 'Alerts 1' }).waitFor(patience);
    await shown(page, 'Restarting app wiki failed: Port 8081 is in use on atlas.');
  });

  it('shows nodes with what they measure, and dashes for what is not known', async () => {
    const { page, lab } = await open('/');
    const atlas = page.getByRole('article', { name: 'atlas' });
    await atlas.getByText('14 % of 8 cores').waitFor(patience);
    await atlas.getByText('412 GiB of 1000 GiB').waitFor(patience);
    lab.setUsage('node:atlas-1', { cpu: 0.77, memoryBytes: 2 ** 30, memoryTotalBytes: 2 ** 35 });
    await atlas.getByText('77 % of 8 cores').waitFor(patience);
    await go(page, `${new URL(page.url()).origin}/?at=30`);
    await page.getByRole('article', { name: 'atlas' }).waitFor(patience);
    expect(await page.getByText('% of 8 cores').count()).toBe(0);
  });

  it('filters and sorts apps in the address, and is walked by keys', async () => {
    const { page } = await open('/apps');
    await row(page, 'photos').waitFor(patience);
    await page.keyboard.press('/');
    await page.keyboard.type('wiki');
    await row(page, 'photos').waitFor({ state: 'detached' });
    expect(new URL(page.url()).search).toBe('?q=wiki');
    await page.keyboard.press('Escape');
    await row(page, 'photos').waitFor(patience);
    await page.getByRole('button', { name: '1 off' }).click();
    await row(page, 'photos').waitFor({ state: 'detached' });
    expect(new URL(page.url()).search).toBe('?state=off');
    await page.getByRole('button', { name: '1 off' }).click();
    await page.getByRole('columnheader', { name: 'App' }).getByRole('button').click();
    expect(new URL(page.url()).search).toBe('?sort=-name');
    const names = await page.getByRole('row').getByRole('link').allTextContents();
    expect(names[0]).toBe('wiki');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await heading(page, 'Photos').waitFor(patience);
  });

  it('checks a compose file while one writes, and deploys only after the plan was shown', async () => {
    const { page, backend } = await open('/apps/new');
    const editor = page.getByRole('textbox', { name: 'Compose file' });
    await editor.fill('name: notes\nservices:\n  web:\n    image: nginx:1.27\n    prots: ["8080:80"]\n');
    await shown(page, '1 problem');
    await shown(page, 'compose.yaml:5:5');
    expect(await page.getByRole('button', { name: 'Deploy', exact: true }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'compose.yaml:5:5' }).click();
    expect(
      await editor.evaluate((area: HTMLTextAreaElement) =>
        area.value.slice(area.selectionStart, area.selectionStart + 5),
      ),
    ).toBe('prots');
    await editor.fill('name: notes\nservices:\n  web:\n    image: nginx:1.27\n    ports: ["8090:80"]\n');
    await shown(page, 'The file is fine.');
    await shown(page, 'App notes would be created.');
    expect(backend.asked.filter(({ dryRun }) => !dryRun)).toEqual([]);
    backend.lab.hold();
    await page.getByRole('button', { name: 'Deploy notes' }).click();
    await heading(page, 'notes').waitFor(patience);
    // The tray and the page tell how far it is; nothing is shown that the lab has not said.
    const tray = page.getByRole('region', { name: 'Operations' });
    await tray.getByText('Deploying notes').waitFor(patience);
    await page.getByRole('main').getByText('pulling nginx:1.27').waitFor(patience);
    expect(await page.getByRole('main').getByText('running').count()).toBe(0);
    backend.lab.release();
    await page.getByRole('main').getByText('running').first().waitFor(patience);
    await tray.getByText('Deploy notes').waitFor(patience);
    await tray.getByText('done', { exact: true }).waitFor(patience);
  });

  it('shows a refusal of the plan where it was asked for', async () => {
    const { page } = await open('/apps/new');
    await page.getByRole('textbox', { name: 'Compose file' }).fill('services:\n  web:\n    image: nginx:1.27\n');
    await shown(page, 'compose.yaml does not say how the app is called.');
    expect(await page.getByRole('button', { name: 'Deploy', exact: true }).isDisabled()).toBe(true);
  });

  it('begins with an example that is in order', async () => {
    const { page } = await open('/apps/new', emptyLab());
    await page.getByRole('button', { name: 'Begin with an example' }).click();
    await shown(page, 'The file is fine.');
    await shown(page, /Volume notes-pages would be created/);
  });

  it('shows an app with its services, stops and starts it, and puts a failure first', async () => {
    const { page, lab } = await open('/apps/default/photos');
    await row(page, 'postgres:16-alpine').filter({ hasText: 'healthy' }).waitFor(patience);
    await row(page, 'ghcr.io/example/photos:4.2.1').filter({ hasText: '8080 → 3000' }).waitFor(patience);
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Start' }).waitFor(patience);
    await row(page, 'postgres:16-alpine').filter({ hasText: 'off' }).waitFor(patience);
    lab.failNext('start-instance', {
      code: 'IMAGE_NOT_FOUND',
      message: 'Image postgres:16-alpine does not exist.',
      hint: 'Look at its tag.',
    });
    await page.getByRole('button', { name: 'Start' }).click();
    const alert = page.getByRole('main').getByRole('alert');
    await alert.getByText('Image postgres:16-alpine does not exist.').waitFor(patience);
    await alert.getByText('Look at its tag.').waitFor(patience);
  });

  it('removes an app after saying what happens, and asks for its name when data would be lost', async () => {
    const { page, backend } = await open('/apps/default/photos');
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Remove' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('App photos would be removed, its volumes kept.').waitFor(patience);
    expect(await dialog.getByRole('button', { name: 'Remove app' }).isEnabled()).toBe(true);
    await dialog.getByRole('checkbox').check();
    await dialog.getByText('App photos would be removed, its volumes with it.').waitFor(patience);
    const remove = dialog.getByRole('button', { name: 'Remove app and data' });
    expect(await remove.isDisabled()).toBe(true);
    await dialog.getByRole('textbox').fill('photo');
    expect(await remove.isDisabled()).toBe(true);
    await dialog.getByRole('textbox').fill('photos');
    await remove.click();
    await heading(page, 'Apps').waitFor(patience);
    await row(page, 'photos').waitFor({ state: 'detached', ...patience });
    expect(backend.asked.at(-1)).toMatchObject({ command: 'remove-app', input: { withVolumes: true }, dryRun: false });
  });

  it('follows logs, filters, searches, waits while paused, and gives them as a file', async () => {
    const { page, lab } = await open('/apps/default/photos/logs');
    const app = lab.app('photos').stream;
    const lines = page.getByRole('log');
    await lines.getByText('database system is ready').waitFor(patience);
    lab.log(app, { service: 'web', at: Date.now(), stream: 'stdout', text: 'a new line appears' });
    await lines.getByText('a new line appears').waitFor(patience);
    await page.getByLabel('Service').selectOption('db');
    await lines.getByText('a new line appears').waitFor({ state: 'detached' });
    await page.getByLabel('Service').selectOption('');
    await page.getByLabel('Search lines').fill('MAIL');
    await shown(page, /1 of \d+ lines/);
    expect(await lines.locator('mark').first().textContent()).toBe('mail');
    await page.getByLabel('Search lines').fill('');
    await page.getByRole('button', { name: 'Pause' }).click();
    lab.log(app, { service: 'web', at: Date.now(), stream: 'stdout', text: 'written while paused' });
    await page.getByRole('button', { name: 'Go on (1)' }).waitFor(patience);
    expect(await lines.getByText('written while paused').count()).toBe(0);
    await page.getByRole('button', { name: 'Go on (1)' }).click();
    await lines.getByText('written while paused').waitFor(patience);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download these lines' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('photos.log');
  });

  it('stays with ten thousand log lines', async () => {
    const { page, lab } = await open('/apps/default/photos/logs');
    await page.getByRole('log').getByText('database system is ready').waitFor(patience);
    const app = lab.app('photos').stream;
    for (let n = 1; n <= 10_000; n += 500) {
      const batch = Array.from({ length: 500 }, (_, m) => ({
        service: 'web',
        at: Date.now(),
        stream: 'stdout' as const,
        text: `line ${n + m}`,
      }));
      lab.log(app, ...batch);
    }
    await page.getByRole('log').getByText('line 10000', { exact: true }).waitFor(patience);
    expect(await page.getByRole('log').locator('[data-index]').count()).toBeLessThan(200);
  });

  it('runs a command in a container, with keys, colours, its size and its end', async () => {
    const { page, backend, complaints } = await open('/apps/default/photos/terminal');
    const screen = page.getByRole('group', { name: 'Terminal of photos' });
    await page.getByLabel('Service').selectOption('db');
    await page.getByLabel('Command').fill("sh -c 'exec bash'");
    // From the field into the terminal without a mouse.
    await page.keyboard.press('Enter');
    await shown(page, 'Runs in db.');
    const [shell] = backend.execs;
    expect(shell?.asked).toMatchObject({ service: 'db', command: ['sh', '-c', 'exec bash'], tty: true });
    expect(shell?.asked.columns).toBeGreaterThan(60);
    await page.keyboard.type('colours');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Backspace');
    await page.keyboard.press('Control+c');
    await page.keyboard.press('Control+k');
    await expect.poll(() => shell?.typed, patience).toBe('colours\t\u007f\u0003\u000b');
    await page.keyboard.press('Enter');
    await page.keyboard.type('colours');
    await page.keyboard.press('Enter');
    const green = screen.locator('.xterm-rows span').filter({ hasText: /^green$/ });
    await green.waitFor(patience);
    // Of the terminal, and of no style that stands in the page.
    expect(await green.evaluate((span) => getComputedStyle(span).color)).not.toBe(
      await screen.evaluate((group) => getComputedStyle(group).color),
    );
    const before = shell?.sizes.length ?? 0;
    await page.setViewportSize({ width: 900, height: 700 });
    await expect.poll(() => shell?.sizes.length, patience).toBeGreaterThan(before);
    expect(shell?.sizes.at(-1)?.[0]).toBeLessThan(shell?.asked.columns ?? 0);
    // Nobody is caught in it.
    await page.keyboard.press('Shift+Tab');
    expect(await screen.evaluate((group) => group.contains(document.activeElement))).toBe(false);
    await page.keyboard.press('Tab');
    expect(await screen.evaluate((group) => group.contains(document.activeElement))).toBe(true);
    await page.keyboard.type('exit 3');
    await page.keyboard.press('Enter');
    await shown(page, 'Ended with code 3.');
    // Nothing is typed for anybody any more: Tab goes on through the page.
    await page.keyboard.press('Tab');
    expect(await screen.evaluate((group) => group.contains(document.activeElement))).toBe(false);
    expect(complaints).toEqual([]);
  });

  it('closes the command with the page, and says why one could not begin or was lost', async () => {
    const { page, backend } = await open('/apps/default/photos/terminal');
    await page.getByRole('button', { name: 'Open terminal' }).click();
    await shown(page, /^Runs in/);
    await page.getByRole('link', { name: 'Logs' }).click();
    await expect.poll(() => backend.execs[0]?.isClosed, patience).toBe(true);
    await page.getByRole('link', { name: 'Terminal' }).click();
    await page.getByLabel('Command').fill('missing');
    await page.getByRole('button', { name: 'Open terminal' }).click();
    await shown(page, 'There is no missing in web.');
    await page.getByLabel('Command').fill('sh "');
    await shown(page, 'A quote is left open.');
    await page.getByLabel('Command').fill('sh');
    await page.getByRole('button', { name: 'Open again' }).click();
    await shown(page, /^Runs in/);
    backend.cut();
    await shown(page, 'The connection was lost while sh ran.');
    backend.mend();
  });

  it('shows the compose file as it was written, and deploys a new revision of it', async () => {
    const { page, lab } = await open('/apps/default/photos/compose');
    await shown(page, '# Family photos, since 2009.');
    await page.getByRole('button', { name: 'Edit' }).click();
    const editor = page.getByRole('textbox', { name: 'Compose file' });
    await page.getByText('What would happen').waitFor(patience);
    expect(await page.getByRole('button', { name: 'Deploy this revision' }).isDisabled()).toBe(true);
    await editor.fill((await editor.inputValue()).replace('photos:4.2.1', 'photos:4.3.0'));
    await shown(page, 'App photos would get a new revision.');
    await shown(page, /image ghcr.io\/example\/photos:4.2.1 → ghcr.io\/example\/photos:4.3.0. It is restarted./);
    await page.getByRole('button', { name: 'Deploy this revision' }).click();
    await shown(page, 'Revision 2, as it was written');
    await expect.poll(() => lab.app('photos').state, patience).toBe('running');
    expect(Object.values(lab.app('photos').context.spec.services).map(({ image }) => image)).toContain(
      'ghcr.io/example/photos:4.3.0',
    );
  });

  it('edits an app that came with files, and keeps them', async () => {
    const file = (text: string) => ({ content: Buffer.from(text).toString('base64') });
    const files = { '.env': file('IMAGE=nginx:1.27\n'), 'app.env': file('KEY=1\n') };
    const compose = 'name: notes\nservices:\n  web:\n    image: ${IMAGE}\n    env_file: app.env\n';
    const { page, lab } = await open('/apps');
    lab.run('deploy-app', { compose, files });
    await go(page, new URL('/apps/default/notes/compose', page.url()).href);
    await page.getByRole('button', { name: 'Edit' }).click();
    const editor = page.getByRole('textbox', { name: 'Compose file' });
    await shown(page, 'Goes on with the files of the last revision: .env, app.env.');
    await editor.fill(`${compose}    restart: always\n`);
    await shown(page, 'Service web: restart no → always. It is restarted.');
    await page.getByRole('button', { name: 'Deploy this revision' }).click();
    await shown(page, 'Revision 2, as it was written');
    expect(lab.app('notes').context.spec.services['web']?.image).toBe('nginx:1.27');
  });

  it('tells the history of an app with who and why, and grows while one looks', async () => {
    const { page, lab } = await open('/apps/default/wiki/history');
    await shown(page, 'App wiki was created.');
    await shown(page, /App wiki was assigned to/);
    lab.run('stop-app', { name: 'wiki' });
    await shown(page, 'App wiki is stopped.');
    await page
      .getByRole('button', { name: /Details of event/ })
      .last()
      .click();
    await shown(page, 'app.created');
  });

  it('draws why an app is as it is, with the events it would accept', async () => {
    const { page, lab } = await open('/apps/default/wiki/why');
    await page.getByRole('img', { name: 'States of wiki: it is running' }).waitFor(patience);
    await shown(page, 'app.stop-requested');
    await shown(page, 'wiki is running and waits for nothing.');
    await shown(page, 'admin asked to deploy app wiki.');
    lab.hold();
    lab.run('stop-app', { name: 'wiki' });
    await page.getByRole('img', { name: 'States of wiki: it is stopping' }).waitFor(patience);
    await shown(page, /stopping the containers/);
  });

  it('takes a snapshot with a note, and shows it in the band and in the table', async () => {
    const { page } = await open('/volumes/default/wiki-data');
    await heading(page, 'wiki-data').waitFor(patience);
    const before = await page.getByTestId('tick').count();
    await page.getByRole('button', { name: 'Snapshot now' }).first().click();
    await page.getByLabel('Note').fill('before the upgrade');
    await page.getByRole('button', { name: 'Take snapshot' }).click();
    await row(page, 'before the upgrade').filter({ hasText: 'available' }).waitFor(patience);
    await expect.poll(() => page.getByTestId('tick').count(), patience).toBe(before + 1);
    const band = page.getByRole('slider', { name: 'Snapshots by time' });
    await band.focus();
    await page.keyboard.press('End');
    expect(await band.getAttribute('aria-valuetext')).toContain('by hand');
  });

  it('rolls back after saying what happens, and keeps what is replaced', async () => {
    const { page, lab, backend } = await open('/volumes/default/photos-db');
    const oldest = row(page, 'first light');
    await oldest.getByRole('button', { name: 'Roll back' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/Volume photos-db would go back to snapshot/).waitFor(patience);
    await dialog.getByText('App photos would pause while volume photos-db is rolled back.').waitFor(patience);
    await dialog.getByText(/kept as a stash snapshot/).waitFor(patience);
    expect(backend.asked.every(({ dryRun }) => dryRun)).toBe(true);
    await dialog.getByRole('button', { name: 'Roll back' }).click();
    await row(page, 'kept by a roll-back').filter({ hasText: 'available' }).waitFor(patience);
    await expect.poll(() => lab.app('photos').state, patience).toBe('running');
  });

  it('removes a snapshot, and refuses to delete a volume that is in use with the reason', async () => {
    const { page } = await open('/volumes/default/photos-db');
    await row(page, 'first light')
      .getByRole('button', { name: /^More for/ })
      .click();
    await page.getByRole('menuitem', { name: 'Remove' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove snapshot' }).click();
    await row(page, 'first light').waitFor({ state: 'detached', ...patience });
    await page.getByRole('button', { name: 'More actions' }).click();
    const item = page.getByRole('menuitem', { name: 'Delete' });
    expect(await item.getAttribute('aria-description')).toBe('App photos uses it. Remove the app first, or both.');
    await item.click({ force: true });
    expect(await page.getByRole('dialog').count()).toBe(0);
  });

  it('makes a volume, changes it, gives it a schedule, and deletes it', async () => {
    const { page, lab } = await open('/volumes');
    await page.getByRole('button', { name: 'New volume' }).click();
    await page.getByLabel('Name').fill('Media!');
    await shown(page, /For names, use 1 to 63/);
    await page.getByLabel('Name').fill('media');
    await page.getByLabel('Size').fill('20GiB');
    await page.getByRole('button', { name: 'Create volume' }).click();
    await row(page, 'media').filter({ hasText: 'ready' }).getByRole('link', { name: 'media' }).click();
    await heading(page, 'media').waitFor(patience);
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Size and retention' }).click();
    await page.getByLabel('Size').fill('10GiB');
    await shown(page, /a volume cannot become smaller/);
    await page.getByLabel('Size').fill('30GiB');
    await page.getByRole('button', { name: 'Change' }).click();
    await shown(page, '30 GiB');
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Add a schedule' }).click();
    await shown(page, /That is every day at 02:30/);
    await page.getByRole('button', { name: 'Add schedule' }).click();
    await expect
      .poll(() => lab.view.list('schedule').some(({ context }) => context.metadata.name === 'media-nightly'), patience)
      .toBe(true);
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('textbox').fill('media');
    await page.getByRole('button', { name: 'Delete volume' }).click();
    await heading(page, 'Volumes').waitFor(patience);
    await row(page, 'media').waitFor({ state: 'detached', ...patience });
  });

  it('takes the power of a simulated machine away and gives it back, and leads to no address of a simulated app', async () => {
    const { page, backend } = await open('/nodes/vega', busyLab(), { simulated: ['atlas', 'vega', 'polaris'] });
    const choose = async (item: string): Promise<void> => {
      await page.getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: item }).click();
    };
    await choose('Take its power away');
    await shown(page, 'vega has no power. The lab notices in a while.');
    expect(backend.power?.get('vega')).toBe('off');
    await choose('Give it power');
    await shown(page, 'vega starts.');
    expect(backend.power?.get('vega')).toBe('on');

    await go(page, `${backend.url}/apps`);
    await row(page, 'photos').getByText('photos.lab').waitFor(patience);
    expect(await page.locator('a[target=_blank]').count()).toBe(0);
    await go(page, `${backend.url}/apps/default/photos`);
    await shown(page, 'photos.lab');
    expect(await page.locator('a[target=_blank]').count()).toBe(0);

    const real = await open('/nodes/vega');
    await real.page.getByRole('button', { name: 'More actions' }).click();
    await real.page.getByRole('menuitem', { name: 'Remove…' }).waitFor(patience);
    expect(await real.page.getByRole('menuitem', { name: /power/ }).count()).toBe(0);
    await go(real.page, `${real.backend.url}/apps/default/photos`);
    await real.page.getByRole('link', { name: 'Open' }).waitFor(patience);
  });

  it('shows a node with its facts, and cordons it', async () => {
    const { page } = await open('/nodes');
    await row(page, 'vega').getByRole('link', { name: 'vega' }).click();
    await shown(page, '6.1.0-28-amd64');
    await shown(page, 'Pool data, btrfs');
    await page.getByRole('button', { name: 'Cordon' }).click();
    await page
      .getByRole('dialog')
      .getByText('Node vega would be cordoned: it would get nothing new.')
      .waitFor(patience);
    await page.getByRole('dialog').getByRole('button', { name: 'Cordon' }).click();
    await shown(page, 'cordoned: it gets nothing new');
    await page.getByRole('button', { name: 'Uncordon' }).click();
    await page.getByRole('button', { name: 'Cordon', exact: true }).waitFor(patience);
  });

  it('suspends, resumes and removes schedules', async () => {
    const { page } = await open('/schedules');
    const nightly = row(page, 'wiki-nightly');
    await nightly.getByText('every day at 02:30').waitFor(patience);
    const choose = async (name: string): Promise<void> => {
      await nightly.getByRole('button', { name: 'More for wiki-nightly' }).click();
      await page.getByRole('menuitem', { name }).click();
    };
    await choose('Suspend');
    await nightly.getByText('suspended').waitFor(patience);
    await choose('Resume');
    await nightly.getByText('active').waitFor(patience);
    await choose('Remove');
    await page.getByRole('dialog').getByRole('button', { name: 'Remove schedule' }).click();
    await nightly.waitFor({ state: 'detached', ...patience });
  });

  it('tells everything that happens, and what belongs together', async () => {
    const { page, lab } = await open('/activity');
    const feed = page.getByRole('feed');
    await feed.getByRole('article').first().waitFor(patience);
    lab.run('restart-app', { name: 'wiki' });
    await feed.getByText('Restarting app wiki is done').waitFor(patience);
    await feed
      .getByRole('article')
      .filter({ hasText: 'App wiki restarts.' })
      .getByRole('link', { name: /^op-/ })
      .click();
    await page.getByRole('button', { name: 'Show everything again' }).waitFor(patience);
    await feed.getByText('admin asked to restart app wiki.').waitFor(patience);
    expect(await feed.getByText('Schedule').count()).toBe(0);
    await page.getByRole('button', { name: 'Show everything again' }).click();
    await page.getByLabel('Kind').selectOption('node');
    await feed.getByText('Node atlas joined.').waitFor(patience);
    await feed
      .getByRole('article')
      .filter({ hasText: 'Node atlas joined.' })
      .getByRole('button', { name: /Details/ })
      .click();
    await feed.getByText('Debian GNU/Linux 12').waitFor(patience);
  });

  it('looks further back in time as one scrolls', async () => {
    const { page } = await open('/activity');
    await page.getByRole('article').first().waitFor(patience);
    await expect
      .poll(
        async () => {
          await page.mouse.wheel(0, 20_000);
          return page.getByText('Lab home was created.').count();
        },
        { timeout: 20_000 },
      )
      .toBe(1);
    await shown(page, 'The beginning.');
  });

  it('shows evidence that a policy went by', async () => {
    const { page } = await open('/activity?q=placed');
    const first = page.getByRole('article').first();
    await first.getByRole('button', { name: /Details/ }).click();
    await first.getByText('most free').first().waitFor(patience);
  });

  it('changes the time zone, and knows which there are', async () => {
    const { page, lab } = await open('/settings');
    const field = page.getByRole('combobox', { name: /time zone/ });
    await field.fill('Mars/Base');
    await shown(page, 'There is no such time zone.');
    await field.fill('Asia/Tokyo');
    await page.getByRole('button', { name: 'Save' }).click();
    await expect.poll(() => lab.rows('overview')[0]?.[1], patience).toMatchObject({ timeZone: 'Asia/Tokyo' });
  });

  it('shows the lab as it was, and lets nobody act there', async () => {
    const { page } = await open('/apps');
    await row(page, 'photos').waitFor(patience);
    await page.getByRole('button', { name: /Look at the past/ }).click();
    await page.getByLabel('Event or time').fill('6');
    await page.getByRole('button', { name: 'Go there' }).click();
    await page.getByText('The lab after event 6').waitFor(patience);
    await shown(page, 'Your first app');
    // The past goes along from screen to screen.
    await page.getByRole('link', { name: 'Nodes', exact: true }).click();
    await heading(page, 'Nodes').waitFor(patience);
    expect(new URL(page.url()).searchParams.get('at')).toBe('6');
    await row(page, 'polaris').waitFor(patience);
    await page.getByRole('link', { name: 'polaris' }).click();
    const cordon = page.getByRole('button', { name: 'Cordon' });
    expect(await cordon.getAttribute('aria-disabled')).toBe('true');
    expect(await cordon.getAttribute('aria-description')).toContain('You are looking at the past');
    await page.getByRole('button', { name: 'One event back' }).click();
    await page.getByText('The lab after event 5').waitFor(patience);
    await page.getByRole('button', { name: 'Back to live' }).click();
    await page.getByText('The lab after event').waitFor({ state: 'detached' });
    expect(new URL(page.url()).search).toBe('');
    expect(await page.getByRole('button', { name: 'Cordon' }).getAttribute('aria-disabled')).toBeNull();
  });

  it('finds a moment by its time, and says when there is none', async () => {
    const { page, backend } = await open(`/?at=${new Date(Date.now() - 86_400_000).toISOString()}`);
    await page.getByText(/The lab after event \d/).waitFor(patience);
    await go(page, `${backend.url}/?at=999999`);
    await shown(page, /The lab has only [\d,]+ events yet/);
    await page.getByRole('main').getByRole('button', { name: 'Back to live' }).click();
    await heading(page, 'Overview').waitFor(patience);
  });

  it('says when the lab does not answer, and goes on when it is back', async () => {
    const { page, backend, lab } = await open('/apps/default/wiki');
    await page.getByRole('button', { name: 'Stop' }).waitFor(patience);
    backend.cut();
    await page.getByText(/The lab does not answer\. What you see is .* old/).waitFor(patience);
    expect(await page.getByRole('button', { name: 'Stop' }).getAttribute('aria-disabled')).toBe('true');
    lab.run('stop-app', { name: 'wiki' });
    backend.mend();
    await page.getByRole('button', { name: 'Try now' }).click();
    await page.getByRole('button', { name: 'Start' }).waitFor({ timeout: 20_000 });
    await page.getByText(/The lab does not answer/).waitFor({ state: 'detached' });
  });

  it('says when the node lags behind', async () => {
    const { page, backend } = await open('/');
    backend.stale = true;
    await page.getByText(/This node lags behind the lab/).waitFor(patience);
    backend.stale = false;
    await page.getByText(/This node lags behind the lab/).waitFor({ state: 'detached', ...patience });
  });

  it('teaches on empty screens: what it is, one command, one button', async () => {
    const { page, backend } = await open('/', emptyLab());
    await shown(page, 'Your first app');
    await shown(page, 'floatlab up -f compose.yaml');
    for (const [path, text] of [
      ['/apps', 'Your first app'],
      ['/volumes', 'No data yet'],
      ['/schedules', 'Nothing is repeated yet'],
      ['/alerts', 'Nothing is wrong'],
    ] as const) {
      await go(page, backend.url + path);
      await shown(page, text);
    }
  });

  it('glows where something changed, unless somebody asked for stillness', async () => {
    const animations = async (motion: boolean): Promise<boolean> => {
      const { page, lab } = await open('/apps', busyLab(), { motion });
      await row(page, 'wiki').waitFor(patience);
      await page.evaluate(() => {
        const seen = globalThis as unknown as { glowed: boolean };
        const animate = Element.prototype.animate;
        Element.prototype.animate = function (...given) {
          if (JSON.stringify(given[0]).includes('--glow')) seen.glowed = true;
          return animate.apply(this, given);
        };
      });
      lab.run('stop-app', { name: 'wiki' });
      await row(page, 'wiki').filter({ hasText: 'off' }).waitFor(patience);
      return page.evaluate(() => (globalThis as unknown as { glowed?: boolean }).glowed === true);
    };
    expect(await animations(true)).toBe(true);
    expect(await animations(false)).toBe(false);
  });

  it('goes anywhere by a few letters', async () => {
    const { page } = await open('/');
    await heading(page, 'Overview').waitFor(patience);
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox').fill('photos-or');
    await page.keyboard.press('Enter');
    await heading(page, 'photos-originals').waitFor(patience);
  });

  it('keeps the chosen theme, without a flash', async () => {
    const { page } = await open('/');
    const scheme = () => page.evaluate(() => document.documentElement.getAttribute('data-mantine-color-scheme'));
    expect(await scheme()).toBe('light');
    await page.getByRole('button', { name: 'Switch to dark colours' }).click();
    await expect.poll(scheme).toBe('dark');
    await page.reload({ waitUntil: 'commit' });
    await page.locator('body').waitFor({ state: 'attached' });
    expect(await scheme()).toBe('dark');
  });

  it('fits a phone: the bar is below, tables are cards, nothing is wider than the screen', async () => {
    const { page, backend } = await open('/', busyLab(), { phone: true });
    await page.getByRole('navigation', { name: 'Places' }).getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: 'Nodes' }).click();
    await heading(page, 'Nodes').waitFor(patience);
    for (const path of screens) {
      await go(page, backend.url + path);
      await page.waitForTimeout(150);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overflow, path).toBeLessThanOrEqual(0);
    }
    await go(page, `${backend.url}/apps`);
    const card = row(page, 'photos');
    await card.waitFor(patience);
    expect((await card.boundingBox())?.height).toBeGreaterThan(80);
  });

  const screens = [
    '/',
    '/apps',
    '/apps/new',
    '/apps/default/photos',
    '/apps/default/photos/volumes',
    '/apps/default/photos/logs',
    '/apps/default/photos/terminal',
    '/apps/default/photos/compose',
    '/apps/default/photos/history',
    '/apps/default/photos/why',
    '/volumes',
    '/volumes/default/photos-db',
    '/volumes/default/photos-db/history',
    '/volumes/default/photos-db/why',
    '/nodes',
    '/nodes/atlas',
    '/nodes/atlas/history',
    '/nodes/atlas/why',
    '/schedules',
    '/alerts',
    '/activity',
    '/settings',
    '/nowhere',
    '/apps/default/unknown',
    '/?at=40',
  ];

  it.each(['light', 'dark'] as const)(
    'is accessible on every screen, %s',
    async (scheme) => {
      const lab = busyLab();
      const { page, backend } = await open('/', lab, { scheme, initialPassword: true });
      lab.failNext('start-instance', {
        code: 'IMAGE_NOT_FOUND',
        message: 'Image `x:1` does not exist.',
        hint: 'Look at its tag.',
      });
      lab.run('start-app', { name: 'backup' });
      const problems: string[] = [];
      for (const path of screens) {
        await go(page, backend.url + path);
        await page.waitForTimeout(500);
        problems.push(...(await accessibilityProblems(page)).map((problem) => `${path} ${problem}`));
      }
      const dialog = async (name: string, act: () => Promise<void>): Promise<void> => {
        await act();
        await page.waitForTimeout(400);
        problems.push(...(await accessibilityProblems(page)).map((problem) => `${name} ${problem}`));
      };
      await go(page, `${backend.url}/apps/default/photos/terminal`);
      await dialog('terminal', async () => {
        await page.getByRole('button', { name: 'Open terminal' }).click();
        await page.keyboard.type('colours');
        await page.keyboard.press('Enter');
      });
      await go(page, `${backend.url}/volumes/default/photos-db`);
      await dialog('roll back', () => row(page, 'first light').getByRole('button', { name: 'Roll back' }).click());
      await page.keyboard.press('Escape');
      await dialog('time', () => page.getByRole('button', { name: /Look at the past/ }).click());
      await page.keyboard.press('Escape');
      await dialog('palette', () => page.keyboard.press('Control+k'));
      await page.keyboard.press('Escape');
      await dialog('menu', () => page.getByRole('button', { name: 'More actions' }).click());
      await page.keyboard.press('Escape');
      await dialog('password', () => page.getByRole('button', { name: 'Change it' }).click());
      backend.signOutAll();
      await heading(page, 'Sign in to FloatLab').waitFor(patience);
      await dialog('sign in', async () => undefined);
      expect(problems).toEqual([]);
    },
    180_000,
  );

  it('complains about nothing, whatever one clicks', async () => {
    const lab = busyLab();
    const { page, backend, complaints } = await open('/', lab);
    // Schemas are not compiled: the policy would forbid it, and say so on the first one that is parsed.
    expect(
      await page.evaluate(
        () => (globalThis as { __zod_globalConfig?: { jitless?: boolean } }).__zod_globalConfig?.jitless,
      ),
    ).toBe(true);
    const origin = new URL(backend.url).origin;
    for (const path of screens.filter((one) => one !== '/nowhere')) {
      await go(page, backend.url + path);
      await page.waitForTimeout(250);
      const count = Math.min(40, await page.locator('main button:visible, header button:visible').count());
      for (let n = 0; n < count; n++) {
        const button = page.locator('main button:visible, header button:visible').nth(n);
        if ((await button.count()) === 0 || (await button.isDisabled())) continue;
        // A click may open something over the page; escape closes it again.
        await button.click({ timeout: 2000, noWaitAfter: true }).catch(() => undefined);
        await page.waitForTimeout(30);
        await page.keyboard.press('Escape');
        if (!page.url().startsWith(origin)) await go(page, backend.url + path);
        if (new URL(page.url()).pathname !== path.split('?')[0]) await go(page, backend.url + path);
      }
    }
    expect(complaints).toEqual([]);
  }, 240_000);

  it('shows ten thousand apps as smoothly as ten', async () => {
    const { page, lab } = await open('/apps');
    await row(page, 'photos').waitFor(patience);
    lab.flood(10_000);
    await shown(page, /\d[\d,]* off/);
    expect(await page.getByRole('row').count()).toBeLessThan(120);
    await page.keyboard.press('/');
    await page.keyboard.type('flood-9999');
    await row(page, 'flood-9999').waitFor(patience);
  });

  it('takes pictures of every screen, for people to look at', async () => {
    const folder = process.env['FLOATLAB_SHOTS'];
    if (folder === undefined) return;
    await mkdir(folder, { recursive: true });
    for (const scheme of ['light', 'dark'] as const) {
      for (const phone of [false, true]) {
        const { page, backend } = await open('/', busyLab(12), { scheme, phone });
        for (const path of screens) {
          await go(page, backend.url + path);
          await page.waitForTimeout(700);
          const name = `${scheme}${phone ? '-phone' : ''}${path.replaceAll(/[/?=]/g, '-')}.png`;
          await writeFile(join(folder, name), await page.screenshot());
        }
      }
    }
  }, 300_000);
});
