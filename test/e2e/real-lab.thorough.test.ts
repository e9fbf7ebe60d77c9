/** The whole product on real Docker and real btrfs on bad days: killed at any moment, without its engine, without an image. */
import { readFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { enginePaths } from '#io/devices/docker/own/paths.ts';
import { eventually } from '#test/daemon-fixture.ts';
import { describeRealLab } from './real-lab.ts';

describeRealLab('a lab on this machine on bad days', (real) => {
  const { page, up, containers } = real;
  beforeAll(async () => {
    const ran = await up(real.compose);
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
  });

  test('kill -9 at any moment loses nothing and leaves nothing half-made', async () => {
    for (const waitMs of [0, 30, 120, 400]) {
      const snapshot = `kill-${waitMs}`;
      const asked = real.daemon.cli('volume', 'snapshot', 'site-site', '--as', snapshot);
      await new Promise((resolve) => setTimeout(resolve, 350 + waitMs));
      await real.daemon.end('SIGKILL');
      await real.daemon.start();
      const { code } = await asked;
      const listed = await eventually(
        () => real.daemon.cli('volume', 'snapshots', 'site-site'),
        ({ stdout }) => !/taking|removing/.test(stdout),
      );
      // Acknowledged means done; anything else means done or never begun.
      if (code === 0) expect(listed.stdout).toMatch(new RegExp(`${snapshot}\\s+available`));
      expect(listed.stdout).not.toMatch(/failed|taking/);
    }
    expect(await containers()).toEqual(['site-web-1 running']);
    expect(await page()).toContain('FloatLab');
  });

  test('a killed engine is started again and its apps come back', async () => {
    const enginePid = Number(await readFile(enginePaths(real.daemon.dataDir).pidFile, 'utf8'));
    process.kill(enginePid, 'SIGKILL');
    await eventually(page, (text) => text === '', 15_000);
    expect(await eventually(page, (text) => text.includes('FloatLab'), 90_000)).toContain('FloatLab');
    expect((await real.daemon.cli('ps')).stdout).toMatch(/site\s+(running|degraded)/);
  });

  test('an image that cannot be had fails the app with a reason', async () => {
    const ran = await up('name: nowhere\nservices:\n  web:\n    image: 127.0.0.1:9/no/such:1\n');
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/IMAGE_(NOT_FOUND|PULL_FAILED)/);
    expect((await real.daemon.cli('down', 'nowhere', '--yes')).code).toBe(0);
  });
});
