/** The web app in a real browser, against a lab in memory: logs and terminal of an app. */
import { expect, it } from 'vitest';
import { describeWeb, patience, shown } from './harness.ts';

describeWeb(({ open }) => {
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
});
