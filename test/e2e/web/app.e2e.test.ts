/** The web app in a real browser, against a lab in memory: the page of an app. */
import { expect, it } from 'vitest';
import { describeWeb, heading, patience, row, shown, walk } from './harness.ts';

describeWeb(({ open }) => {
  it('shows an app with its services, stops and starts it, and puts a failure first', async () => {
    const { page, lab } = await open('/apps/default/photos');
    await row(page, 'postgres:16-alpine').filter({ hasText: 'healthy' }).waitFor(patience);
    await row(page, 'ghcr.io/example/photos:4.2.1').filter({ hasText: '8080 → 3000' }).waitFor(patience);
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Start' }).waitFor(patience);
    await row(page, 'postgres:16-alpine').filter({ hasText: 'off' }).waitFor(patience);
    lab.failNext('start-instance', {
      code: 'IMAGE_NOT_FOUND',
      message: 'Image postgres:16-alpine does not exist.',
      hint: 'Look at its tag.',
    });
    await page.getByRole('button', { name: 'Start' }).click();
    const alert = page.getByRole('main').getByRole('alert');
    await alert.getByText('Image postgres:16-alpine does not exist.').waitFor(patience);
    await alert.getByText('Look at its tag.').waitFor(patience);
  });

  it('removes an app after saying what happens, to its volumes as well', async () => {
    const { page, backend } = await open('/apps/default/photos');
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Remove' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('App photos would be removed, its volumes kept.').waitFor(patience);
    expect(await dialog.getByRole('button', { name: 'Remove app' }).isEnabled()).toBe(true);
    await dialog.getByRole('checkbox').check();
    await dialog.getByText('App photos would be removed, its volumes with it.').waitFor(patience);
    const remove = dialog.getByRole('button', { name: 'Remove app and data' });
    await dialog.getByText('Its volumes can be recovered within 7 days').waitFor(patience);
    await remove.click();
    await heading(page, 'Apps').waitFor(patience);
    await row(page, 'photos').waitFor({ state: 'detached', ...patience });
    expect(backend.asked.at(-1)).toMatchObject({ command: 'remove-app', input: { withVolumes: true }, dryRun: false });
  });

  it('moves an app to another node with all of its volumes, and calls that off', async () => {
    const { page, backend, lab } = await open('/apps/default/photos');
    const going = () => lab.view.list('volume').filter(({ context }) => context.handover !== null).length;
    const menu = async (item: string) => {
      await page.getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: item }).click();
    };
    await menu('Move to another node');
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/cannot be on polaris: it has .* left/).waitFor(patience);
    expect(await dialog.getByRole('button', { name: 'Move app' }).isDisabled()).toBe(true);
    await dialog.getByRole('combobox', { name: 'Node' }).selectOption('vega');
    await dialog
      .getByText(/go(es)? to \w+: what is not there yet is sent first, while app photos runs/)
      .waitFor(patience);
    await dialog.getByText(/now becomes replicas/).waitFor(patience);
    await dialog.getByRole('checkbox').uncheck();
    await dialog.getByText(/now is removed after that/).waitFor(patience);
    await dialog.getByRole('button', { name: 'Move app' }).click();
    await dialog.waitFor({ state: 'detached', ...patience });
    expect(backend.asked.at(-1)).toMatchObject({ command: 'move-app', input: { replica: false }, dryRun: false });
    expect(going()).toBeGreaterThan(1);
    await menu('Call the move off');
    await expect.poll(going, patience).toBe(0);
  });

  it('shows the compose file as it was written, and deploys a new revision of it', async () => {
    const { page, lab } = await open('/apps/default/photos/compose');
    await shown(page, '# Family photos, since 2009.');
    await page.getByRole('button', { name: 'Edit' }).click();
    const editor = page.getByRole('textbox', { name: 'Compose file' });
    await page.getByText('What would happen').waitFor(patience);
    expect(await page.getByRole('button', { name: 'Deploy this revision' }).isDisabled()).toBe(true);
    await editor.fill((await editor.inputValue()).replace('photos:4.2.1', 'photos:4.3.0'));
    await shown(page, 'App photos would get a new revision.');
    await shown(page, /image ghcr.io\/example\/photos:4.2.1 → ghcr.io\/example\/photos:4.3.0. It is restarted./);
    await page.getByRole('button', { name: 'Deploy this revision' }).click();
    await shown(page, 'Revision 2, as it was written');
    await expect.poll(() => lab.app('photos').state, patience).toBe('running');
    expect(Object.values(lab.app('photos').context.spec.services).map(({ image }) => image)).toContain(
      'ghcr.io/example/photos:4.3.0',
    );
  });

  it('edits an app that came with files, and keeps them', async () => {
    const file = (text: string) => ({ content: Buffer.from(text).toString('base64') });
    const files = { '.env': file('IMAGE=nginx:1.27\n'), 'app.env': file('KEY=1\n') };
    const compose = 'name: notes\nservices:\n  web:\n    image: ${IMAGE}\n    env_file: app.env\n';
    const { page, lab } = await open('/apps');
    lab.run('deploy-app', { compose, files });
    await walk(page, '/apps/default/notes/compose');
    await page.getByRole('button', { name: 'Edit' }).click();
    const editor = page.getByRole('textbox', { name: 'Compose file' });
    await shown(page, 'Goes on with the files of the last revision: .env, app.env.');
    await editor.fill(`${compose}    restart: always\n`);
    await shown(page, 'Service web: restart no → always. It is restarted.');
    await page.getByRole('button', { name: 'Deploy this revision' }).click();
    await shown(page, 'Revision 2, as it was written');
    expect(lab.app('notes').context.spec.services['web']?.image).toBe('nginx:1.27');
  });

  it('tells the history of an app with who and why, and grows while one looks', async () => {
    const { page, lab } = await open('/apps/default/wiki/history');
    await shown(page, 'App wiki was created.');
    await shown(page, /App wiki was assigned to/);
    lab.run('stop-app', { name: 'wiki' });
    await shown(page, 'App wiki is stopped.');
    await page
      .getByRole('button', { name: /Details of event/ })
      .last()
      .click();
    await shown(page, 'app.created');
  });

  it('draws why an app is as it is, with the events it would accept', async () => {
    const { page, lab } = await open('/apps/default/wiki/why');
    await page.getByRole('img', { name: 'States of wiki: it is running' }).waitFor(patience);
    // The ways that lead on from here lie above the others, each with its head.
    const ways = page.locator('svg[role=img] g[data-lit]');
    expect(await ways.last().getAttribute('data-lit')).toBe('true');
    expect(await ways.locator('path').count()).toBe(2 * (await ways.count()));
    await shown(page, 'app.stop-requested');
    await shown(page, 'wiki is running and waits for nothing.');
    await shown(page, 'admin asked to deploy app wiki.');
    lab.hold();
    lab.run('stop-app', { name: 'wiki' });
    await page.getByRole('img', { name: 'States of wiki: it is stopping' }).waitFor(patience);
    await shown(page, /stopping the containers/);
  });

  it('returns to an earlier revision after its plan was shown', async () => {
    const { page, lab } = await open('/apps/default/wiki/compose');
    await shown(page, 'Revision 1, as it was written');
    expect(await page.getByLabel('Revision').count()).toBe(0);
    const wiki = (): string | undefined => lab.app('wiki').context.spec.services['web']?.image;
    const text = await page.getByRole('region', { name: 'Compose file' }).locator('pre').last().innerText();
    lab.run('deploy-app', { compose: text.replace('wiki:2.5', 'wiki:3.0') });
    await shown(page, 'Revision 2, as it was written');
    await shown(page, /requarks\/wiki:3\.0/);
    await page.getByLabel('Revision').selectOption('1');
    await shown(page, /^Revision 1, as admin deployed it/);
    await shown(page, /requarks\/wiki:2\.5/);
    await page.getByRole('button', { name: 'Return to revision 1' }).click();
    await shown(page, /The file of revision 1 would come back as revision 3/);
    await shown(page, /image requarks\/wiki:3.0 → requarks\/wiki:2.5. It is restarted./);
    expect(wiki()).toBe('requarks/wiki:3.0');
    await page.getByRole('button', { name: 'Deploy this revision' }).click();
    await shown(page, 'Revision 3, as it was written');
    expect(wiki()).toBe('requarks/wiki:2.5');
  });

  it('asks before what one has written is lost: by a link, by Cancel, by closing the tab', async () => {
    const { page } = await open('/apps/default/photos/compose');
    await page.getByRole('button', { name: 'Edit' }).click();
    const editor = page.getByRole('textbox', { name: 'Compose file' });
    const question = page.getByRole('dialog', { name: 'Leave without deploying?' });
    // Nothing was written: nobody asks.
    await page.getByRole('link', { name: 'Logs', exact: true }).click();
    await page.getByRole('log').waitFor(patience);
    await page.getByRole('link', { name: 'Compose', exact: true }).click();
    await page.getByRole('button', { name: 'Edit' }).click();
    await editor.focus();
    await page.keyboard.type('# mine ');
    await page.getByRole('link', { name: 'Volumes', exact: true }).click();
    await question.getByRole('button', { name: 'Stay' }).click();
    await question.waitFor({ state: 'detached', ...patience });
    expect(new URL(page.url()).pathname).toBe('/apps/default/photos/compose');
    expect(await editor.inputValue()).toContain('# mine');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await question.getByRole('button', { name: 'Stay' }).click();
    // The browser asks, too.
    const closing = page.waitForEvent('dialog', patience);
    await page.close({ runBeforeUnload: true });
    const asked = await closing;
    expect(asked.type()).toBe('beforeunload');
    await asked.dismiss();
    expect(await editor.inputValue()).toContain('# mine');
    await page.getByRole('link', { name: 'Volumes', exact: true }).click();
    await question.getByRole('button', { name: 'Leave' }).click();
    await heading(page, 'Volumes').waitFor(patience);
  });

  it('keeps what one writes although somebody else deploys meanwhile, and lets it go once it is deployed', async () => {
    const { page, lab } = await open('/apps/default/wiki/compose');
    await page.getByRole('button', { name: 'Edit' }).click();
    const editor = page.getByRole('textbox', { name: 'Compose file' });
    const text = await editor.inputValue();
    await editor.fill(`${text}# mine\n`);
    lab.run('deploy-app', { compose: text.replace('wiki:2.5', 'wiki:3.0') });
    await shown(page, 'revision 2');
    expect(await editor.inputValue()).toContain('# mine');
    await shown(page, /image requarks\/wiki:3.0 → requarks\/wiki:2.5/);
    await page.getByRole('button', { name: 'Deploy this revision' }).click();
    await shown(page, 'Revision 3, as it was written');
    await page.getByRole('link', { name: 'Nodes', exact: true }).click();
    await heading(page, 'Nodes').waitFor(patience);
  });

  it('keeps what one writes while one looks at the past, whatever moment that is', async () => {
    const { page } = await open('/apps/default/photos/compose');
    await page.getByRole('button', { name: 'Edit' }).click();
    const editor = page.getByRole('textbox', { name: 'Compose file' });
    await editor.focus();
    await page.keyboard.type('# mine ');
    const travel = async (moment: string): Promise<void> => {
      await page.getByRole('button', { name: /Look at the past|in the past/ }).click();
      await page.getByLabel('Event or time').fill(moment);
      await page.getByRole('button', { name: 'Go there' }).click();
    };
    await travel('15');
    await page.getByText('The lab after event 15').waitFor(patience);
    await heading(page, 'Photos').waitFor(patience);
    expect(await editor.inputValue()).toContain('# mine');
    // The app was not there yet.
    await travel('6');
    await shown(page, 'There is no app photos');
    expect(await editor.inputValue()).toContain('# mine');
    // There is no such moment: nothing is shown, and nothing lost.
    await travel('999999');
    await heading(page, 'No such moment').waitFor(patience);
    expect(await editor.isVisible()).toBe(false);
    await page.getByRole('main').getByRole('button', { name: 'Back to live' }).click();
    await heading(page, 'Photos').waitFor(patience);
    expect(await page.title()).toContain('Photos');
    expect(await editor.inputValue()).toContain('# mine');
    await page.getByRole('link', { name: 'Volumes', exact: true }).click();
    await page.getByRole('dialog', { name: 'Leave without deploying?' }).waitFor(patience);
  });

  it('keeps what one writes when somebody else removes the app', async () => {
    const { page, lab } = await open('/apps/default/wiki/compose');
    await page.getByRole('button', { name: 'Edit' }).click();
    const editor = page.getByRole('textbox', { name: 'Compose file' });
    await editor.focus();
    await page.keyboard.type('# mine ');
    lab.run('remove-app', { name: 'wiki' });
    await shown(page, 'There is no app wiki');
    expect(await editor.inputValue()).toContain('# mine');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Leave' }).click();
    await editor.waitFor({ state: 'detached', ...patience });
    await shown(page, 'There is no app wiki');
  });

  it('shows nothing of one app in the editor of another, and asks there again', async () => {
    const { page } = await open('/apps/default/photos/compose');
    const editor = page.getByRole('textbox', { name: 'Compose file' });
    const question = page.getByRole('dialog', { name: 'Leave without deploying?' });
    const write = async (): Promise<void> => {
      await page.getByRole('button', { name: 'Edit' }).click();
      await editor.focus();
      await page.keyboard.type('# mine ');
    };
    await page.getByRole('button', { name: 'Edit' }).click();
    await editor.waitFor(patience);
    await walk(page, '/apps/default/wiki/compose');
    await heading(page, 'wiki').waitFor(patience);
    await shown(page, 'Revision 1, as it was written');
    expect(await editor.count()).toBe(0);
    await write();
    expect(await editor.inputValue()).toContain('name: wiki');
    await page.evaluate(() => history.back());
    await question.getByRole('button', { name: 'Leave' }).click();
    await heading(page, 'Photos').waitFor(patience);
    await question.waitFor({ state: 'detached', ...patience });
    expect(await editor.count()).toBe(0);
    await write();
    expect(await editor.inputValue()).toContain('name: photos');
    await page.getByRole('link', { name: 'Volumes', exact: true }).click();
    await question.waitFor(patience);
  });

  it('offers the other revisions when one of them cannot be read', async () => {
    const { page, lab } = await open('/apps/default/wiki/compose');
    await shown(page, 'Revision 1, as it was written');
    const text = await page.getByRole('region', { name: 'Compose file' }).locator('pre').last().innerText();
    lab.run('deploy-app', { compose: text.replace('wiki:2.5', 'wiki:3.0') });
    await shown(page, 'Revision 2, as it was written');
    const earlier = /\/compose\?at=/;
    await page.route(earlier, (route) =>
      route.fulfill({
        status: 404,
        contentType: 'application/problem+json',
        body: JSON.stringify({ code: 'NOT_FOUND', status: 404, title: 'That file is gone.' }),
      }),
    );
    await page.getByLabel('Revision').selectOption('1');
    await page.getByRole('main').getByRole('alert').waitFor(patience);
    expect(await page.getByRole('button', { name: 'Return to revision 1' }).count()).toBe(0);
    await page.getByLabel('Revision').selectOption('2');
    await shown(page, /requarks\/wiki:3\.0/);
    await page.getByRole('button', { name: 'Edit' }).waitFor(patience);
  });

  it('leads to an app by a whole link, made from its first port when nobody gave it one', async () => {
    const { page, lab } = await open('/apps');
    await page.getByRole('link', { name: 'https://wiki.lab' }).waitFor(patience);
    lab.run('start-app', { name: 'backup' });
    const made = row(page, 'backup').getByRole('link', { name: 'http://127.0.0.1:8082' });
    expect(await made.getAttribute('href', patience)).toBe('http://127.0.0.1:8082');
    await walk(page, '/apps/default/photos');
    expect(await page.getByRole('link', { name: 'https://photos.lab' }).getAttribute('href')).toBe(
      'https://photos.lab',
    );
  });

  it('counts from the last start of a service, not from the first', async () => {
    const { page, lab } = await open('/apps/default/wiki');
    await page.getByRole('button', { name: 'Stop' }).waitFor(patience);
    const age = page.locator('main header time');
    expect(await age.textContent()).toMatch(/ d$/);
    const { stream, context, visit } = lab.view
      .list('instance')
      .find((one) => one.context.app === lab.app('wiki').stream)!;
    const status = { ...context.services['web']!, restarts: 1, lastExitCode: 137 };
    lab.run('report-service', { instance: stream, visit, service: 'web', status }, context.node);
    await expect.poll(() => age.textContent(), patience).toMatch(/ s$|^now/);
  });
});
