/** The web app in a real browser, against a lab in memory: targets of backups, schedules to them, what fails, and the kit. */
import { expect, it } from 'vitest';
import { describeWeb, heading, patience, row, shown } from './harness.ts';

describeWeb(({ open }) => {
  it('looks at a target, reads its newest back, changes what it keeps, prunes and forgets it', async () => {
    const { page, backend, lab } = await open('/backups/targets/usb');
    const dialog = page.getByRole('dialog');
    const menu = async (item: string): Promise<void> => {
      await page.getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: item }).click();
    };
    lab.failNext('check-backup-target', {
      code: 'POOL_MISSING',
      message: 'there is no folder /mnt/usb/backups',
      hint: 'Is its disk mounted?',
    });
    await page.getByRole('button', { name: 'Look at it' }).click();
    await shown(page, 'there is no folder /mnt/usb/backups');
    await shown(page, 'Is its disk mounted?');
    await page.getByRole('button', { name: 'Look at it' }).click();
    await page.locator('header').getByText('ready').waitFor(patience);

    await menu('Read the newest back…');
    await dialog.getByText(/2 backups, .* of content/).waitFor(patience);
    await dialog.getByRole('button', { name: 'Read back' }).click();
    await dialog.waitFor({ state: 'detached', ...patience });
    await menu('Change…');
    await dialog.getByLabel('The newest is read back again every').fill('often');
    await dialog.getByText('Write a number with its unit: 30d, 12h.').waitFor(patience);
    await dialog.getByLabel('The newest is read back again every').fill('');
    await dialog.getByLabel('Which backups of each volume stay').fill('30d:1d');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await shown(page, '30d:1d');
    await page.locator('header').getByText('ready').waitFor(patience);
    await menu('Prune…');
    await dialog.getByRole('button', { name: 'Prune' }).click();
    await dialog.waitFor({ state: 'detached', ...patience });

    await menu('Forget…');
    await dialog.getByText(/Schedule photos-backup makes backups to usb/).waitFor(patience);
    lab.run('remove-schedule', { name: 'photos-backup' });
    await dialog.getByText(/The lab forgets 2 backups in usb/).waitFor(patience);
    await dialog.getByRole('button', { name: 'Forget it' }).click();
    await heading(page, 'Backup targets').waitFor(patience);
    await row(page, 'usb').waitFor({ state: 'detached', ...patience });
    expect(
      backend.asked
        .filter(({ dryRun }) => !dryRun)
        .map(({ command, input }) => [command, (input as { name: string }).name]),
    ).toEqual([
      ['test-backup-target', 'usb'],
      ['test-backup-target', 'usb'],
      ['verify-backup', expect.stringMatching(/^photos-db-/)],
      ['verify-backup', expect.stringMatching(/^photos-originals-/)],
      ['change-backup-target', 'usb'],
      ['prune-backup-target', 'usb'],
      ['remove-backup-target', 'usb'],
    ]);
    expect(backend.asked.find(({ command }) => command === 'change-backup-target')).toMatchObject({
      input: { keep: '30d:1d', verifyEveryMs: 0 },
    });
  });

  it('repeats backups every night, to a target that is chosen', async () => {
    const { page, backend } = await open('/volumes/default/backup-data/backups');
    await shown(page, 'Nothing of it is outside of the lab');
    await page.getByRole('button', { name: 'Every night…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('To', { exact: true }).selectOption('usb');
    await dialog.getByText('It keeps 7d:1d 8w:1w there, of each volume.').waitFor(patience);
    await dialog.getByRole('button', { name: 'Add schedule' }).click();
    await row(page, 'backup-data-backup').getByText('every day at 03:30').waitFor(patience);
    expect(backend.asked.at(-1)).toMatchObject({
      command: 'create-schedule',
      input: { volume: 'backup-data', backupTo: 'usb', cron: '30 3 * * *' },
    });
    await page.getByRole('link', { name: 'Schedules' }).first().click();
    await row(page, 'backup-data-backup').getByText('backs up').waitFor(patience);
  });

  it('hands out the kit, and opens the backups of another lab with one', async () => {
    const { page, backend } = await open('/backups/targets');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download the kit' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('floatlab-backup-kit.json');
    await page.getByRole('button', { name: 'Open another lab’s backups…' }).click();
    const dialog = page.getByRole('dialog');
    const file = (content: string) => ({
      name: 'kit.json',
      mimeType: 'application/json',
      buffer: Buffer.from(content),
    });
    await dialog.getByLabel('Its recovery kit').setInputFiles(file('{}'));
    await dialog.getByText('This is no recovery kit.').waitFor(patience);
    const target = { name: 'usb', where: '/mnt/usb on old', store: { kind: 'directory', path: '/mnt/usb' } };
    const kit = JSON.stringify({ floatlabBackupKit: 1, lab: 'old', keys: {}, targets: [target] });
    await dialog.getByLabel('Its recovery kit').setInputFiles(file(kit));
    await dialog.getByRole('textbox', { name: 'Its recovery key' }).fill('word word word');
    await dialog.getByLabel('What it is called here').fill('old-usb');
    await dialog.getByLabel('On the node').selectOption('atlas');
    await dialog.getByRole('button', { name: 'Open' }).click();
    await dialog.waitFor({ state: 'detached', ...patience });
    expect(backend.attached).toEqual([
      { kit, recoveryKey: 'word word word', target: 'usb', as: 'old-usb', path: '/mnt/usb', node: 'atlas' },
    ]);
  });

  it('shows how far a backup is, what is wrong with one, and asks for its name before it removes it', async () => {
    const { page, lab } = await open('/volumes/default/wiki-data/backups');
    lab.failNext('write-backup', { code: 'FULL', message: 'there is no room in usb', hint: 'Make some room.' });
    lab.hold();
    await page.getByRole('button', { name: 'Back up now' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('To').selectOption('usb');
    await dialog.getByText('What would happen').waitFor(patience);
    await dialog.getByRole('button', { name: 'Back up', exact: true }).click();
    const mine = row(page, 'usb').first();
    await mine.getByText('waiting for its snapshot').waitFor(patience);
    lab.release();
    await shown(page, 'there is no room in usb');
    await shown(page, 'Make some room.');
    await mine.getByRole('button', { name: /^More for/ }).click();
    await page.getByRole('menuitem', { name: 'Remove…' }).click();
    const remove = dialog.getByRole('button', { name: 'Remove backup' });
    await dialog
      .getByText(/is being removed|would be removed/)
      .first()
      .waitFor(patience);
    expect(await remove.isDisabled()).toBe(true);
    const name = (await dialog.locator('label code').textContent()) ?? '';
    await dialog.getByLabel(/Data will be lost/).fill(name);
    await remove.click();
    await row(page, name).waitFor({ state: 'detached', ...patience });
  });
});
