/** The web app in a real browser, against a lab in memory: nodes, of simulated labs, too. */
import { expect, it } from 'vitest';
import { busyLab } from '../seed.ts';
import { describeWeb, patience, row, shown, walk } from './harness.ts';

describeWeb(({ open }) => {
  it('takes the power of a simulated machine away and gives it back, and leads to no address of a simulated app', async () => {
    const { page, backend } = await open('/nodes/vega', busyLab(), { simulated: ['atlas', 'vega', 'polaris'] });
    const choose = async (item: string): Promise<void> => {
      await page.getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: item }).click();
    };
    await choose('Take its power away');
    await shown(page, 'vega has no power. The lab notices in a while.');
    expect(backend.power?.get('vega')).toBe('off');
    await choose('Give it power');
    await shown(page, 'vega starts.');
    expect(backend.power?.get('vega')).toBe('on');

    await walk(page, '/apps');
    await row(page, 'photos').getByText('photos.lab').waitFor(patience);
    expect(await page.locator('a[target=_blank]').count()).toBe(0);
    await walk(page, '/apps/default/photos');
    await shown(page, 'photos.lab');
    expect(await page.locator('a[target=_blank]').count()).toBe(0);

    const real = await open('/nodes/vega');
    await real.page.getByRole('button', { name: 'More actions' }).click();
    await real.page.getByRole('menuitem', { name: 'Remove…' }).waitFor(patience);
    expect(await real.page.getByRole('menuitem', { name: /power/ }).count()).toBe(0);
    await walk(real.page, '/apps/default/photos');
    await real.page.getByRole('link', { name: 'Open' }).waitFor(patience);
  });

  it('shows a node with its facts, and cordons it', async () => {
    const { page } = await open('/nodes');
    const table = page.getByRole('table', { name: 'Nodes', exact: true });
    await table.getByRole('link', { name: 'vega' }).click();
    await shown(page, '6.1.0-28-amd64');
    await shown(page, 'Pool data, btrfs');
    await page.getByRole('button', { name: 'Cordon' }).click();
    await page
      .getByRole('dialog')
      .getByText('Node vega would be cordoned: it would get nothing new.')
      .waitFor(patience);
    await page.getByRole('dialog').getByRole('button', { name: 'Cordon' }).click();
    await shown(page, 'cordoned: it gets nothing new');
    await page.getByRole('button', { name: 'Uncordon' }).click();
    await page.getByRole('button', { name: 'Cordon', exact: true }).waitFor(patience);
  });
});
