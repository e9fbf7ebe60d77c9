/** The web app in a real browser, against a lab in memory: schedules, and the time zone that they go by. */
import { expect, it } from 'vitest';
import { emptyLab } from '../seed.ts';
import { describeWeb, patience, row, shown } from './harness.ts';

describeWeb(({ open }) => {
  it('suspends, resumes and removes schedules', async () => {
    const { page } = await open('/schedules');
    const nightly = row(page, 'wiki-nightly');
    await nightly.getByText('every day at 02:30').waitFor(patience);
    const choose = async (name: string): Promise<void> => {
      await nightly.getByRole('button', { name: 'More for wiki-nightly' }).click();
      await page.getByRole('menuitem', { name }).click();
    };
    await choose('Suspend');
    await nightly.getByText('suspended').waitFor(patience);
    await choose('Resume');
    await nightly.getByText('active').waitFor(patience);
    await choose('Remove');
    await page.getByRole('dialog').getByRole('button', { name: 'Remove schedule' }).click();
    await nightly.waitFor({ state: 'detached', ...patience });
  });

  it('changes when a schedule runs, and of backups how long they stay', async () => {
    const { page, backend } = await open('/schedules');
    const dialog = page.getByRole('dialog');
    const edit = async (name: string): Promise<void> => {
      await row(page, name)
        .getByRole('button', { name: `More for ${name}` })
        .click();
      await page.getByRole('menuitem', { name: 'Change' }).click();
    };
    await edit('wiki-nightly');
    const save = dialog.getByRole('button', { name: 'Change schedule' });
    expect(await dialog.getByLabel('When').inputValue()).toBe('30 2 * * *');
    expect(await save.isDisabled()).toBe(true);
    expect(await dialog.getByLabel('To', { exact: true }).count()).toBe(0);
    await dialog.getByLabel('When').fill('15 4 * *');
    await dialog.getByText('Write five fields').waitFor(patience);
    await dialog.getByLabel('When').fill('15 4 * * 1');
    await dialog.getByText(/That is .*Monday/).waitFor(patience);
    await dialog.getByLabel('Time zone').selectOption('Asia/Tokyo');
    await save.click();
    await row(page, 'wiki-nightly').filter({ hasText: 'Monday' }).filter({ hasText: 'Tokyo' }).waitFor(patience);
    expect(backend.asked.at(-1)).toMatchObject({
      command: 'change-schedule',
      input: { name: 'wiki-nightly', cron: '15 4 * * 1', timeZone: 'Asia/Tokyo' },
    });
    await edit('photos-backup');
    expect(await dialog.getByLabel('To', { exact: true }).inputValue()).toBe('usb');
    await dialog.getByLabel('Backups to keep there').fill('sometimes');
    expect(await save.isDisabled()).toBe(true);
    await dialog.getByLabel('Backups to keep there').fill('last:3');
    await save.click();
    await dialog.waitFor({ state: 'detached', ...patience });
    expect(backend.asked.at(-1)?.input).toEqual({ namespace: 'default', name: 'photos-backup', keep: 'last:3' });
    // Of one that a compose file asks for: it says where.
    await row(page, 'photos-db-snapshot').getByRole('button', { name: 'More for photos-db-snapshot' }).click();
    const refused = page.getByRole('menuitem', { name: 'Change' });
    await expect.poll(() => refused.getAttribute('aria-description'), patience).toContain('compose file of photos');
  });

  it('changes the time zone, and knows which there are', async () => {
    const { page, lab } = await open('/settings');
    const field = page.getByRole('combobox', { name: /time zone/ });
    await field.fill('Mars/Base');
    await shown(page, 'There is no such time zone.');
    await field.fill('Asia/Tokyo');
    await page.getByRole('button', { name: 'Save' }).click();
    await expect.poll(() => lab.rows('overview')[0]?.[1], patience).toMatchObject({ timeZone: 'Asia/Tokyo' });
  });

  it('has the logins of registries, takes one more, and forgets one, and never shows a password', async () => {
    const { page, lab, backend } = await open('/settings');
    await page.getByRole('button', { name: 'Add a login' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Registry').fill('no host');
    await dialog.getByText('That is no host').waitFor(patience);
    await dialog.getByLabel('Registry').fill('https://Registry.Example.net:5000/');
    await dialog.getByLabel('User').fill('ada');
    await dialog.getByLabel('Password or token').fill('swordfish');
    await dialog.getByRole('button', { name: 'Add login' }).click();
    await dialog.waitFor({ state: 'detached', ...patience });
    expect(backend.asked.at(-1)).toMatchObject({ command: 'open-registry', input: { username: 'ada' } });
    const added = row(page, 'registry.example.net:5000').filter({ hasText: 'ada' });
    await added.waitFor(patience);
    expect(await page.content()).not.toContain('swordfish');
    expect(JSON.stringify(lab.rows('registries'))).not.toContain('swordfish');
    await added.getByRole('button', { name: 'More for' }).click();
    await page.getByRole('menuitem', { name: 'Forget' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Forget it' }).click();
    await added.waitFor({ state: 'detached', ...patience });
  });

  it('makes a schedule for a volume that one chooses', async () => {
    const { page, lab, backend } = await open('/schedules');
    await row(page, 'wiki-nightly').waitFor(patience);
    await page.getByRole('button', { name: 'New schedule' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Volume', { exact: true }).selectOption({ label: 'photos-db' });
    expect(await dialog.getByLabel('Name').inputValue()).toBe('photos-db-nightly');
    await dialog.getByLabel('When').fill('15 4 * * 1');
    await dialog.getByText(/That is .*Monday/).waitFor(patience);
    await dialog.getByLabel('Name').fill('mondays');
    await dialog.getByRole('button', { name: 'Add schedule' }).click();
    await row(page, 'mondays').filter({ hasText: 'photos-db' }).waitFor(patience);
    expect(backend.asked.at(-1)).toMatchObject({ command: 'create-schedule', input: { cron: '15 4 * * 1' } });
    expect(lab.view.list('schedule').some(({ context }) => context.metadata.name === 'mondays')).toBe(true);
    await page.getByRole('button', { name: 'New schedule' }).click();
    await dialog.getByLabel('What is repeated').selectOption('app');
    await dialog.getByLabel('App', { exact: true }).selectOption({ label: 'photos' });
    expect(await dialog.getByLabel('Name').inputValue()).toBe('photos-nightly');
    await dialog.getByLabel('Time zone').selectOption('Asia/Tokyo');
    await dialog.getByRole('button', { name: 'Add schedule' }).click();
    await row(page, 'photos-nightly').filter({ hasText: 'as a set' }).filter({ hasText: 'Tokyo' }).waitFor(patience);
    const told = {
      ...{ pool: 'pool:atlas-1/spare', driver: 'btrfs', origin: 'adopted', where: '/mnt/spare', scrub: null },
      status: { state: 'online', layout: 'single', sizeBytes: 2 ** 40, devices: [], problems: [] },
    };
    lab.run('report-pool', told as never, 'node:atlas-1');
    await page.getByRole('button', { name: 'New schedule' }).click();
    await dialog.getByLabel('What is repeated').selectOption('pool');
    await dialog.getByLabel('Pool', { exact: true }).selectOption({ label: 'atlas/spare' });
    await dialog.getByText(/That is .*03:00/).waitFor(patience);
    await dialog.getByRole('button', { name: 'Add schedule' }).click();
    await row(page, 'atlas-spare-scrub').waitFor(patience);
  });

  it('says on an empty lab that a schedule needs a volume', async () => {
    const { page } = await open('/schedules', emptyLab());
    const add = page.getByRole('main').getByRole('button', { name: 'New schedule' }).first();
    await expect.poll(() => add.getAttribute('aria-description'), patience).toContain('there is none yet');
  });
});
