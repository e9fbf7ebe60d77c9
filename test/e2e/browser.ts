/** A real browser for the tests: started once a file, one fresh profile a test, and an ear for everything that goes wrong in it. */
import axe from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { existsSync } from 'node:fs';

/** Chromium without windows draws the same pages for two thirds of the work. */
const headlessShell = '/usr/lib/chromium/chromium-headless-shell';
export const chromiumPath = existsSync(headlessShell) ? headlessShell : '/usr/bin/chromium';
export const hasChromium = existsSync(chromiumPath);

/** Of several such lists the last one counts: these two beside those that Playwright does without. */
const withoutFeatures = [
  // Two hidden pages of the address bar that nobody sees, in every window: a third of the work of these tests.
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
  'AimEnabled',
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsFirstBalancedModeAutoEnable',
  'HttpsUpgrades',
  'LensOverlay',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'PreconnectToSearch',
  'TcpPortRandomizationWin',
  'ThirdPartyStoragePartitioning',
];

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--disable-features=${withoutFeatures.join()}`,
    ],
  });

export interface Visit {
  readonly page: Page;
  /** Errors and warnings of the console, exceptions, and refusals of the content-security policy. */
  readonly complaints: string[];
  close(): Promise<void>;
}

export interface VisitOptions {
  readonly cookie?: { readonly name: string; readonly value: string; readonly url: string };
  readonly scheme?: 'light' | 'dark';
  readonly phone?: boolean;
  readonly motion?: boolean;
}

/** Networks that come and go on the machine (other tests make some) make Chromium drop what it is loading. */
const isWeather = (text: string): boolean => text.includes('ERR_NETWORK_CHANGED');

export async function visit(browser: Browser, options: VisitOptions = {}): Promise<Visit> {
  const context: BrowserContext = await browser.newContext({
    viewport: options.phone ? { width: 390, height: 844 } : { width: 1280, height: 800 },
    colorScheme: options.scheme ?? 'light',
    reducedMotion: options.motion ? 'no-preference' : 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  if (options.cookie) await context.addCookies([options.cookie]);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    const text = message.text();
    // Of a request that failed the browser names the address beside the words, not in them.
    if (!isWeather(text))
      complaints.push(text.startsWith('Failed to load') ? `${text} ${message.location().url}` : text);
  });
  page.on('pageerror', (error) => complaints.push(error.stack ?? error.message));
  return { page, complaints, close: () => context.close() };
}

/** Goes there and waits until something is shown; once more when the network changed under the browser. */
export async function go(page: Page, url: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await page.goto(url);
      await page.locator('#root > *').first().waitFor({ timeout: 15_000 });
      return;
    } catch (error) {
      if (attempt === 4) throw error;
    }
  }
}

/** What axe finds on the page, as short lines; empty when it is accessible. */
export async function accessibilityProblems(page: Page): Promise<readonly string[]> {
  // Brought by the debugger's own door: the page's policy allows no foreign scripts, and shall not.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe: engine } = globalThis as unknown as { axe: typeof axe };
    const { violations } = await engine.run(document, {
      resultTypes: ['violations'],
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${help} at ${target.join(' ')} ${failureSummary ?? ''}`),
    );
  });
}
