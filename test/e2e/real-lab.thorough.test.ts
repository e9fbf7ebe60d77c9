/** The whole product on real Docker and real btrfs on bad days: killed at any moment, without its engine, without an image. */
import { readdirSync } from 'node:fs';
import { readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
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

  test('a disk that loses the end of the history, and not of the state that was folded from it, loses nothing', async () => {
    const events = async () => (await real.daemon.cli('event', 'ls', '-o', 'json')).stdout;
    const before = JSON.parse(await events()) as readonly { index: number }[];
    await real.daemon.end('SIGKILL');
    const folder = join(real.daemon.dataDir, 'log', 'history');
    const open = readdirSync(folder).find((name) => name.endsWith('.open')) ?? '';
    await truncate(join(folder, open), Math.floor((await stat(join(folder, open))).size / 2));
    await real.daemon.start();
    expect(real.daemon.output).toMatch(
      /it has seen event \d+, and the log ends at event \d+\): it is made again from the log/,
    );
    const after = JSON.parse(await events()) as typeof before;
    const [last] = before;
    expect(after).toContainEqual(last);
    expect(after[0]?.index).toBeLessThan((last?.index ?? 0) + 20);
    const ran = await real.daemon.cli('volume', 'create', 'afterwards', '--size', '16MiB');
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    expect((await real.daemon.cli('volume', 'rm', 'afterwards', '--purge', '--yes')).code).toBe(0);
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
