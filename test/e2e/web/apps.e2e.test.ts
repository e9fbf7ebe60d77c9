/** The web app in a real browser, against a lab in memory: the list of apps, and how one comes into it. */
import { expect, it } from 'vitest';
import { emptyLab } from '../seed.ts';
import { describeWeb, heading, patience, row, shown } from './harness.ts';

describeWeb(({ open }) => {
  it('filters and sorts apps in the address, and is walked by keys', async () => {
    const { page } = await open('/apps');
    await row(page, 'photos').waitFor(patience);
    await page.keyboard.press('/');
    await page.keyboard.type('wiki');
    await row(page, 'photos').waitFor({ state: 'detached' });
    expect(new URL(page.url()).search).toBe('?q=wiki');
    await page.keyboard.press('Escape');
    await row(page, 'photos').waitFor(patience);
    await page.getByRole('button', { name: '1 off' }).click();
    await row(page, 'photos').waitFor({ state: 'detached' });
    expect(new URL(page.url()).search).toBe('?state=off');
    await page.getByRole('button', { name: '1 off' }).click();
    await page.getByRole('columnheader', { name: 'App' }).getByRole('button').click();
    expect(new URL(page.url()).search).toBe('?sort=-name');
    const names = await page.getByRole('row').getByRole('link').allTextContents();
    expect(names[0]).toBe('wiki');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await heading(page, 'Photos').waitFor(patience);
  });

  it('shows ten thousand apps as smoothly as ten', async () => {
    const { page, lab } = await open('/apps');
    await row(page, 'photos').waitFor(patience);
    lab.flood(10_000);
    await shown(page, /\d[\d,]* off/);
    expect(await page.getByRole('row').count()).toBeLessThan(120);
    await page.keyboard.press('/');
    await page.keyboard.type('flood-9999');
    await row(page, 'flood-9999').waitFor(patience);
  });

  it('checks a compose file while one writes, and deploys only after the plan was shown', async () => {
    const { page, backend } = await open('/apps/new');
    const editor = page.getByRole('textbox', { name: 'Compose file' });
    await editor.fill('name: notes\nservices:\n  web:\n    image: nginx:1.27\n    prots: ["8080:80"]\n');
    await shown(page, '1 problem');
    await shown(page, 'compose.yaml:5:5');
    expect(await page.getByRole('button', { name: 'Deploy', exact: true }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'compose.yaml:5:5' }).click();
    expect(
      await editor.evaluate((area: HTMLTextAreaElement) =>
        area.value.slice(area.selectionStart, area.selectionStart + 5),
      ),
    ).toBe('prots');
    // What the finding advises is written at a click, and nothing else changes.
    await page.getByRole('button', { name: 'Write ports' }).click();
    expect(await editor.inputValue()).toBe(
      'name: notes\nservices:\n  web:\n    image: nginx:1.27\n    ports: ["8080:80"]\n',
    );
    await editor.fill('name: notes\nservices:\n  web:\n    image: nginx:1.27\n    ports: ["8090:80"]\n');
    await shown(page, 'The file is fine.');
    await shown(page, 'App notes would be created.');
    expect(backend.asked.filter(({ dryRun }) => !dryRun)).toEqual([]);
    backend.lab.hold();
    await page.getByRole('button', { name: 'Deploy notes' }).click();
    await heading(page, 'notes').waitFor(patience);
    // The tray and the page tell how far it is; nothing is shown that the lab has not said.
    const tray = page.getByRole('region', { name: 'Operations' });
    await tray.getByText('Deploying app notes').waitFor(patience);
    await page.getByRole('main').getByText('pulling nginx:1.27').waitFor(patience);
    expect(await page.getByRole('main').getByText('running').count()).toBe(0);
    backend.lab.release();
    await page.getByRole('main').getByText('running').first().waitFor(patience);
    await tray.getByText('Deploy app notes').waitFor(patience);
    await tray.getByText('done', { exact: true }).waitFor(patience);
  });

  it('shows a refusal of the plan where it was asked for', async () => {
    const { page } = await open('/apps/new');
    await page.getByRole('textbox', { name: 'Compose file' }).fill('services:\n  web:\n    image: nginx:1.27\n');
    await shown(page, 'compose.yaml does not say how the app is called.');
    expect(await page.getByRole('button', { name: 'Deploy', exact: true }).isDisabled()).toBe(true);
  });

  it('begins with an example that is in order', async () => {
    const { page } = await open('/apps/new', emptyLab());
    await page.getByRole('button', { name: 'Begin with an example' }).click();
    await shown(page, 'The file is fine.');
    await shown(page, /Volume notes-pages would be created/);
  });

  it('says that there are newer images, and shows what an update would change before it goes on with them', async () => {
    const { page, lab, backend } = await open('/apps/default/wiki');
    const app = lab.view.byName('app', 'default', 'wiki');
    const instance = app && lab.view.referrers(app.stream, 'instance')[0];
    if (!app || !instance) throw new Error('the lab has no wiki that runs');
    const node = instance.context.node;
    const [service = ''] = Object.keys(app.context.spec.services);
    const image = app.context.spec.services[service]?.image ?? '';
    const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
    const images = { [service]: { image, digest: digest('a'), ids: [digest('b')] } };
    lab.run('report-images', { instance: instance.stream, visit: instance.visit, images } as never, node);
    lab.run('check-app-images', { name: 'wiki' });
    const offered = { [service]: { image, digest: digest('e') } };
    lab.run('report-app-images', { app: app.stream, images: offered, unanswered: [] } as never, node);
    await shown(page, 'newer image');
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Update to the newer images…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/aaaaaaaaaaaa → eeeeeeeeeeee/).waitFor(patience);
    await dialog.getByRole('button', { name: 'Update' }).click();
    await page.getByText('revision 2').waitFor(patience);
    expect(backend.asked.filter(({ dryRun }) => !dryRun).map(({ command }) => command)).toEqual(['update-app']);
  });

  it('says which data of a node ties an app to it', async () => {
    const { page, lab } = await open('/apps');
    lab.run('deploy-app', {
      compose: 'name: films\nservices: { web: { image: "jellyfin:10", volumes: ["/srv/films:/media:ro"] } }\n',
    });
    await row(page, 'films').waitFor(patience);
    await page.goto(new URL('/apps/default/films', page.url()).href);
    await shown(page, '/srv/films');
    await page.getByText(/the app runs nowhere else/).waitFor(patience);
  });
});
