/** That everybody can use every screen of the web app, by eye, ear and keys. Each scheme has a file: they run side by side. */
import { expect, it } from 'vitest';
import { accessibilityProblems } from '../browser.ts';
import { labWithDiverged } from '../seed.ts';
import { describeWeb, heading, patience, row, settled, shown, walk } from './harness.ts';
import { screens } from './screens.ts';

export function accessibleIn(scheme: 'light' | 'dark'): void {
  describeWeb(({ open }) => {
    it(`is accessible on every screen, ${scheme}`, async () => {
      const lab = labWithDiverged();
      const { page, backend } = await open('/', lab, { scheme, initialPassword: true });
      lab.failNext('start-instance', {
        code: 'IMAGE_NOT_FOUND',
        message: 'Image `x:1` does not exist.',
        hint: 'Look at its tag.',
      });
      lab.run('start-app', { name: 'backup' });
      const problems: string[] = [];
      const look = async (name: string): Promise<void> => {
        await settled(page);
        problems.push(...(await accessibilityProblems(page)).map((problem) => `${name} ${problem}`));
      };
      /** Something has opened over the screen; escape closes it again. */
      const lookOver = async (name: string): Promise<void> => {
        const over = page.locator('[role=dialog]:visible, [role=menu]:visible');
        await over.first().waitFor(patience);
        await look(name);
        await page.keyboard.press('Escape');
        await over.first().waitFor({ state: 'detached', ...patience });
      };
      for (const path of screens) {
        await walk(page, path);
        await look(path);
      }
      await walk(page, '/apps/default/photos/terminal');
      await page.getByRole('button', { name: 'Open terminal' }).click();
      await page.keyboard.type('colours');
      await page.keyboard.press('Enter');
      await page.locator('.xterm-rows').getByText('green').waitFor(patience);
      await look('terminal');
      await walk(page, '/volumes/default/photos-db');
      await row(page, 'first light').getByRole('button', { name: 'Roll back' }).click();
      await lookOver('roll back');
      await page.getByRole('button', { name: /Look at the past/ }).click();
      await lookOver('time');
      await page.keyboard.press('Control+k');
      await lookOver('palette');
      await page.getByRole('button', { name: 'More actions' }).click();
      await lookOver('menu');
      await page.keyboard.press('?');
      await lookOver('keys');
      await page.getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: 'Change' }).click();
      for (const group of await page.locator('[role=dialog] summary').all()) await group.click();
      await lookOver('change volume');
      await walk(page, '/volumes/default/photos-db/files');
      await page.getByRole('button', { name: 'Import…' }).click();
      await lookOver('import');
      await walk(page, '/volumes/default/photos-originals/replicas');
      await page.getByRole('button', { name: 'New replica' }).click();
      await lookOver('new replica');
      await page.getByRole('button', { name: 'What is kept…' }).click();
      await page.getByLabel('Replicas that the lab keeps').fill('2');
      await lookOver('replication');
      await page.getByRole('button', { name: /^More for/ }).click();
      await page.getByRole('menuitem', { name: 'Take back to its volume…' }).click();
      await page.getByLabel('It is destroyed').check();
      await lookOver('resync');
      await walk(page, '/nodes/atlas/pools');
      await page.getByRole('button', { name: 'Make a pool' }).click();
      await page.getByLabel(/Also disks that hold data/).check();
      await page.getByLabel(/\/dev\/sde,/).check();
      await lookOver('make a pool');
      await walk(page, '/schedules');
      await page.getByRole('button', { name: 'New schedule' }).click();
      await lookOver('new schedule');
      await walk(page, '/backups/targets');
      await page.getByRole('button', { name: 'Add a target' }).click();
      await page.getByLabel('What it is').selectOption('s3');
      await page.getByLabel('Endpoint').fill('nowhere');
      await lookOver('add a target');
      await walk(page, '/backups');
      await row(page, 'wiki-data')
        .getByRole('button', { name: /^More for/ })
        .click();
      await page.getByRole('menuitem', { name: 'Restore…' }).click();
      await page.getByLabel(/a volume that is there/).check();
      await lookOver('restore a backup');
      await walk(page, '/backups/apps');
      await page.getByRole('button', { name: 'Restore app photos as a whole' }).click();
      await lookOver('restore an app');
      lab.run('deploy-app', { compose: 'name: wiki\nservices:\n  web:\n    image: requarks/wiki:3.0\n' });
      await walk(page, '/apps/default/wiki/compose');
      await page.getByLabel('Revision').selectOption('1');
      await page.getByRole('button', { name: 'Return to revision 1' }).click();
      await shown(page, 'What is different');
      await look('return');
      await page.getByRole('textbox', { name: 'Compose file' }).fill('name: wiki');
      await shown(page, /problem/);
      await look('compose');
      await page.getByRole('button', { name: 'Cancel' }).click();
      await lookOver('leave');
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('button', { name: 'Leave', exact: true }).click();
      await page.getByRole('button', { name: 'Change it' }).click();
      await lookOver('password');
      backend.signOutAll();
      await heading(page, 'Sign in to FloatLab').waitFor(patience);
      await look('sign in');
      expect(problems).toEqual([]);
    }, 180_000);
  });
}
