/** The web app in a real browser, against a lab in memory: files of a volume, now and as they were. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { describeWeb, patience, row, shown } from './harness.ts';

const files = '/volumes/default/photos-db/files';

describeWeb(({ open }) => {
  it('goes down into folders and back up, with the way in the address', async () => {
    const { page } = await open(files);
    await row(page, 'README.md').waitFor(patience);
    await page.getByRole('link', { name: 'library' }).click();
    await page.getByRole('link', { name: '2026' }).click();
    await page.getByRole('link', { name: 'november' }).click();
    await row(page, 'sunrise over the bay').waitFor(patience);
    expect(decodeURIComponent(page.url())).toContain('path=library/2026/november');
    const crumbs = page.getByRole('navigation', { name: 'Folder' });
    await crumbs.getByRole('link', { name: 'library' }).click();
    await shown(page, '→ 2026/november');
    await page.goBack();
    await row(page, 'sunrise over the bay').waitFor(patience);
  });

  it('shows a large folder page by page', async () => {
    const { page } = await open(`${files}?path=many`);
    await page.getByText('500 and more').waitFor(patience);
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.getByText('620', { exact: true }).waitFor(patience);
    expect(await page.getByRole('button', { name: 'Show more' }).count()).toBe(0);
  });

  it('downloads a file, byte for byte', async () => {
    const { page } = await open(`${files}?path=config`);
    const [download] = await Promise.all([
      page.waitForEvent('download', patience),
      page.getByRole('button', { name: 'Download app.ini' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('app.ini');
    expect(await readFile(await download.path(), 'utf8')).toBe('port = 8080\nworkers = 4\n');
  });

  it('shows a snapshot, what has changed since, and brings a file back after saying what that means', async () => {
    const { page, backend } = await open(files);
    await row(page, 'README.md').waitFor(patience);
    await page.getByLabel('Show').selectOption({ index: 1 });
    await row(page, 'notes.txt').waitFor(patience);
    expect(await row(page, 'README.md').count()).toBe(0);
    await page.getByLabel('Compare with').selectOption('now');
    await row(page, 'config/app.ini').filter({ hasText: 'changed' }).waitFor(patience);
    await row(page, 'notes.txt').filter({ hasText: 'removed' }).waitFor(patience);
    await page.getByLabel('Compare with').selectOption('');
    await row(page, 'config').getByRole('button', { name: 'Restore' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('config/app.ini').waitFor(patience);
    await dialog.getByText(/Nothing is replaced/).waitFor(patience);
    await dialog.getByLabel('Into the folder').fill('../out');
    await dialog.getByText(/without "\.\."/).waitFor(patience);
    await dialog.getByLabel('Into the folder').fill('');
    await dialog.getByText('Replace what is there').click();
    await dialog.getByText('What is replaced is gone.').waitFor(patience);
    await dialog.getByRole('button', { name: 'Restore' }).click();
    await dialog.waitFor({ state: 'detached', ...patience });
    const asked = backend.asked.filter(({ command, dryRun }) => command === 'restore-files' && !dryRun);
    expect(asked).toHaveLength(1);
    await page.getByRole('link', { name: 'History' }).click();
    await shown(page, /config came back to volume photos-db from/);
  });

  it('brings several files back at once, and what takes long can be canceled from the tray', async () => {
    const { page, backend, lab } = await open(files);
    await page.getByLabel('Show').selectOption({ index: 1 });
    await page.getByLabel('Choose notes.txt').check();
    await page.getByLabel('Choose config').check();
    await page.getByRole('button', { name: 'Restore 2 chosen' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('config/app.ini').waitFor(patience);
    lab.hold();
    await dialog.getByRole('button', { name: 'Restore' }).click();
    await dialog.waitFor({ state: 'detached', ...patience });
    expect(await page.getByLabel('Choose config').isChecked()).toBe(false);
    const asked = () => backend.asked.filter(({ dryRun }) => !dryRun);
    expect(asked().at(-1)).toMatchObject({ command: 'restore-files', input: { paths: ['notes.txt', 'config'] } });
    await page
      .getByRole('region', { name: 'Operations' })
      .getByRole('button', { name: /^Cancel/ })
      .click();
    await expect.poll(() => asked().at(-1)?.command, patience).toBe('cancel-operation');
    lab.release();
    await expect.poll(() => lab.view.list('transfer'), patience).toEqual([]);
  });

  it('says so when what is looked at is gone', async () => {
    const { page } = await open(`${files}?path=config&snapshot=gone`);
    await shown(page, /is not there/);
    await page.getByRole('button', { name: 'Look again' }).waitFor(patience);
    await open(`${files}?path=nothing`);
  });

  it('fills a volume from a tar after saying what goes, shows how far it is, and can be canceled', async () => {
    const { page, backend, lab } = await open('/volumes/default/backup-data/files');
    await page.getByRole('button', { name: 'Import…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Import into backup-data' });
    await dialog.getByText(/The volume is not empty.* It holds/).waitFor(patience);
    const send = dialog.getByRole('button', { name: 'import', exact: false }).last();
    const archive = (bytes: Buffer) => ({ name: 'backup.tar', mimeType: 'application/x-tar', buffer: bytes });
    await dialog.getByLabel('Archive').setInputFiles(archive(Buffer.from([0x1f, 0x8b, 8, 0])));
    await dialog.getByText('This is compressed with gzip.').waitFor(patience);
    await dialog.getByLabel('Archive').setInputFiles(archive(Buffer.alloc(2 ** 20)));
    expect(await send.isDisabled()).toBe(true);
    await dialog.getByLabel('Replace everything in it').check();
    await dialog.getByText('What would happen').waitFor(patience);
    // While the lab has not said that it is done, it is not.
    lab.hold();
    await dialog.getByRole('button', { name: 'Replace and import' }).click();
    await dialog.getByRole('progressbar').waitFor(patience);
    await dialog.getByText('1 MiB of 1 MiB').waitFor(patience);
    await page.keyboard.press('Escape');
    await dialog.getByRole('button', { name: 'Cancel the import' }).click();
    await expect.poll(() => backend.archives, patience).toMatchObject([{ isWhole: false, replace: true }]);
    lab.release();
    await expect.poll(() => lab.view.byName('volume', 'default', 'backup-data')?.state, patience).toBe('ready');
    await dialog.getByRole('button', { name: 'Replace and import' }).click();
    await dialog.getByText(/has what was imported: 3 files, 1 MiB/).waitFor(patience);
    expect(backend.archives.at(-1)).toMatchObject({ bytes: 2 ** 20, isWhole: true });
  });

  it('exports a volume as a tar into a file of any size', async () => {
    const { page, backend } = await open(files);
    // What the browser asks a person for is given here: a file of the page's own.
    await page.addInitScript(() => {
      Object.assign(globalThis, {
        showSaveFilePicker: async ({ suggestedName }: { suggestedName: string }) =>
          (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true }),
      });
    });
    await page.goto(backend.url + files);
    await page.getByRole('button', { name: 'Export…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Export photos-db' });
    await dialog.getByRole('button', { name: 'Export as a tar' }).click();
    await dialog.getByText(/Done: .* are in the file/).waitFor(patience);
    const size = await page.evaluate(async () => {
      const folder = await navigator.storage.getDirectory();
      return (await (await folder.getFileHandle('photos-db.tar')).getFile()).size;
    });
    expect(size % 512).toBe(0);
    expect(size).toBeGreaterThan(300_000);
  });
});
