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
    const noted = async (from: string, to: string) => {
      await row(page, from)
        .getByRole('button', { name: /^More for/ })
        .click();
      await page.getByRole('menuitem', { name: 'Note' }).click();
      await page.getByLabel('Note', { exact: true }).fill(to);
      const word = to === '' ? 'Take note away' : 'Save note';
      await page.getByRole('dialog').getByRole('button', { name: word }).click();
    };
    await noted('before the upgrade', 'it went well');
    await row(page, 'it went well').waitFor(patience);
    await noted('it went well', '');
    await row(page, 'it went well').waitFor({ state: 'detached', ...patience });
  });

  it('rolls back after saying what happens, and keeps what is replaced', async () => {
    const { page, lab, backend } = await open('/volumes/default/photos-db');
    const oldest = row(page, 'first light');
    await oldest.getByRole('button', { name: 'Roll back' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('list', { name: 'Newer snapshots' }).waitFor(patience);
    await dialog.getByText('How much was written since then is unknown.').waitFor(patience);
    await page.keyboard.press('Escape');
    backend.writtenBytes = 3 * 2 ** 20;
    await oldest.getByRole('button', { name: 'Roll back' }).click();
    await dialog.getByText('3 MiB were written since then.').waitFor(patience);
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

  it('says what another retention would keep, where the pool of a volume is, and compares a snapshot with now', async () => {
    const { page } = await open('/volumes/default/photos-db');
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Change' }).click();
    await page.getByLabel('Snapshots to keep').fill('last:2');
    await page.getByText(/With that, \d+ of \d+ snapshots stay, and \d+ go\./).click();
    const verdicts = page.getByRole('list', { name: 'What retention would do' });
    await verdicts.getByText(/goes:/).first().waitFor(patience);
    await verdicts
      .getByText(/stays:/)
      .first()
      .waitFor(patience);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await row(page, 'first light')
      .getByRole('button', { name: /^More for/ })
      .click();
    await page.getByRole('menuitem', { name: 'Compare with now' }).click();
    await row(page, 'config/app.ini').filter({ hasText: 'changed' }).waitFor(patience);
    await page.getByLabel('Read also files that have the same size and time').check();
    await row(page, 'config/app.ini').filter({ hasText: 'changed' }).waitFor(patience);
    await page.getByRole('link', { name: 'tank' }).click();
    await heading(page, 'atlas').waitFor(patience);
    expect(page.url()).toMatch(/\/nodes\/atlas\/pools#pool-tank$/);
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
    await page.getByLabel('Size', { exact: true }).fill('20GiB');
    await page.getByLabel('Room to grow').fill('10GiB');
    await shown(page, 'It counts the size in');
    await page.getByLabel('Room to grow').fill('25GiB');
    await page.getByText('Where it may be').click();
    await page.getByLabel('Only on the file system').selectOption('zfs');
    await page.getByText('How it is stored').click();
    await page.getByLabel('Record size').selectOption({ label: '16 KiB' });
    await page.getByLabel('Owner of its top folder').fill('root');
    await shown(page, 'Write the numbers of a user and a group');
    await page.getByLabel('Owner of its top folder').fill('999:999');
    await page.getByText('Commands around snapshots').click();
    await page.getByRole('group', { name: 'Before a snapshot' }).getByLabel('In the service').fill('db');
    await page.getByRole('group', { name: 'Before a snapshot' }).getByLabel('Run').fill("sh -c 'sync; sleep 1'");
    await page.getByRole('button', { name: 'Create volume' }).click();
    await row(page, 'media').filter({ hasText: 'ready' }).getByRole('link', { name: 'media' }).click();
    await heading(page, 'media').waitFor(patience);
    expect(lab.view.byName('volume', 'default', 'media')?.context.spec).toEqual({
      ...{ sizeBytes: 20 * 2 ** 30, growToBytes: 25 * 2 ** 30, recordSizeBytes: 16_384 },
      ...{ owner: { uid: 999, gid: 999 }, constraints: { driver: 'zfs' } },
      hooks: {
        before: { service: 'db', command: ['sh', '-c', 'sync; sleep 1'], timeoutMs: 30_000 },
        onFailure: 'skip',
      },
    });
    await shown(page, 'records of 16 KiB, 999:999');
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Change' }).click();
    const size = page.getByLabel('Size', { exact: true });
    await size.fill('10GiB');
    await shown(page, /a volume cannot become smaller/);
    await size.fill('30GiB');
    await shown(page, 'It counts the size in');
    await page.getByLabel('Room to grow').fill('');
    // What is fixed says so, and how it is changed.
    await page.getByText('How it is stored').click();
    expect(await page.getByLabel('Record size').isDisabled()).toBe(true);
    await shown(page, /Both are fixed since it was made/);
    await page.getByRole('button', { name: 'Change', exact: true }).click();
    await shown(page, '30 GiB');
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Labels' }).click();
    await page.getByLabel('Key of label 1').fill('team');
    await page.getByLabel('Value of label 1').fill('home');
    await page.getByRole('button', { name: 'Change labels' }).click();
    await shown(page, 'team=home');
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
    await page.getByRole('button', { name: 'Recover volume' }).click();
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
