/** A lab in the engine of other people, which is away when the daemon starts: after a boot, or while it is updated. */
import { existsSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOwnEngine, stopOwnEngine } from '#io/daemon/engine.ts';
import { ensureWelcomeImage, welcomeImage } from '#io/daemon/welcome-image.ts';
import { enginePaths } from '#io/devices/docker/own/paths.ts';
import { dockerOverSocket } from '#io/devices/docker/real.ts';
import { DaemonFixture, eventually, fetchText, freePort } from '#test/daemon-fixture.ts';
import { missingDocker, patientCall, quietLog } from '#test/engine-fixture.ts';
import { missingBtrfs } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';

describeReal('a lab in an engine of other people', missingDocker() ?? missingBtrfs(), () => {
  let daemon: DaemonFixture;
  /** Where the engine of other people lives. */
  let others: string;
  const startOthers = () => startOwnEngine({ dataDir: others, log: quietLog, isolated: true });

  beforeAll(async () => {
    others = await mkdtemp(join(tmpdir(), 'floatlab-others-'));
    const { socketPath } = await startOthers();
    await ensureWelcomeImage(dockerOverSocket({ socketPath }), {}, patientCall());
    daemon = await DaemonFixture.make(['--pool-size', '1GiB', '--no-sample']);
    await daemon.start(['--engine', socketPath]);
  });
  afterAll(async () => {
    await daemon.dispose();
    await stopOwnEngine({ dataDir: others, remove: true });
    await rm(others, { recursive: true, force: true });
  }, 120_000);

  test('waits for it, says so, runs no second one, and goes on when it is back', async () => {
    const port = await freePort();
    const page = (): Promise<string> => fetchText(`http://127.0.0.1:${port}/`);
    await daemon.login();
    const file = join(daemon.dataDir, 'compose.yaml');
    writeFileSync(file, `name: site\nservices:\n  web:\n    image: ${welcomeImage}\n    ports: ['${port}:8080']\n`);
    const ran = await daemon.cli('up', '-f', file, '--yes', '--wait');
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    expect(await page()).toContain('FloatLab');

    await daemon.end('SIGTERM');
    await stopOwnEngine({ dataDir: others });
    // Without a word about the engine, as after a boot.
    await daemon.start();
    expect(daemon.output).toMatch(/Waiting for the container engine at .*engine\.sock/);
    const ready = await fetch(`${daemon.url}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('not ready: engine')]);
    expect((await daemon.cli('ps')).stdout).toMatch(/^site /m);
    expect(existsSync(enginePaths(daemon.dataDir).home)).toBe(false);

    await startOthers();
    expect(await eventually(page, (text) => text.includes('FloatLab'), 90_000)).toContain('FloatLab');
    expect(
      (
        await eventually(
          () => fetch(`${daemon.url}/readyz`),
          ({ ok }) => ok,
        )
      ).status,
    ).toBe(200);
    expect((await daemon.cli('down', 'site', '--yes')).code).toBe(0);
  });
});
