import { chromium, type Page } from 'playwright-core';
import { busyLab, emptyLab } from './seed.ts';
import { FakeBackend } from './fake-backend.ts';
const out = '/tmp/floatlab-shots';
const scheme = (process.argv[2] ?? 'light') as 'light' | 'dark';
const lab = busyLab(12);
const b = await FakeBackend.start(lab, { initialPassword: true });
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
const ctx = await browser.newContext({
  viewport: { width: 1280, height: 800 },
  colorScheme: scheme,
  reducedMotion: 'reduce',
});
await ctx.addCookies([b.signedIn()]);
const page = await ctx.newPage();
page.on('console', (m) => {
  if (m.type() === 'error' || m.type() === 'warning') console.log('console', m.type(), m.text());
});
page.on('pageerror', (e) => console.log('pageerror', e.stack));
const shot = async (n: string) => {
  await page.waitForTimeout(400);
  await page.screenshot({ path: `${out}/${scheme}-s-${n}.png` });
};
const step = async (n: string, f: () => Promise<void>) => {
  try {
    await f();
    await shot(n);
  } catch (e: any) {
    console.log(n, 'FAILED', e.message.slice(0, 300));
    await shot(n + '-failed');
  }
};
await page.goto(b.url + '/volumes/default/photos-db');
await page.waitForTimeout(800);
await step('timeline', async () => {
  const band = page.getByRole('slider', { name: 'Snapshots by time' });
  const box = (await band.boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.3, box.y + 20);
});
await step('rollback', async () => {
  await page.getByRole('button', { name: 'Roll back' }).nth(2).click();
  await page.waitForTimeout(300);
});
await step('snapshot', async () => {
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Snapshot now' }).click();
});
await step('volume-menu', async () => {
  await page.keyboard.press('Escape');
  await page.waitForTimeout(200);
  await page.getByRole('button', { name: 'More actions' }).click();
});
await step('change', async () => {
  await page.getByRole('menuitem', { name: 'Size and retention' }).click();
});
await step('palette', async () => {
  await page.keyboard.press('Escape');
  await page.waitForTimeout(200);
  await page.keyboard.press('Control+k');
  await page.waitForTimeout(300);
  await page.keyboard.type('ph');
});
await step('time', async () => {
  await page.keyboard.press('Escape');
  await page.waitForTimeout(200);
  await page.getByRole('button', { name: /Look at the past/ }).click();
});
await page.goto(b.url + '/apps/default/photos');
await page.waitForTimeout(600);
await step('remove', async () => {
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Remove' }).click();
  await page.getByRole('checkbox').check();
});
await page.keyboard.press('Escape');
lab.hold();
await step('tray', async () => {
  await page.getByRole('button', { name: 'Restart' }).click();
  await page.waitForTimeout(500);
});
lab.release();
await page.waitForTimeout(1500);
await shot('tray-done');
lab.failNext('start-instance', {
  code: 'IMAGE_NOT_FOUND',
  message: 'Image ghcr.io/example/photos:4.2.1 does not exist in the registry.',
  hint: 'Look at the tag, or sign in to the registry.',
});
await step('failed', async () => {
  await page.getByRole('button', { name: 'Restart' }).click();
  await page.waitForTimeout(1500);
});
await page.goto(b.url + '/');
await page.waitForTimeout(700);
await shot('overview-alert');
await page.goto(b.url + '/apps/new');
await page.waitForTimeout(500);
await step('new-example', async () => {
  await page.getByRole('button', { name: 'Begin with an example' }).click();
  await page.waitForTimeout(900);
});
await step('new-findings', async () => {
  const t = page.getByLabel('Compose file').first();
  await t.fill(
    'name: notes\nservices:\n  web:\n    image: nginx:1.27\n    prots:\n      - "8080:80"\n    volumes:\n      - pages:/x\n',
  );
  await page.waitForTimeout(1000);
});
await page.goto(b.url + '/activity');
await page.waitForTimeout(600);
await step('activity-open', async () => {
  await page
    .getByRole('button', { name: /Details of event/ })
    .nth(3)
    .click();
});
await page.goto(b.url + '/apps/default/wiki/why');
await page.waitForTimeout(700);
await shot('why');
await page.goto(b.url + '/volumes/default/photos-db/why');
await page.waitForTimeout(700);
await shot('volume-why');
await page.goto(b.url + '/nodes/atlas/why');
await page.waitForTimeout(700);
await shot('node-why');
b.cut();
await page.waitForTimeout(2500);
await shot('cut');
b.mend();
await page.waitForTimeout(500);
b.signOutAll();
await page.waitForTimeout(1500);
await shot('signed-out');
await page.getByLabel('Password', { exact: true }).fill('nope');
await page.getByRole('button', { name: 'Sign in' }).click();
await page.waitForTimeout(400);
await shot('wrong');
await browser.close();
await b.stop();
