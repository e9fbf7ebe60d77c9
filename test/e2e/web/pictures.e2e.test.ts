/** The web app in a real browser, against a lab in memory: pictures of every screen, for people: FLOATLAB_SHOTS names their folder. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'vitest';
import { go } from '../browser.ts';
import { busyLab } from '../seed.ts';
import { describeWeb } from './harness.ts';
import { screens } from './screens.ts';

describeWeb(({ open }) => {
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
