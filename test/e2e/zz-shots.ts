import { chromium } from 'playwright-core';
import { mkdir } from 'node:fs/promises';
import { busyLab, emptyLab } from './seed.ts';
import { FakeBackend } from './fake-backend.ts';
const out = '/tmp/floatlab-shots';
await mkdir(out, { recursive: true });
const only = process.argv[2]?.split(',');
const lab = busyLab(12);
const b = await FakeBackend.start(lab, { initialPassword: false });
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
const pages: [string, string][] = [
  ['overview', '/'],
  ['apps', '/apps'],
  ['new', '/apps/new'],
  ['app', '/apps/default/photos'],
  ['app-volumes', '/apps/default/photos/volumes'],
  ['app-logs', '/apps/default/photos/logs'],
  ['app-compose', '/apps/default/photos/compose'],
  ['app-history', '/apps/default/photos/history'],
  ['app-why', '/apps/default/photos/why'],
  ['volumes', '/volumes'],
  ['volume', '/volumes/default/photos-db'],
  ['volume-why', '/volumes/default/photos-db/why'],
  ['nodes', '/nodes'],
  ['node', '/nodes/atlas'],
  ['schedules', '/schedules'],
  ['alerts', '/alerts'],
  ['activity', '/activity'],
  ['settings', '/settings'],
  ['past', '/?at=40'],
];
for (const scheme of (process.argv[3] ?? 'light,dark').split(',') as ('light' | 'dark')[]) {
  const ctx = await browser.newContext({
    viewport: process.argv[4] === 'phone' ? { width: 390, height: 844 } : { width: 1280, height: 800 },
    colorScheme: scheme,
    deviceScaleFactor: 1,
    reducedMotion: 'reduce',
  });
  await ctx.addCookies([b.signedIn()]);
  const page = await ctx.newPage();
  page.on('console', (m) => {
    if (m.type() === 'error' || m.type() === 'warning')
      console.log(scheme, 'console', m.type(), m.text(), m.location().url);
  });
  page.on('pageerror', (e) => console.log('pageerror', e.stack));
  for (const [n, u] of pages) {
    if (only && only[0] !== 'all' && !only.includes(n)) continue;
    await page.goto(b.url + u);
    await page.waitForTimeout(900);
    await page.screenshot({ path: `${out}/${process.argv[4] === 'phone' ? 'phone-' : ''}${scheme}-${n}.png` });
  }
  await ctx.close();
}
await browser.close();
await b.stop();
