/** `--stop-all` where the engine belongs to other people, who have containers of their own in it. */
import { existsSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { enginePaths } from '#io/devices/docker/own/paths.ts';
import { welcomeImage } from '#io/daemon/welcome-image.ts';
import { DaemonFixture, eventually, freePort } from '#test/daemon-fixture.ts';
import { missingDocker, patientCall, sharedEngine } from '#test/engine-fixture.ts';
import { missingBtrfs } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { deploy, page, stopAll } from './stop-all-lab.ts';

describeReal('a lab in an engine of other people that is stopped as a whole', missingDocker() ?? missingBtrfs(), () => {
  let daemon: DaemonFixture;
  afterEach(() => daemon.dispose(), 120_000);

  test('in an engine of other people leaves nothing of its own there, and comes back whole', async () => {
    const port = await freePort();
    const { socketPath, docker } = await sharedEngine();
    daemon = await DaemonFixture.make(['--pool-size', '1GiB', '--no-sample', '--engine', socketPath]);
    const names = async (): Promise<readonly string[]> =>
      (await docker.containers({}, patientCall())).map(({ name, state }) => `${name} ${state}`);
    await daemon.start();
    await deploy(daemon, port);
    expect(existsSync(enginePaths(daemon.dataDir).home)).toBe(false);
    const foreign = await docker.create(
      {
        name: 'foreign',
        image: welcomeImage,
        command: ['sleep', '600'],
        environment: [],
        labels: {},
        ports: [],
        mounts: [],
        networks: [{ name: 'bridge', aliases: [] }],
      },
      patientCall(),
    );
    await docker.start(foreign, patientCall());
    try {
      await daemon.end('SIGTERM');
      const stopped = await stopAll(daemon.dataDir);
      expect(stopped, stopped.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('Stopped: site.') });
      expect(stopped.stdout).not.toContain('engine of FloatLab');
      expect(await names()).toEqual(['foreign running']);
      await daemon.start();
      expect(
        await eventually(
          () => page(port),
          (text) => text.includes('FloatLab'),
          60_000,
        ),
      ).toContain('FloatLab');
      expect(await names()).toEqual(['foreign running', 'site-helper-1 running', 'site-web-1 running']);
      await daemon.cli('down', 'site', '--volumes', '--yes');
    } finally {
      await docker.stop(foreign, 0, patientCall());
      await docker.remove(foreign, patientCall());
    }
  });
});
