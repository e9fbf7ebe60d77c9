/** The web app in a real browser, against a lab in memory: what is around every screen: search, theme, the glow of what changed, teaching where there is nothing yet, phones. */
import { expect, it } from 'vitest';
import { busyLab, emptyLab } from '../seed.ts';
import { describeWeb, heading, patience, row, settled, shown, walk } from './harness.ts';
import { screens } from './screens.ts';

describeWeb(({ open }) => {
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

  it('teaches on empty screens: what it is, one command, one button', async () => {
    const { page } = await open('/', emptyLab());
    await shown(page, 'Your first app');
    await shown(page, 'floatlab up -f compose.yaml');
    for (const [path, text] of [
      ['/apps', 'Your first app'],
      ['/volumes', 'No data yet'],
      ['/schedules', 'Nothing is repeated yet'],
      ['/alerts', 'Nothing is wrong'],
    ] as const) {
      await walk(page, path);
      await shown(page, text);
    }
  });

  it('fits a phone: the bar is below, tables are cards, nothing is wider than the screen', async () => {
    const { page } = await open('/', busyLab(), { phone: true });
    await page.getByRole('navigation', { name: 'Places' }).getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: 'Nodes' }).click();
    await heading(page, 'Nodes').waitFor(patience);
    for (const path of screens) {
      await walk(page, path);
      await settled(page);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overflow, path).toBeLessThanOrEqual(0);
    }
    await walk(page, '/apps');
    const card = row(page, 'photos');
    await card.waitFor(patience);
    expect((await card.boundingBox())?.height).toBeGreaterThan(80);
  });

  it('shows which keys there are, but not to somebody who writes a question mark', async () => {
    const { page } = await open('/apps');
    await row(page, 'photos').waitFor(patience);
    await page.keyboard.press('?');
    const keys = page.getByRole('dialog', { name: 'Keys' });
    await keys.getByText('Go to an app, a volume, a node, a screen').waitFor(patience);
    await keys.getByText('To the next row').waitFor(patience);
    await page.keyboard.press('Escape');
    await keys.waitFor({ state: 'detached', ...patience });
    await page.keyboard.press('/');
    await page.keyboard.type('?');
    await settled(page);
    expect(new URL(page.url()).search).toBe('?q=%3F');
    expect(await keys.count()).toBe(0);
    await page.getByRole('button', { name: 'Signed in as admin' }).click();
    await page.getByRole('menuitem', { name: 'Keys' }).click();
    await keys.waitFor(patience);
  });
});
