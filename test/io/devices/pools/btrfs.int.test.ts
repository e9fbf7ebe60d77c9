/** The contract on real btrfs, and what only btrfs can get wrong. */
import { createHash } from 'node:crypto';
import { open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { health } from '#io/devices/pools/health.ts';
import { btrfsPools } from '#io/devices/pools/btrfs/real.ts';
import type { ManagedPool } from '#io/devices/pools/port.ts';
import { patient, poolsContract } from '#test/contracts/pools.ts';
import { missingBtrfs } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { loopDisks } from './loop-disks.ts';

const MiB = 2 ** 20;

describeReal('pools of btrfs', missingBtrfs(), () => {
  poolsContract(async () => {
    const disks = await loopDisks();
    const { tool, folder } = disks;
    const mountpoint = (name: string) => join(folder, 'mnt', name);
    const pools = () =>
      ['tank', 'other'].map((name): ManagedPool => ({ name, driver: 'btrfs', mountpoint: mountpoint(name) }));
    const devices: string[] = [];
    for (let count = 0; count < 6; count++) devices.push(await disks.add(256 * MiB));
    const full = await disks.add(16 * MiB);
    await tool('mkswap', '--label', 'backup', full);
    const used = await disks.add(128 * MiB);
    await tool('mkfs.btrfs', '--quiet', used);
    await tool('mkdir', join(folder, 'used'));
    await tool('mount', '-o', 'ro', used, join(folder, 'used'));
    const top = mountpoint('tank');

    return {
      admin: btrfsPools({ pools }),
      driver: 'btrfs',
      reopen: () => btrfsPools({ pools }),
      devices,
      full,
      used,
      look: async (device) =>
        createHash('sha256')
          .update(await readFile(disks.fileOf(device)))
          .digest('hex'),
      async fill(name) {
        for (const n of [1, 2]) await writeFile(join(mountpoint(name), `file-${n}`), disks.secret);
        await tool('btrfs', 'filesystem', 'sync', mountpoint(name));
      },
      async corrupt(device) {
        expect(await disks.spoil(disks.fileOf(device))).toBeGreaterThan(0);
      },
      forbidWrites: async () => void (await tool('mount', '-o', 'remount,ro', top)),
      async lose(device) {
        await tool('umount', top);
        await disks.detach(device);
        await tool('mount', '-o', 'degraded', devices[0] ?? '', top);
      },
      canPause: true,
      file: { path: join(folder, 'pool.img'), sizeBytes: 1024 * MiB, grows: true },
      async slowScrubs(isSlow) {
        await writeFile(join(top, 'large'), Buffer.alloc(24 * MiB, disks.secret));
        await tool('btrfs', 'filesystem', 'sync', top);
        const uuid = (await tool('findmnt', '--noheadings', '--output', 'UUID', top)).trim();
        const limits = `/sys/fs/btrfs/${uuid}/devinfo`;
        for (const id of await readdir(limits))
          await writeFile(join(limits, id, 'scrub_speed_max'), isSlow ? '4m' : '0');
      },
      now: () => Date.now(),
      wait: () => setTimeout(30),
      async dispose() {
        await tool('umount', join(folder, 'used'));
        for (const name of ['tank', 'other']) await tool('umount', mountpoint(name)).catch(() => undefined);
        await disks.dispose();
      },
    };
  });

  test('a creation that was interrupted is finished by asking again; and what is spoiled on both disks is lost, and told', async () => {
    const disks = await loopDisks();
    const mountpoint = join(disks.folder, 'mnt');
    const pools = () => [{ name: 'tank', driver: 'btrfs', mountpoint }] as const;
    const devices = [await disks.add(128 * MiB), await disks.add(128 * MiB)];
    const spec = { name: 'tank', layout: 'mirror', on: { devices } } as const;
    const uuids = new Set<string>();
    try {
      for (const crash of ['formatted', 'mounted']) {
        const crashing = btrfsPools({
          pools,
          step: (step) => {
            if (step === crash) throw new Error('the power went');
          },
        });
        await expect(crashing.create(spec, patient())).rejects.toMatchObject({ code: 'FAILED' });
        const head = Buffer.alloc(16);
        const file = await open(disks.fileOf(devices[0] ?? ''), 'r');
        await file.read(head, 0, 16, 65_536 + 32);
        await file.close();
        uuids.add(head.toString('hex'));
      }
      const admin = btrfsPools({ pools });
      expect(await admin.create(spec, patient())).toMatchObject({ state: 'online' });
      expect(uuids.size).toBe(1);

      await writeFile(join(mountpoint, 'file'), disks.secret);
      await disks.tool('btrfs', 'filesystem', 'sync', mountpoint);
      for (const device of devices) expect(await disks.spoil(disks.fileOf(device))).toBe(1);
      await admin.scrub('tank', 'start', patient());
      let report = await admin.report('tank', patient());
      while (report.scans[0]?.state !== 'finished') report = await admin.report('tank', patient());
      expect(report.dataErrors.count).toBeGreaterThan(0);
      const { state, problems } = health(report, { now: Date.now() });
      expect([state, problems[0]?.code]).toEqual(['faulty', 'data-lost']);
    } finally {
      await disks.tool('umount', mountpoint).catch(() => undefined);
      await disks.dispose();
    }
  });

  test('disks are listed with what they are used for', async () => {
    const admin = btrfsPools({ pools: () => [] });
    for (const { path, state, why } of await admin.candidates(patient())) {
      expect(path).toMatch(/^\/dev\//);
      expect(why.length > 0).toBe(state !== 'free');
    }
  });
});
