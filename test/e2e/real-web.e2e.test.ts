/** A person with a browser in front of a real lab: Docker, btrfs, the built daemon, Chromium. */
import { mkdirSync, readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOwnEngine } from '#io/daemon/engine.ts';
import { ensureWelcomeImage } from '#io/daemon/welcome-image.ts';
import { dockerOverSocket } from '#io/devices/docker/real.ts';
import { DaemonFixture, eventually, fetchText, freePort } from '#test/daemon-fixture.ts';
import { missingDocker, patientCall, quietLog } from '#test/engine-fixture.ts';
import { missingBtrfs } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { chromiumPath, go, hasChromium, launch, visit, type Visit } from './browser.ts';

const patience = { timeout: 40_000 };
const missing = missingDocker() ?? missingBtrfs() ?? (hasChromium ? undefined : chromiumPath);

describeReal('a browser before a real lab', missing, () => {
  let daemon: DaemonFixture;
  let browser: Browser;
  let person: Visit;
  let page: Page;
  let port: number;
  let compose: string;

  const served = (): Promise<string> => fetchText(`http://127.0.0.1:${port}/`);
  const row = (text: string) => page.getByRole('row').filter({ hasText: text });
  const shot = async (name: string): Promise<void> => {
    const folder = process.env['FLOATLAB_SHOTS'];
    if (folder === undefined) return;
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: `${folder}/${name}.png` });
  };

  beforeAll(async () => {
    daemon = await DaemonFixture.make(['--pool-size', '1GiB', '--no-sample', '--name', 'atlas', '--lab', 'home']);
    port = await freePort();
    const example = readFileSync(new URL('../../examples/welcome/compose.yaml', import.meta.url), 'utf8');
    compose = example.replaceAll('7480', String(port)).replace('name: welcome', 'name: site');
    await daemon.start();
    const { socketPath } = await startOwnEngine({ dataDir: daemon.dataDir, log: quietLog });
    await ensureWelcomeImage(dockerOverSocket({ socketPath }), {}, patientCall());
    await daemon.login();
    browser = await launch();
    person = await visit(browser);
    page = person.page;
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await daemon.dispose();
  }, 120_000);

  test('signs in with the password that the first start printed', async () => {
    await go(page, daemon.url);
    await page.getByLabel('Name').fill('admin');
    await page.getByLabel('Password', { exact: true }).fill(daemon.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('still the one that the first start printed').waitFor(patience);
    await page.getByRole('article', { name: 'atlas' }).waitFor(patience);
  });

  test('deploys a compose file after seeing the plan, and watches it become running', async () => {
    await page.getByRole('link', { name: 'Apps' }).click();
    await go(page, `${daemon.url}/apps/new`);
    await page.getByRole('textbox', { name: 'Compose file' }).fill(compose);
    await page.getByText('App site would be created.').first().waitFor(patience);
    await page.getByRole('button', { name: 'Deploy site' }).click();
    await page.getByRole('main').getByText('running').first().waitFor(patience);
    expect(await served()).toContain('FloatLab');
    await shot('app');
  });

  test('takes a snapshot, and rolls the volume back to it after a change', async () => {
    await go(page, `${daemon.url}/volumes/default/site-site`);
    await page.getByRole('button', { name: 'Snapshot now' }).first().click();
    await page.getByLabel('Note').fill('before the change');
    await page.getByRole('button', { name: 'Take snapshot' }).click();
    await row('before the change').filter({ hasText: 'available' }).waitFor(patience);
    const changed = await daemon.cli('exec', 'site', 'web', '--', 'sh', '-c', 'echo changed > /srv/index.html');
    expect(changed, changed.stderr).toMatchObject({ code: 0 });
    expect(await served()).toBe('changed\n');
    await row('before the change').getByRole('button', { name: 'Roll back' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/Volume site-site would go back to snapshot/).waitFor(patience);
    await dialog.getByRole('button', { name: 'Roll back' }).click();
    await row('kept by a roll-back').filter({ hasText: 'available' }).waitFor(patience);
    expect(await eventually(served, (text) => text.includes('FloatLab'))).toContain('FloatLab');
    await shot('volume');
  });

  test('follows the log of a service as it is written', async () => {
    await go(page, `${daemon.url}/apps/default/site/logs`);
    const log = page.getByRole('log');
    await log.waitFor(patience);
    await daemon.cli('exec', 'site', 'web', '--', 'sh', '-c', 'echo a line of its own > /proc/1/fd/1');
    await log.getByText('a line of its own').waitFor(patience);
    await shot('logs');
  });

  test('sees every event as it happens, with who and why', async () => {
    await go(page, `${daemon.url}/activity`);
    await page.getByText('App site runs.').first().waitFor(patience);
    await shot('activity');
    await daemon.cli('volume', 'snapshot', 'site-site', '--as', 'live');
    await page.getByText('Snapshot live of site-site was taken.').first().waitFor(patience);
    await go(page, daemon.url);
    await page.getByTestId('sentence').waitFor(patience);
    await page.getByText('Nothing is wrong').first().waitFor(patience);
    await shot('overview');
  });

  test('is told at once when the daemon is gone, and goes on when it is back', async () => {
    await daemon.end('SIGTERM');
    await page
      .getByText(/disconnected|not connected|does not answer|no connection/i)
      .first()
      .waitFor(patience);
    await daemon.start();
    await page.getByText('Nothing is wrong').first().waitFor(patience);
    expect(person.complaints.filter((text) => !/Failed to load resource|WebSocket/.test(text))).toEqual([]);
  });
});
