/** The web app in a real browser, against a lab in memory: the overview. */
import { expect, it } from 'vitest';
import { go } from '../browser.ts';
import { describeWeb, patience, shown } from './harness.ts';

describeWeb(({ open }) => {
  it('says in one sentence how the lab is, and follows what happens without a reload', async () => {
    const { page, lab } = await open('/');
    const sentence = page.getByTestId('sentence');
    await sentence.filter({ hasText: 'Both apps run; backup is off. Nothing is wrong.' }).waitFor(patience);
    lab.run('start-app', { name: 'backup' });
    await sentence.filter({ hasText: 'All 3 apps run.' }).waitFor(patience);
    lab.failNext('start-instance', {
      code: 'PORT_IN_USE',
      message: 'Port 8081 is in use on atlas.',
      hint: 'Choose another port.',
    });
    lab.run('restart-app', { name: 'wiki' });
    await sentence.filter({ hasText: 'wiki failed. 1 thing needs you.' }).waitFor(patience);
    await shown(page, 'App wiki failed: Port 8081 is in use on atlas.');
    // The side bar counts, and what happened is told with who and why.
    await page.getByRole('link', { name: 'Alerts 1' }).waitFor(patience);
    await shown(page, 'Restarting app wiki failed: Port 8081 is in use on atlas.');
  });

  it('shows nodes with what they measure, and dashes for what is not known', async () => {
    const { page, lab } = await open('/');
    const atlas = page.getByRole('article', { name: 'atlas' });
    await atlas.getByText('14 % of 8 cores').waitFor(patience);
    await atlas.getByText('412 GiB of 1000 GiB').waitFor(patience);
    lab.setUsage('node:atlas-1', { cpu: 0.77, memoryBytes: 2 ** 30, memoryTotalBytes: 2 ** 35 });
    await atlas.getByText('77 % of 8 cores').waitFor(patience);
    await go(page, `${new URL(page.url()).origin}/?at=30`);
    await page.getByRole('article', { name: 'atlas' }).waitFor(patience);
    expect(await page.getByText('% of 8 cores').count()).toBe(0);
  });
});
