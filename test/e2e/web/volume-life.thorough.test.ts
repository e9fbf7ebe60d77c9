/** The web app in a real browser, against a lab in memory: volumes that are adopted, released, moved, and changed by hand. */
import { expect, it } from 'vitest';
import { describeWeb, heading, patience, row, shown } from './harness.ts';

describeWeb(({ open }) => {
  it('adopts what is there already, and gives it back', async () => {
    const { page, lab, backend } = await open('/volumes');
    backend.candidates = [
      { native: 'tank/films', path: '/tank/films', usedBytes: 2 ** 30, why: null },
      { native: 'tank/swap', path: null, usedBytes: null, why: 'it is a block device' },
    ];
    await page.getByRole('button', { name: 'Adopt' }).click();
    const dialog = page.getByRole('dialog');
    const pools = dialog.getByLabel('Pool');
    const zfs = (await pools.getByRole('option').allTextContents()).find((text) => text.includes('zfs')) ?? '';
    await pools.selectOption({ label: zfs });
    const found = dialog.getByLabel('What is there');
    expect(await found.getByRole('option', { name: /tank\/swap – it is a block device/ }).isDisabled()).toBe(true);
    await found.selectOption('tank/films');
    // What is chosen has not to be written, too.
    expect(await dialog.getByLabel('Dataset').count()).toBe(0);
    expect(await dialog.getByLabel('Name').inputValue()).toBe('films');
    await dialog.getByLabel('Size').fill('50GiB');
    await dialog.getByText('Volume films would be what was tank/films so far.').waitFor(patience);
    await dialog.getByRole('button', { name: 'Adopt' }).click();
    await row(page, 'films').filter({ hasText: 'ready' }).getByRole('link', { name: 'films' }).click();
    await heading(page, 'films').waitFor(patience);
    await shown(page, /adopted from/);
    await page.getByRole('button', { name: 'More actions' }).click();
    expect(await page.getByRole('menuitem', { name: 'Delete' }).getAttribute('aria-description')).toBe(
      'It was adopted: release it instead.',
    );
    await page.getByRole('menuitem', { name: 'Release' }).click();
    await dialog.getByText('Volume films would be given back as it is.').waitFor(patience);
    await dialog.getByRole('button', { name: 'Release volume' }).click();
    await heading(page, 'Volumes').waitFor(patience);
    await expect.poll(() => lab.view.byName('volume', 'default', 'films'), patience).toBeUndefined();
  });

  it('moves a volume after saying what stays, and what it was can be recovered', async () => {
    const { page, lab } = await open('/volumes/default/wiki-data');
    await heading(page, 'wiki-data').waitFor(patience);
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Move' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Nothing: it is so already.').waitFor(patience);
    await dialog.getByLabel('Compression').selectOption('zstd');
    await dialog.getByText(/snapshots do not come along/).waitFor(patience);
    await dialog.getByText(/Its app runs on while it is copied/).waitFor(patience);
    await dialog.getByRole('button', { name: 'Move volume' }).click();
    await expect.poll(() => lab.view.byName('volume', 'default', 'wiki-data-moved')?.state, patience).toBe('discarded');
    await expect.poll(() => lab.app('wiki').state, patience).toBe('running');
    await shown(page, 'Nowhere to go back to yet');
    await page.goto(page.url().replace('wiki-data', 'wiki-data-moved'));
    await shown(page, /It was called wiki-data-moved, and was deleted/);
    await page.getByRole('button', { name: 'Recover' }).waitFor(patience);
  });

  it('moves a volume to another node, and calls that off', async () => {
    const { page, lab } = await open('/volumes/default/wiki-data');
    await heading(page, 'wiki-data').waitFor(patience);
    const volume = () => lab.view.byName('volume', 'default', 'wiki-data')?.context;
    const other = lab.view
      .list('node')
      .find(
        ({ stream, state, context }) => stream !== volume()?.node && state === 'up' && context.facts.pools.length > 0,
      );
    const name = other?.context.metadata.name ?? 'none';
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Move' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Node').selectOption(name);
    await dialog.getByText(/becomes the replica/).waitFor(patience);
    await dialog.getByLabel(/as a replica/).uncheck();
    await dialog.getByText(/is removed after that/).waitFor(patience);
    await dialog.getByRole('button', { name: 'Move volume' }).click();
    await expect.poll(() => volume()?.handover, patience).toMatchObject({ node: other?.stream, keepsReplica: false });
    await shown(page, new RegExp(`moving to ${name}`));
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Call the move off' }).click();
    await expect.poll(() => volume()?.handover, patience).toBeNull();
  });

  it('calls off a roll-back that waits for its app to stop', async () => {
    const { page, lab } = await open('/volumes/default/wiki-data');
    await heading(page, 'wiki-data').waitFor(patience);
    const volume = () => lab.view.byName('volume', 'default', 'wiki-data');
    const [old] = lab.view
      .referrers(volume()?.stream ?? 'volume:none', 'snapshot')
      .filter(({ state }) => state === 'available');
    lab.hold();
    const snapshot = old?.context.metadata.name ?? 'none';
    lab.run('rollback-volume', { name: 'wiki-data', snapshot, pastNewer: true }, 'user:admin');
    await page.getByRole('button', { name: 'Cancel the roll-back' }).click();
    await expect.poll(() => volume()?.state, patience).toBe('ready');
    await page.getByRole('button', { name: 'Cancel the roll-back' }).waitFor({ state: 'detached', ...patience });
  });

  it('says what was done to a volume by hand, and puts it right at a word', async () => {
    const { page, lab } = await open('/volumes/default/wiki-data');
    await heading(page, 'wiki-data').waitFor(patience);
    const found = (problem: object | null, isGone: boolean): void => {
      const volume = lab.view.byName('volume', 'default', 'wiki-data');
      if (!volume) throw new Error('there is no wiki-data');
      const input = { volume: volume.stream, visit: volume.visit, problem, isGone };
      lab.run('report-volume-look', input as never, volume.context.node as `node:${string}`);
    };
    const hint = 'To set it again: floatlab volume repair wiki-data.';
    found({ code: 'QUOTA', message: 'its quota is 1 GiB, and should be 5 GiB', hint }, false);
    await shown(page, /its quota is 1 GiB/);
    await page.getByRole('button', { name: 'Put it right' }).click();
    await page
      .getByText(/its quota is 1 GiB/)
      .first()
      .waitFor({ state: 'detached', ...patience });
    found({ code: 'MISSING', message: 'its dataset is not there any more', hint: 'Put it back where it was.' }, true);
    await page.getByText('missing').first().waitFor(patience);
    await shown(page, /Put it back where it was/);
    await page.getByRole('button', { name: 'Look again' }).click();
    await page.getByText('ready').first().waitFor(patience);
  });
});
