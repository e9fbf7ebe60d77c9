/** The web app in a real browser, against a lab in memory: what happened, back to the beginning. */
import { expect, it } from 'vitest';
import { describeWeb, patience, shown } from './harness.ts';

describeWeb(({ open }) => {
  it('tells everything that happens, and what belongs together', async () => {
    const { page, lab } = await open('/activity');
    const feed = page.getByRole('feed');
    await feed.getByRole('article').first().waitFor(patience);
    lab.run('restart-app', { name: 'wiki' });
    await feed.getByText('Restarting app wiki is done').waitFor(patience);
    await feed
      .getByRole('article')
      .filter({ hasText: 'App wiki restarts.' })
      .getByRole('link', { name: /^op-/ })
      .click();
    await page.getByRole('button', { name: 'Show everything again' }).waitFor(patience);
    await feed.getByText('admin asked to restart app wiki.').waitFor(patience);
    expect(await feed.getByText('Schedule').count()).toBe(0);
    await page.getByRole('button', { name: 'Show everything again' }).click();
    await page.getByLabel('Kind').selectOption('node');
    await feed.getByText('Node atlas joined.').waitFor(patience);
    await feed
      .getByRole('article')
      .filter({ hasText: 'Node atlas joined.' })
      .getByRole('button', { name: /Details/ })
      .click();
    await feed.getByText('Debian GNU/Linux 12').waitFor(patience);
  });

  it('looks further back in time as one scrolls', async () => {
    const { page } = await open('/activity');
    await page.getByRole('article').first().waitFor(patience);
    await expect
      .poll(
        async () => {
          await page.mouse.wheel(0, 20_000);
          return page.getByText('Lab home was created.').count();
        },
        { timeout: 20_000 },
      )
      .toBe(1);
    await shown(page, 'The beginning.');
  });

  it('shows evidence that a policy went by', async () => {
    const { page } = await open('/activity?q=placed');
    const first = page.getByRole('article').first();
    await first.getByRole('button', { name: /Details/ }).click();
    await first.getByText('most free').first().waitFor(patience);
  });
});
