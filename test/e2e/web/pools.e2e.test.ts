/** The web app in a real browser, against a lab in memory: the pools of a node. */
import { mkdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { PoolStatus } from '#events/pool.ts';
import type { FakeLab } from '../fake-lab.ts';
import { busyLab } from '../seed.ts';
import { describeWeb, patience, shown } from './harness.ts';

const pool = 'pool:atlas-1/tank';
const well: PoolStatus = {
  state: 'online',
  layout: 'mirror',
  sizeBytes: 2 ** 41,
  devices: [
    { name: '/dev/sdb', role: 'data', state: 'online', sizeBytes: 2 ** 41 },
    { name: '/dev/sdc', role: 'data', state: 'online', sizeBytes: 2 ** 41 },
  ],
  problems: [],
};
const ill: PoolStatus = {
  ...well,
  state: 'degraded',
  devices: [
    { name: '/dev/sdb', role: 'data', state: 'online', sizeBytes: 2 ** 41 },
    { name: '2', role: 'data', state: 'unavailable', was: '/dev/sdc' },
  ],
  problems: [
    {
      code: 'device-failed',
      severity: 'faulty',
      device: '2',
      text: '/dev/sdc of the pool tank is unavailable.',
      repair: 'Look at its cable and power; if it does not come back, replace it.',
    },
  ],
};

function labWith(status: PoolStatus): FakeLab {
  const lab = busyLab();
  const told = { pool, driver: 'btrfs', origin: 'adopted', where: '/mnt/tank', status, scrub: null };
  lab.run('report-pool', told as never, 'node:atlas-1');
  return lab;
}

describeWeb(({ open }) => {
  it('shows what a pool is made of and what is wrong, and puts another disk in the place of the one that is gone', async () => {
    const { page } = await open('/nodes/atlas/pools', labWith(ill));
    await shown(page, '/dev/sdc of the pool tank is unavailable.');
    const devices = page.getByRole('table', { name: 'Devices of tank' });
    await devices.getByText('(gone; number 2)').waitFor(patience);
    const folder = process.env['FLOATLAB_SHOTS'];
    if (folder !== undefined) {
      mkdirSync(folder, { recursive: true });
      await page.screenshot({ path: `${folder}/pools.png` });
    }
    await page.getByRole('button', { name: 'More for /dev/sdc' }).click();
    await page.getByRole('menuitem', { name: 'Replace…' }).click();
    const dialog = page.getByRole('dialog');
    // What is in use cannot be chosen; what holds data only by those who say so.
    expect(await dialog.getByLabel(/nvme0n1/).isDisabled()).toBe(true);
    expect(await dialog.getByLabel(/\/dev\/sde,/).isDisabled()).toBe(true);
    await dialog.getByLabel(/\/dev\/sdd,/).check();
    await dialog.getByText('In pool atlas/tank /dev/sdc would be replaced by /dev/sdd.').waitFor(patience);
    if (folder !== undefined) await page.screenshot({ path: `${folder}/pool-replace.png` });
    await dialog.getByLabel(/Also disks that hold data/).check();
    expect(await dialog.getByLabel(/\/dev\/sde,/).isDisabled()).toBe(false);
    await dialog.getByRole('button', { name: 'Replace it' }).click();
    await shown(page, 'replacing');
  });

  it('makes a pool of free disks', async () => {
    const { page } = await open('/nodes/atlas/pools', labWith(well));
    await page.getByRole('button', { name: 'Make a pool' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name', { exact: true }).fill('fast');
    await dialog.getByLabel(/\/dev\/sdd,/).waitFor(patience);
    expect(await dialog.getByText(/needs devices/).count()).toBe(0);
    await dialog.getByLabel(/\/dev\/sdd,/).check();
    expect(await dialog.getByRole('button', { name: 'Make the pool' }).isDisabled()).toBe(true);
    await dialog.getByLabel('How disks are put together').selectOption('single');
    await dialog.getByText('Pool atlas/fast would be made of /dev/sdd (btrfs, single).').waitFor(patience);
    await dialog.getByRole('button', { name: 'Make the pool' }).click();
    await page.getByRole('heading', { name: 'fast' }).waitFor(patience);
  });
});
