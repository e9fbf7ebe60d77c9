/** Archives through the browser of a person in front of a real lab: far larger than what a page could hold comfortably. */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DaemonFixture } from '#test/daemon-fixture.ts';
import { missingBtrfs } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { chromiumPath, go, hasChromium, launch, visit } from '../browser.ts';

const patience = { timeout: 60_000 };
const missing = missingBtrfs() ?? (hasChromium ? undefined : chromiumPath);
const mebibyte = 2 ** 20;
const archiveBytes = 320 * mebibyte;

const hashOf = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
};

describeReal('archives of volumes in a browser before a real lab', missing, () => {
  let daemon: DaemonFixture;
  let folder: string;
  let browser: Browser;
  let page: Page;
  const dialog = () => page.getByRole('dialog');
  const choose = async (path: string): Promise<void> => {
    await go(page, `${daemon.url}/volumes/default/films/files`);
    await page.getByRole('button', { name: 'Import…' }).click();
    await dialog().getByLabel('Archive').setInputFiles(path);
    await dialog().getByText('What would happen').waitFor(patience);
  };

  beforeAll(async () => {
    daemon = await DaemonFixture.make(['--pool-size', '2GiB', '--no-sample', '--name', 'atlas', '--lab', 'home']);
    folder = await mkdtemp(join(tmpdir(), 'floatlab-archives-'));
    await mkdir(join(folder, 'films'));
    await writeFile(join(folder, 'films/one'), randomBytes(archiveBytes));
    await execa('tar', ['cf', join(folder, 'films.tar'), '-C', join(folder, 'films'), 'one']);
    // A hole: nothing that could be an archive, and long enough that one sees whether all of it is sent.
    await writeFile(join(folder, 'broken.tar'), 'this is no archive');
    await truncate(join(folder, 'broken.tar'), 64 * archiveBytes);
    await daemon.start();
    await daemon.login();
    const made = await daemon.cli('volume', 'create', 'films', '--size', '1GiB');
    expect(made, made.stderr).toMatchObject({ code: 0 });
    browser = await launch();
    page = (await visit(browser)).page;
    await go(page, daemon.url);
    await page.getByLabel('Name').fill('admin');
    await page.getByLabel('Password', { exact: true }).fill(daemon.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('article', { name: 'atlas' }).waitFor(patience);
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await daemon?.dispose();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }, 120_000);

  test('an archive of hundreds of megabytes comes in', async () => {
    await choose(join(folder, 'films.tar'));
    await dialog().getByRole('button', { name: 'Import', exact: true }).click();
    await dialog()
      .getByText(/has what was imported: 1 file, 320 MiB/)
      .waitFor(patience);
    const ran = await daemon.cli('files', 'get', 'films', 'one', '--file', join(folder, 'back'));
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    expect(await hashOf(join(folder, 'back'))).toBe(await hashOf(join(folder, 'films/one')));
  });

  test('one that is refused is said to be so long before all of it was sent, and the volume is as it was', async () => {
    await choose(join(folder, 'broken.tar'));
    await dialog().getByLabel('Replace everything in it').check();
    await dialog().getByRole('button', { name: 'Replace and import' }).click();
    await dialog()
      .getByRole('alert')
      .getByText(/failed/)
      .waitFor(patience);
    const listed = await daemon.cli('files', 'ls', 'films', '-q');
    expect(listed.stdout).toBe('one\n');
  });

  test('one that is canceled leaves the volume as it was', async () => {
    await choose(join(folder, 'films.tar'));
    await dialog().getByLabel('Replace everything in it').check();
    await dialog().getByRole('button', { name: 'Replace and import' }).click();
    await dialog().getByRole('button', { name: 'Cancel the import' }).click();
    await expect.poll(async () => (await daemon.cli('volume', 'show', 'films')).stdout, patience).toMatch(/ready/);
    expect((await daemon.cli('files', 'ls', 'films', '-q')).stdout).toBe('one\n');
  });

  test('all of it goes out again, into a file that the browser writes piece by piece', async () => {
    // What the browser asks a person for is given here: a file of the page's own.
    await page.addInitScript(() => {
      Object.assign(globalThis, {
        showSaveFilePicker: async ({ suggestedName }: { suggestedName: string }) =>
          (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true }),
      });
    });
    await go(page, `${daemon.url}/volumes/default/films/files`);
    await page.getByRole('button', { name: 'Export…' }).click();
    await dialog().getByRole('button', { name: 'Export as a tar' }).click();
    await dialog()
      .getByText(/Done: .* are in the file/)
      .waitFor(patience);
    const size = await page.evaluate(async () => {
      const root = await navigator.storage.getDirectory();
      return (await (await root.getFileHandle('films.tar')).getFile()).size;
    });
    expect(size).toBeGreaterThan((await stat(join(folder, 'films/one'))).size);
  });
});
