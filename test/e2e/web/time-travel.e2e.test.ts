/** The web app in a real browser, against a lab in memory: the lab as it was. */
import { expect, it } from 'vitest';
import { go } from '../browser.ts';
import { describeWeb, heading, patience, row, shown } from './harness.ts';

describeWeb(({ open }) => {
  it('shows the lab as it was, and lets nobody act there', async () => {
    const { page } = await open('/apps');
    await row(page, 'photos').waitFor(patience);
    await page.getByRole('button', { name: /Look at the past/ }).click();
    await page.getByLabel('Event or time').fill('6');
    await page.getByRole('button', { name: 'Go there' }).click();
    await page.getByText('The lab after event 6').waitFor(patience);
    await shown(page, 'Your first app');
    // The past goes along from screen to screen.
    await page.getByRole('link', { name: 'Nodes', exact: true }).click();
    await heading(page, 'Nodes').waitFor(patience);
    expect(new URL(page.url()).searchParams.get('at')).toBe('6');
    await row(page, 'polaris').waitFor(patience);
    await page.getByRole('link', { name: 'polaris' }).click();
    const cordon = page.getByRole('button', { name: 'Cordon' });
    expect(await cordon.getAttribute('aria-disabled')).toBe('true');
    expect(await cordon.getAttribute('aria-description')).toContain('You are looking at the past');
    await page.getByRole('button', { name: 'One event back' }).click();
    await page.getByText('The lab after event 5').waitFor(patience);
    await page.getByRole('button', { name: 'Back to live' }).click();
    await page.getByText('The lab after event').waitFor({ state: 'detached' });
    expect(new URL(page.url()).search).toBe('');
    expect(await page.getByRole('button', { name: 'Cordon' }).getAttribute('aria-disabled')).toBeNull();
  });

  it('finds a moment by its time, and says when there is none', async () => {
    const { page, backend } = await open(`/?at=${new Date(Date.now() - 86_400_000).toISOString()}`);
    await page.getByText(/The lab after event \d/).waitFor(patience);
    await go(page, `${backend.url}/?at=999999`);
    await shown(page, /The lab has only [\d,]+ events yet/);
    await page.getByRole('main').getByRole('button', { name: 'Back to live' }).click();
    await heading(page, 'Overview').waitFor(patience);
  });
});
