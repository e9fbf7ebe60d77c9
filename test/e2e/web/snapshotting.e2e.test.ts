/** The web app in a real browser, against a lab in memory: sets of snapshots, and snapshots of what changes. */
import { expect, it } from 'vitest';
import { describeWeb, heading, patience, row, shown } from './harness.ts';

describeWeb(({ open }) => {
  it('takes a set of snapshots of all volumes of an app, and shows that they belong together', async () => {
    const { page, lab } = await open('/apps/default/photos/volumes');
    await page.getByRole('button', { name: 'Snapshot all' }).click();
    await shown(page, /One snapshot of each volume, all of one name/);
    await page.getByLabel('Note').fill('before version 5');
    await page.getByRole('button', { name: 'Take snapshots' }).click();
    const taken = () => lab.view.list('snapshot').filter(({ context }) => context.note === 'before version 5');
    await expect.poll(() => taken().filter(({ state }) => state === 'available').length, patience).toBeGreaterThan(1);
    expect(new Set(taken().map(({ context }) => context.metadata.name)).size).toBe(1);
    await page.goto(new URL('/volumes/default/photos-db', page.url()).href);
    await row(page, 'before version 5')
      .filter({ hasText: `set of ${taken().length}` })
      .waitFor(patience);
  });

  it('shows snapshots of other tools apart, with nothing to do to them', async () => {
    const { page, backend } = await open('/volumes/default/wiki-data');
    await heading(page, 'wiki-data').waitFor(patience);
    const theirs = page.getByRole('region', { name: 'Snapshots of other tools' });
    expect(await theirs.count()).toBe(0);
    backend.foreign = [
      { name: 'zfs-auto-snap_daily-2026-11-20-0625', takenAt: Date.now() - 86_400_000, exclusiveBytes: 3 * 2 ** 20 },
      { name: '.snapshots/7/snapshot', takenAt: null, exclusiveBytes: null },
    ];
    await page.reload();
    await theirs.getByText('zfs-auto-snap_daily-2026-11-20-0625').waitFor(patience);
    await theirs.getByText('3 MiB').waitFor(patience);
    await theirs.getByText('.snapshots/7/snapshot').waitFor(patience);
    expect(await theirs.getByRole('button').count()).toBe(0);
    expect(await theirs.getByRole('link').count()).toBe(0);
  });

  it('snapshots a volume when it changes, as often as somebody says', async () => {
    const { page, lab } = await open('/volumes/default/wiki-data');
    await heading(page, 'wiki-data').waitFor(patience);
    const choose = async (): Promise<void> => {
      await page.getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: 'Change' }).click();
      await page.getByText('Snapshots when it changes').click();
    };
    await choose();
    await page.getByLabel('Snapshot when something was written').check();
    await page.getByLabel('Once nothing was written for').fill('soon');
    await shown(page, 'Write a number with its unit: 30s, 5m, 1h.');
    await page.getByLabel('Once nothing was written for').fill('10s');
    await page.getByLabel('At most every').fill('1s');
    await shown(page, 'Choose from 10 s to 31 d.');
    await page.getByLabel('At most every').fill('15m');
    await page.getByRole('button', { name: 'Change', exact: true }).click();
    await shown(page, 'at most every 15 m');
    const spec = () => lab.view.byName('volume', 'default', 'wiki-data')?.context.spec.snapshotOnChange;
    expect(spec()).toEqual({ settleMs: 10_000, minIntervalMs: 900_000 });
    await choose();
    await page.getByLabel('Snapshot when something was written').uncheck();
    await page.getByRole('button', { name: 'Change', exact: true }).click();
    await expect.poll(spec, patience).toBeUndefined();
  });
});
