/** The web app in a real browser, against a lab in memory: every button of every screen. */
import { expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { go } from '../browser.ts';
import { describeWeb, settled } from './harness.ts';
import { screens } from './screens.ts';

describeWeb(({ open }) => {
  it('complains about nothing, whatever one clicks', async () => {
    const { page, backend, complaints } = await open('/');
    // Schemas are not compiled: the policy would forbid it, and say so on the first one that is parsed.
    expect(
      await page.evaluate(
        () => (globalThis as { __zod_globalConfig?: { jitless?: boolean } }).__zod_globalConfig?.jitless,
      ),
    ).toBe(true);
    let clicks = 0;
    for (const path of screens.filter((one) => one !== '/nowhere')) {
      await go(page, backend.url + path);
      await settled(page);
      clicks += await clickAll(page);
      // What is still being loaded would be missing on the way out.
      await settled(page);
    }
    // A plan that the lab refuses, because an app still uses its volume, is an answer; the browser logs it all the same.
    const isRefusedPlan = (one: string): boolean => /409 \(Conflict\).*\/import\?.*dryRun=true/.test(one);
    expect(complaints.filter((one) => !isRefusedPlan(one)).join('\n')).toBe('');
    expect(clicks).toBeGreaterThan(200);
  }, 600_000);
});

/**
 * Clicks every button of a screen, at most forty, and closes what opens over it. Inside the page: a hundred times to the
 * browser and back for one click would be a test of its patience. A click that leads elsewhere is taken back.
 * @returns how many were clicked
 */
const clickAll = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const here = location.pathname + location.search;
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    const buttons = () =>
      [...document.querySelectorAll<HTMLButtonElement>('main button, header button')].filter((one) =>
        one.checkVisibility(),
      );
    const press = (button: HTMLElement): void => {
      const init = { bubbles: true, cancelable: true, composed: true, pointerType: 'mouse', button: 0 };
      for (const type of ['pointerover', 'pointerenter', 'pointermove', 'pointerdown'])
        button.dispatchEvent(new PointerEvent(type, init));
      button.dispatchEvent(new MouseEvent('mousedown', init));
      button.focus();
      button.dispatchEvent(new PointerEvent('pointerup', init));
      button.dispatchEvent(new MouseEvent('mouseup', init));
      button.click();
      button.dispatchEvent(new PointerEvent('pointerout', init));
    };
    const escape = async (): Promise<void> => {
      const from = document.activeElement ?? document.body;
      for (const type of ['keydown', 'keyup'])
        from.dispatchEvent(new KeyboardEvent(type, { key: 'Escape', code: 'Escape', bubbles: true, cancelable: true }));
      await pause(0);
    };
    const isCovered = () =>
      [...document.querySelectorAll('[role=dialog], [role=menu]')].some((one) => one.checkVisibility());

    let clicked = 0;
    const count = Math.min(40, buttons().length);
    for (let n = 0; n < count; n++) {
      const button = buttons()[n];
      if (!button || button.disabled || button.ariaDisabled === 'true') continue;
      press(button);
      clicked++;
      await pause(30);
      await escape();
      for (let tries = 0; tries < 20 && isCovered(); tries++) {
        await pause(10);
        await escape();
      }
      if (location.pathname + location.search === here) continue;
      history.pushState(undefined, '', here);
      await pause(100);
    }
    return clicked;
  });
