/** The web app in a real browser, against a lab in memory: a lab that does not answer, or lags behind. */
import { expect, it } from 'vitest';
import { describeWeb, patience } from './harness.ts';

describeWeb(({ open }) => {
  it('says when the lab does not answer, and goes on when it is back', async () => {
    const { page, backend, lab } = await open('/apps/default/wiki');
    await page.getByRole('button', { name: 'Stop' }).waitFor(patience);
    backend.cut();
    await page.getByText(/The lab does not answer\. What you see is .* old/).waitFor(patience);
    expect(await page.getByRole('button', { name: 'Stop' }).getAttribute('aria-disabled')).toBe('true');
    lab.run('stop-app', { name: 'wiki' });
    backend.mend();
    // At once: it goes away when the lab is tried again by itself.
    await page.getByRole('button', { name: 'Try now' }).dispatchEvent('click');
    await page.getByRole('button', { name: 'Start' }).waitFor({ timeout: 20_000 });
    await page.getByText(/The lab does not answer/).waitFor({ state: 'detached' });
  });

  it('says when the node lags behind', async () => {
    const { page, backend } = await open('/');
    backend.stale = true;
    await page.getByText(/This node lags behind the lab/).waitFor(patience);
    backend.stale = false;
    await page.getByText(/This node lags behind the lab/).waitFor({ state: 'detached', ...patience });
  });

  it('keeps the frame around a screen that cannot be loaded, and says what to do', async () => {
    const { page } = await open('/');
    await page.route(/\/assets\/schedules-[^/]*\.js/, (route) => route.abort());
    await page.getByRole('link', { name: 'Schedules' }).first().click();
    const main = page.getByRole('main');
    await main.getByRole('heading', { name: 'This screen failed' }).waitFor(patience);
    await main.getByRole('button', { name: 'Reload' }).waitFor(patience);
    await page.getByRole('link', { name: 'Volumes' }).first().click();
    await main.getByRole('heading', { name: 'Volumes', level: 1 }).waitFor(patience);
  });
});
