/** The web app in a real browser, against a lab in memory: the replicas of volumes. */
import { expect, it } from 'vitest';
import { emptyLab, labWithDiverged } from '../seed.ts';
import { describeWeb, patience, row, shown } from './harness.ts';

describeWeb(({ open }) => {
  it('shows what each volume has elsewhere: in the lists, on its page, and on the overview', async () => {
    const { page } = await open('/volumes', labWithDiverged());
    await row(page, 'photos-db').getByText('up to date, vega').waitFor(patience);
    await row(page, 'wiki-data').getByText('no replica').waitFor(patience);
    await page
      .getByRole('navigation', { name: 'Volumes and replicas' })
      .getByRole('link', { name: 'Replicas' })
      .click();
    const diverged = row(page, 'photos-originals-on-vega');
    await diverged.getByText('diverged').waitFor(patience);
    await shown(page, /floatlab replica resync photos-originals-on-vega --keep/);
    await row(page, 'photos-db-on-vega').getByText('follows').waitFor(patience);
    await page.getByLabel('Filter replicas').fill('originals');
    await row(page, 'photos-db-on-vega').waitFor({ state: 'detached', ...patience });
    expect(new URL(page.url()).searchParams.get('q')).toBe('originals');
    await page.getByRole('link', { name: 'Alerts' }).first().click();
    await page.getByRole('link', { name: 'photos-originals-on-vega' }).click();
    await diverged.waitFor(patience);
    await page.getByRole('link', { name: 'Overview' }).first().click();
    await shown(page, /volumes (has|have) a replica on another node/);
  });

  it('makes a replica, pauses and resumes it, brings it up to date and removes it, each after saying what happens', async () => {
    const { page, backend, lab } = await open('/volumes/default/wiki-data/replicas');
    await shown(page, 'It is kept on one node only');
    await page.getByRole('button', { name: 'New replica' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Node').selectOption('polaris');
    await dialog
      .getByText(/replica of wiki-data/i)
      .first()
      .waitFor(patience);
    await dialog.getByRole('button', { name: 'Make replica' }).click();
    const mine = row(page, 'polaris');
    await mine.getByText('follows').waitFor(patience);
    await mine.getByText('up to date').waitFor(patience);
    const name = (await mine.getByRole('button', { name: /^More for/ }).getAttribute('aria-label'))?.slice(9) ?? '';
    const choose = async (item: string, confirm: string): Promise<void> => {
      await mine.getByRole('button', { name: /^More for/ }).click();
      await page.getByRole('menuitem', { name: item }).click();
      await dialog.getByText('What would happen').waitFor(patience);
      await dialog.getByRole('button', { name: confirm }).click();
      await dialog.waitFor({ state: 'detached', ...patience });
    };
    await choose('Pause…', 'Pause');
    await mine.getByText('paused').waitFor(patience);
    await choose('Resume…', 'Resume');
    await mine.getByText('follows').waitFor(patience);
    lab.hold();
    lab.run('take-snapshot', { name: 'wiki-data' });
    lab.release();
    await choose('Bring up to date…', 'Bring up to date');
    await choose('Remove…', 'Remove replica');
    await shown(page, 'It is kept on one node only');
    expect(
      backend.asked
        .filter(({ command, dryRun }) => !dryRun && command.endsWith('-replica'))
        .map(({ command }) => command),
    ).toEqual(['create-replica', 'pause-replica', 'resume-replica', 'sync-replica', 'remove-replica']);
    expect(backend.asked.at(-1)).toMatchObject({ input: { name } });
  });

  it('cancels a stream that goes on, and shows how far it is', async () => {
    const { page, lab, backend } = await open('/volumes/default/photos-db/replicas');
    const mine = row(page, 'photos-db-on-vega');
    await mine.getByText('follows').waitFor(patience);
    lab.run('pause-replica', { name: 'photos-db-on-vega' });
    lab.run('take-snapshot', { name: 'photos-db', as: 'newer' });
    const isTaken = () =>
      lab.view
        .list('snapshot')
        .some(({ state, context }) => state === 'available' && context.metadata.name === 'newer');
    await expect.poll(isTaken, patience).toBe(true);
    lab.hold();
    lab.run('resume-replica', { name: 'photos-db-on-vega' });
    await mine.getByText('syncing').waitFor(patience);
    await shown(page, /sync replica/);
    await mine.getByRole('button', { name: /^More for/ }).click();
    await page.getByRole('menuitem', { name: 'Cancel the stream…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel the stream' }).click();
    const isAsked = () => backend.asked.some(({ command, dryRun }) => command === 'cancel-replica' && !dryRun);
    await expect.poll(isAsked, patience).toBe(true);
    lab.release();
    await mine.getByText('follows').waitFor(patience);
  });

  it('takes a replica that has diverged back, and asks for its name before anything is destroyed', async () => {
    const { page, backend } = await open('/volumes/default/photos-originals/replicas', labWithDiverged());
    const mine = row(page, 'photos-originals-on-vega');
    await mine.getByText('diverged').waitFor(patience);
    await mine.getByRole('button', { name: /^More for/ }).click();
    await page.getByRole('menuitem', { name: 'Take back to its volume…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('It is destroyed').check();
    const destroy = dialog.getByRole('button', { name: 'Destroy and follow' });
    expect(await destroy.isDisabled()).toBe(true);
    await dialog.getByLabel(/Data will be lost/).fill('photos-originals-on-vega');
    await expect.poll(() => destroy.isEnabled(), patience).toBe(true);
    await dialog.getByLabel('It is kept for a week').check();
    await dialog.getByRole('button', { name: 'Put aside and follow' }).click();
    await mine.getByText('follows').waitFor(patience);
    expect(backend.asked.find(({ command, dryRun }) => !dryRun && command === 'resync-replica')).toMatchObject({
      input: { keep: true },
    });
  });

  it('changes how many the lab keeps by itself', async () => {
    const { page, backend } = await open('/volumes/default/wiki-data/replicas');
    await page.getByRole('button', { name: 'What is kept…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Replicas that the lab keeps').fill('9');
    await dialog.getByText('Write a number from 0 to 8.').waitFor(patience);
    await dialog.getByLabel('Replicas that the lab keeps').fill('1');
    await dialog.getByLabel('Streams begin only').fill('22:00-06:00');
    await dialog.getByLabel('Lost at most').fill('1ms');
    await dialog.getByText('Write a span from a second to a year: 5m.').waitFor(patience);
    await dialog.getByLabel('Lost at most').fill('10m');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await shown(
      page,
      /The lab keeps 1 replica by itself, .* \(from 22:00 to 06:00, an alert when more than 10 m would be lost\)/,
    );
    expect(backend.asked.find(({ command, dryRun }) => !dryRun && command === 'change-volume')).toMatchObject({
      input: { replicas: { count: 1, on: 'change', window: { from: '22:00', to: '06:00' }, maxDataLossMs: 600_000 } },
    });
  });

  it('teaches on an empty lab, and does not nag where there is no other node', async () => {
    const { page } = await open('/volumes/replicas', emptyLab());
    await shown(page, 'Nothing is kept twice yet');
    await page.getByRole('link', { name: 'Overview' }).first().click();
    await page.getByTestId('sentence').waitFor(patience);
    expect(await page.getByTestId('sentence').textContent()).not.toContain('replica');
  });
});
