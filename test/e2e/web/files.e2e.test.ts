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

  it('says so when what is looked at is gone', async () => {
    const { page } = await open(`${files}?path=config&snapshot=gone`);
    await shown(page, /is not there/);
    await page.getByRole('button', { name: 'Look again' }).waitFor(patience);
    await open(`${files}?path=nothing`);
  });
});
