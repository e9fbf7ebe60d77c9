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
    // Whoever looks at a volume in it learns of that, too.
    await page.goto(new URL('/volumes/default/photos-db', page.url()).href);
    await shown(page, /Its pool tank is not well: \/dev\/sdc of the pool tank is unavailable/);
  });

  it('lets a pool go on that takes no writes', async () => {
    const readOnly = {
      code: 'pool-read-only',
      severity: 'faulty',
      text: 'tank takes no writes.',
      repair: 'Look.',
    } as const;
    const { page, lab } = await open('/nodes/atlas/pools', labWith({ ...well, problems: [readOnly] }));
    await page.getByRole('button', { name: 'Clear its errors' }).click();
    await page.getByText('tank takes no writes.').waitFor({ ...patience, state: 'hidden' });
    expect(lab.view.get(pool)).toMatchObject({ state: 'online', context: { status: { problems: [] } } });
  });

  it('makes a pool of free disks', async () => {
    const { page } = await open('/nodes/atlas/pools', labWith(well));
    await page.getByRole('button', { name: 'Make a pool' }).click();
    const dialog = page.getByRole('dialog');
    // A name that is taken is not offered, and is refused at its field.
    const name = dialog.getByLabel('Name', { exact: true });
    expect(await name.inputValue()).toBe('tank2');
    await name.fill('tank');
    await dialog.getByText('Node atlas has a pool tank already.').waitFor(patience);
    await name.fill('fast');
    await dialog.getByLabel(/\/dev\/sdd,/).waitFor(patience);
    expect(await dialog.getByText(/needs devices/).count()).toBe(0);
    await dialog.getByLabel(/\/dev\/sdd,/).check();
    expect(await dialog.getByRole('button', { name: 'Make the pool' }).isDisabled()).toBe(true);
    await dialog.getByLabel('How disks are put together').selectOption('single');
    await dialog.getByText('Pool atlas/fast would be made of /dev/sdd (btrfs, single).').waitFor(patience);
    await dialog.getByLabel(/Also disks that hold data/).check();
    await dialog.getByLabel(/\/dev\/sde,/).check();
    await dialog.getByText('What is on /dev/sdd, /dev/sde would be lost for ever.').waitFor(patience);
    await dialog.getByRole('alert').getByText('ext4 "old-backup"').waitFor(patience);
    expect(await dialog.getByRole('button', { name: 'Make the pool' }).isDisabled()).toBe(true);
    await dialog.getByLabel(/Also disks that hold data/).uncheck();
    await dialog.getByText('Pool atlas/fast would be made of /dev/sdd (btrfs, single).').waitFor(patience);
    await dialog.getByRole('button', { name: 'Make the pool' }).click();
    await page.getByRole('heading', { name: 'fast' }).waitFor(patience);
  });

  it('makes a pool in a file, and limits how much of one volumes may be promised', async () => {
    const { page, lab } = await open('/nodes/atlas/pools', labWith(well));
    await page.getByRole('button', { name: 'Make a pool' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Made of').selectOption('file');
    await dialog.getByLabel('Size').fill('1MiB');
    await dialog.getByText(/at least 1\sGiB/).waitFor(patience);
    await dialog.getByLabel('Size').fill('20GiB');
    await dialog.getByRole('textbox', { name: 'File' }).fill('pool.img');
    await dialog.getByText(/Write an absolute path/).waitFor(patience);
    await dialog.getByRole('textbox', { name: 'File' }).fill('');
    await dialog.getByLabel('File system').selectOption('zfs');
    await dialog.getByText(/Pool atlas\/tank2 would be made .*zfs/).waitFor(patience);
    await dialog.getByRole('button', { name: 'Make the pool' }).click();
    await page.getByRole('heading', { name: 'tank2' }).waitFor(patience);
    await page.getByRole('region', { name: 'tank', exact: true }).getByRole('button', { name: 'Limit' }).click();
    await dialog.getByLabel(/in percent/).fill('150');
    await dialog.getByText('Write a number from 1 to 100.').waitFor(patience);
    await dialog.getByLabel(/in percent/).fill('60');
    await dialog.getByLabel('Left to others').fill('100GiB');
    await dialog.getByText(/60 %/).waitFor(patience);
    await dialog.getByRole('button', { name: 'Set limits' }).click();
    await shown(page, /60 % of it without 100 GiB/);
    expect(lab.view.get('node:atlas-1')?.context.poolLimits).toEqual({
      tank: { fillPercent: 60, reserveBytes: 100 * 2 ** 30 },
    });
  });
});
