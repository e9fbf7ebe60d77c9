/** The web app in a real browser, against a lab in memory: backups, where they go, and back. */
import { expect, it } from 'vitest';
import { emptyLab } from '../seed.ts';
import { describeWeb, heading, patience, row, shown } from './harness.ts';

describeWeb(({ open }) => {
  it('adds a bucket without ever showing its keys, backs a volume up to it, and brings it back as a new one', async () => {
    const { page, backend, lab } = await open('/backups', emptyLab());
    lab.run('create-volume', { name: 'letters', spec: { sizeBytes: 2 ** 30 } });
    await shown(page, 'Nothing leaves this lab yet');
    await page.getByRole('button', { name: 'Add a target' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('What it is').selectOption('s3');
    await dialog.getByRole('textbox', { name: 'Name' }).fill('cloud');
    await dialog.getByLabel('Endpoint').fill('s3.example.net');
    await dialog.getByText(/Write scheme, host and port/).waitFor(patience);
    await dialog.getByLabel('Endpoint').fill('https://s3.example.net');
    await dialog.getByRole('textbox', { name: /^Bucket/ }).fill('my-lab');
    const add = dialog.getByRole('button', { name: 'Add and look at it' });
    expect(await add.isDisabled()).toBe(true);
    await dialog.getByRole('textbox', { name: /^Access key/ }).fill('AKIA-OF-A-TEST');
    await dialog.getByRole('textbox', { name: /^Secret access key/ }).fill('hush-hush');
    await add.click();
    await dialog.waitFor({ state: 'detached', ...patience });
    await page.getByRole('link', { name: /^Targets/ }).click();
    await row(page, 'cloud').getByText('ready').waitFor(patience);
    expect(await page.content()).not.toContain('hush-hush');

    await page
      .getByRole('link', { name: /^Backups/ })
      .last()
      .click();
    await page.getByRole('button', { name: 'Back up now' }).first().click();
    await dialog.getByText(/Backup letters-.* would be asked for, to cloud/).waitFor(patience);
    await dialog.getByRole('button', { name: 'Back up', exact: true }).click();
    const made = row(page, 'letters');
    await made.getByText('good').waitFor(patience);
    await made.getByRole('button', { name: /^More for/ }).click();
    await page.getByRole('menuitem', { name: 'Restore…' }).click();
    expect(await dialog.getByLabel('Name of the new volume').inputValue()).toBe('letters-restored');
    await dialog.getByLabel('Only this file or folder').fill('../etc');
    await dialog.getByText('A path inside the volume').waitFor(patience);
    await dialog.getByRole('button', { name: 'Look what is in it' }).click();
    const content = dialog.getByRole('region', { name: 'What is in the backup' });
    await content.getByRole('button', { name: 'drafts', exact: true }).click();
    await content.getByText('2026.txt').waitFor(patience);
    await content.getByRole('button', { name: 'Up', exact: true }).click();
    await content.getByRole('button', { name: 'Only drafts' }).click();
    expect(await dialog.getByLabel('Only this file or folder').inputValue()).toBe('drafts');
    if (process.env['FLOATLAB_SHOTS'] !== undefined)
      await page.screenshot({ path: `${process.env['FLOATLAB_SHOTS']}/backup-content.png` });
    await dialog.getByText('Volume letters-restored would be created').waitFor(patience);
    await dialog.getByRole('button', { name: 'Restore into a new volume' }).click();
    await heading(page, 'letters-restored').waitFor(patience);
    expect(backend.asked.find(({ command, dryRun }) => !dryRun && command === 'restore-backup')).toMatchObject({
      input: { as: 'letters-restored', path: 'drafts' },
    });
  });

  it('puts an app back as a whole, step after step', async () => {
    const { page, backend } = await open('/apps/default/photos/backups');
    await page.getByRole('button', { name: 'Restore app photos as a whole' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('App photos is stopped.').waitFor(patience);
    await dialog.getByRole('button', { name: 'Restore photos' }).click();
    await dialog.getByText(/is as it was\./).waitFor({ timeout: 15_000 });
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    const asked = backend.asked.filter(({ dryRun }) => !dryRun).map(({ command }) => command);
    expect(asked).toEqual(['stop-app', 'restore-backup', 'restore-backup', 'start-app']);
  });
});
