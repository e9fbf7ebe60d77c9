/**
 * What the browser tests of the web app share. Each file has a browser of its own, each test a lab, a backend on a free
 * port and a fresh profile of its own: files may run beside each other.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach } from 'vitest';
import { describeReal } from '#test/real.ts';
import { chromiumPath, go, hasChromium, launch, visit, type Visit, type VisitOptions } from '../browser.ts';
import { FakeBackend } from '../fake-backend.ts';
import type { FakeLab } from '../fake-lab.ts';
import { busyLab } from '../seed.ts';

/** What a screen may take to show something, on a busy machine. */
export const patience = { timeout: 8000 };

export interface Opened extends Visit {
  readonly backend: FakeBackend;
  readonly lab: FakeLab;
}

export interface OpenOptions extends VisitOptions {
  readonly initialPassword?: boolean;
  /** Machines of a simulated lab, by name. */
  readonly simulated?: readonly string[];
}

export interface Web {
  /** A browser that is signed in and stands at an address of a lab of its own. */
  open(path: string, lab?: FakeLab, options?: OpenOptions): Promise<Opened>;
  /** A browser that has been nowhere yet. */
  stranger(options?: VisitOptions): Promise<Visit>;
  /** Is done after the test, the last one first. */
  after(cleanup: () => Promise<void>): void;
}

/** A file of tests on the web app; skipped where there is no Chromium. */
export function describeWeb(body: (web: Web) => void): void {
  describeReal('the web app', hasChromium ? undefined : chromiumPath, () => {
    let browser: Promise<Browser> | undefined;
    const cleanups: (() => Promise<void>)[] = [];
    afterAll(async () => (await browser)?.close());
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
    });

    const after = (cleanup: () => Promise<void>): void => void cleanups.push(cleanup);
    const stranger = async (options?: VisitOptions): Promise<Visit> => {
      const visited = await visit(await (browser ??= launch()), options);
      after(() => visited.close());
      return visited;
    };
    const open = async (path: string, lab = busyLab(), options: OpenOptions = {}): Promise<Opened> => {
      const backend = await FakeBackend.start(lab, { initialPassword: options.initialPassword ?? false });
      if (options.simulated) backend.power = new Map(options.simulated.map((name) => [name, 'on']));
      after(() => backend.stop());
      const { cookie, key } = backend.signedIn();
      const visited = await stranger({ cookie, ...options });
      await visited.page.addInitScript((value) => {
        if (localStorage.getItem('floatlab.page-key') === null) localStorage.setItem('floatlab.page-key', value);
      }, key);
      await go(visited.page, backend.url + path);
      return { ...visited, backend, lab };
    };
    body({ open, stranger, after });
  });
}

export const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name, exact: true });
export const row = (page: Page, text: string) => page.getByRole('row').filter({ hasText: text });
export const shown = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor(patience);

/** Goes on inside the loaded app, as its links do: a tenth of the work of loading it again. `settled` waits for it. */
export async function walk(page: Page, path: string): Promise<void> {
  await page.evaluate((to) => {
    if (location.pathname + location.search !== to) history.pushState(undefined, '', to);
  }, path);
}

/**
 * Waits until the screen has come to rest: the lab has answered, the fonts are there, nothing moves, and no element has
 * come, gone or been given another look for a moment. Words may change: ages grow each second.
 * @throws after some seconds, with what was not at rest
 */
export async function settled(page: Page): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const unrest = await page.evaluate(unrestOf, patience.timeout);
      if (unrest === undefined) return;
      throw new Error(`${page.url()} did not come to rest: ${unrest}`);
    } catch (error) {
      // A part of the app did not arrive because the machine's networks changed: it has loaded itself again.
      if (attempt === 4 || !String(error).includes('context was destroyed')) throw error;
      await page.waitForLoadState();
    }
  }
}

/** Runs in the page. @returns what is not at rest when the patience has ended */
async function unrestOf(patienceMs: number): Promise<string | undefined> {
  const quietMs = 60;
  const untilQuiet = () =>
    new Promise<string | undefined>((resolve) => {
      const end = (unrest?: string): void => {
        clearTimeout(timer);
        observer.disconnect();
        resolve(unrest);
      };
      const observer = new MutationObserver(([first]) => end(`${first?.target.nodeName} changes`));
      const timer = setTimeout(end, quietMs);
      observer.observe(document, { subtree: true, childList: true, attributes: true });
    });
  const moving = (): string | undefined => {
    if (document.querySelector('#root > *') === null || document.querySelector('[aria-label="Loading"]'))
      return 'something loads';
    if (document.querySelector('header [role=status][data-state=connecting]')) return 'the page connects';
    return document.getAnimations().some(({ playState }) => playState === 'running') ? 'something moves' : undefined;
  };
  await document.fonts.ready;
  for (const end = performance.now() + patienceMs; ;) {
    const unrest = moving() ?? (await untilQuiet()) ?? moving();
    if (unrest === undefined || performance.now() > end) return unrest;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
