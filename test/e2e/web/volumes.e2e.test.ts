/** The web app in a real browser, against a lab in memory: volumes and their snapshots. */
import { expect, it } from 'vitest';
import { describeWeb, heading, patience, row, shown } from './harness.ts';

describeWeb(({ open }) => {
  it('takes a snapshot with a note, and shows it in the band and in the table', async () => {
    const { page } = await open('/volumes/default/wiki-data');
    await heading(page, 'wiki-data').waitFor(patience);
    const before = await page.getByTestId('tick').count();
    await page.getByRole('button', { name: 'Snapshot now' }).first().click();
    await page.getByLabel('Note').fill('before the upgrade');
    await page.getByRole('button', { name: 'Take snapshot' }).click();
    await row(page, 'before the upgrade').filter({ hasText: 'available' }).waitFor(patience);
    await expect.poll(() => page.getByTestId('tick').count(), patience).toBe(before + 1);
    const band = page.getByRole('slider', { name: 'Snapshots by time' });
    await band.focus();
    await page.keyboard.press('End');
    expect(await band.getAttribute('aria-valuetext')).toContain('by hand');
  });

  it('rolls back after saying what happens, and keeps what is replaced', async () => {
    const { page, lab, backend } = await open('/volumes/default/photos-db');
    const oldest = row(page, 'first light');
    await oldest.getByRole('button', { name: 'Roll back' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('list', { name: 'Newer snapshots' }).waitFor(patience);
    expect(await dialog.getByRole('button', { name: 'Roll back' }).isDisabled()).toBe(true);
    // Nothing is refused before somebody has chosen.
    expect(backend.asked).toEqual([]);
    await dialog.getByLabel(/^Go back past \d+ newer snapshots/).check();
    await dialog.getByText(/Volume photos-db would go back to snapshot/).waitFor(patience);
    await dialog.getByText('App photos would pause while volume photos-db is rolled back.').waitFor(patience);
    await dialog.getByText(/kept as a stash snapshot/).waitFor(patience);
    expect(backend.asked.every(({ dryRun }) => dryRun)).toBe(true);
    await dialog.getByRole('button', { name: 'Roll back' }).click();
    await row(page, 'kept by a roll-back').filter({ hasText: 'available' }).waitFor(patience);
    await expect.poll(() => lab.app('photos').state, patience).toBe('running');
    await page.getByText('line 1, left').first().waitFor(patience);
    await page.getByText('in a line that was left', { exact: true }).waitFor(patience);
  });

  it('removes a snapshot, and refuses to delete a volume that is in use with the reason', async () => {
    const { page } = await open('/volumes/default/photos-db');
    await row(page, 'first light')
      .getByRole('button', { name: /^More for/ })
      .click();
    await page.getByRole('menuitem', { name: 'Remove' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove snapshot' }).click();
    await row(page, 'first light').waitFor({ state: 'detached', ...patience });
    await page.getByRole('button', { name: 'More actions' }).click();
    const item = page.getByRole('menuitem', { name: 'Delete' });
    expect(await item.getAttribute('aria-description')).toBe('App photos uses it. Remove the app first, or both.');
    await item.click({ force: true });
    expect(await page.getByRole('dialog').count()).toBe(0);
  });

  it('makes a volume, changes it, gives it a schedule, a clone, and that another name', async () => {
    const { page, lab } = await open('/volumes');
    await page.getByRole('button', { name: 'New volume' }).click();
    await page.getByLabel('Name').fill('Media!');
    await shown(page, /For names, use 1 to 63/);
    await page.getByLabel('Name').fill('media');
    await page.getByLabel('Size').fill('20GiB');
    await page.getByRole('button', { name: 'Create volume' }).click();
    await row(page, 'media').filter({ hasText: 'ready' }).getByRole('link', { name: 'media' }).click();
    await heading(page, 'media').waitFor(patience);
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Size and retention' }).click();
    await page.getByLabel('Size').fill('10GiB');
    await shown(page, /a volume cannot become smaller/);
    await page.getByLabel('Size').fill('30GiB');
    await page.getByRole('button', { name: 'Change' }).click();
    await shown(page, '30 GiB');
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Add a schedule' }).click();
    await shown(page, /That is every day at 02:30/);
    await page.getByRole('button', { name: 'Add schedule' }).click();
    await expect
      .poll(() => lab.view.list('schedule').some(({ context }) => context.metadata.name === 'media-nightly'), patience)
      .toBe(true);
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Clone' }).click();
    await page.getByRole('dialog', { name: 'Clone media' }).getByLabel('Name').fill('media-test');
    await page.getByRole('button', { name: 'Make clone' }).click();
    await heading(page, 'media-test').waitFor(patience);
    await shown(page, 'a clone of media');
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Rename' }).click();
    await page.getByRole('dialog', { name: 'Rename media-test' }).getByLabel('Name').fill('films');
    await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
    await heading(page, 'films').waitFor(patience);
  });

  it('deletes a volume, brings it back, and deletes it for ever when somebody says so', async () => {
    const { page, backend } = await open('/volumes');
    await page.getByRole('button', { name: 'New volume' }).click();
    await page.getByLabel('Name').fill('media');
    await page.getByRole('button', { name: 'Create volume' }).click();
    await row(page, 'media').filter({ hasText: 'ready' }).getByRole('link', { name: 'media' }).click();
    const remove = async (): Promise<void> => {
      await page.getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: 'Delete' }).click();
    };
    await heading(page, 'media').waitFor(patience);
    await remove();
    await page.getByRole('button', { name: 'Delete volume' }).click();
    await heading(page, 'Volumes').waitFor(patience);
    await row(page, 'media-deleted').getByRole('link', { name: 'media-deleted' }).click();
    await shown(page, /It was called media, and was deleted/);
    await page.getByRole('button', { name: 'Recover' }).click();
    await heading(page, 'media').waitFor(patience);
    await page.getByText('ready').first().waitFor(patience);
    await remove();
    await page.getByLabel('At once and for ever').check();
    await page.getByLabel('So that nothing of it can be read').check();
    await page.getByRole('dialog').getByRole('textbox').fill('media');
    await page.getByRole('button', { name: 'Delete for ever' }).click();
    await row(page, 'media').waitFor({ state: 'detached', ...patience });
    expect(backend.asked.at(-1)).toMatchObject({ input: { name: 'media', purge: true, scrub: true }, dryRun: false });
  });
});
