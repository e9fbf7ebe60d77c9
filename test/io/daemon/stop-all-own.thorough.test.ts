/** `--stop-all` on a real machine: what a daemon leaves running is ended, and comes back with the next start. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test, vi } from 'vitest';
import { enginePaths } from '#io/devices/docker/own/paths.ts';
import { allProcesses } from '#io/devices/docker/own/processes.ts';
import { dockerOverSocket } from '#io/devices/docker/real.ts';
import { startOwnEngine } from '#io/daemon/engine.ts';
import { ensureWelcomeImage } from '#io/daemon/welcome-image.ts';
import { DaemonFixture, eventually, freePort } from '#test/daemon-fixture.ts';
import { links, linksOf, missingDocker, patientCall, quietLog } from '#test/engine-fixture.ts';
import { missingBtrfs } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { deploy, page, stopAll } from './stop-all-lab.ts';

const exec = promisify(execFile);
const mounts = (): string => readFileSync('/proc/self/mountinfo', 'utf8');
const loops = async (): Promise<string> =>
  (await exec('losetup', ['--list', '--noheadings', '-O', 'BACK-FILE'])).stdout;

describeReal('a lab that is stopped as a whole', missingDocker() ?? missingBtrfs(), () => {
  let daemon: DaemonFixture;
  afterEach(() => daemon.dispose(), 120_000);

  test('leaves no container, process, mount, loop device or bridge of its own, and comes back whole', async () => {
    const port = await freePort();
    daemon = await DaemonFixture.make(['--pool-size', '1GiB', '--no-sample']);
    const paths = enginePaths(daemon.dataDir);
    const image = join(daemon.dataDir, 'pool', 'pool.img');
    await daemon.start();
    const { socketPath } = await startOwnEngine({ dataDir: daemon.dataDir, log: quietLog });
    await ensureWelcomeImage(dockerOverSocket({ socketPath }), {}, patientCall());
    await deploy(daemon, port);

    // Safe while a daemon runs: nothing happens, and it says whose turn it is.
    const refused = await stopAll(daemon.dataDir);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`in use by another FloatLab (process ${daemon.pid})`);
    expect(await page(port)).toContain('FloatLab');

    await daemon.end('SIGTERM');
    expect(await page(port)).toContain('FloatLab');
    expect([mounts().includes(daemon.dataDir), await loops()]).toEqual([true, expect.stringContaining(image)]);
    const own = (await linksOf(socketPath)).filter((name) => name !== 'docker0');
    expect(own.length).toBeGreaterThan(2);

    const stopped = await stopAll(daemon.dataDir);
    expect(stopped, stopped.stderr).toMatchObject({ code: 0 });
    expect(stopped.stdout).toMatch(/Stopped: site\.\n.*engine of FloatLab is stopped.*\n.*pool is unmounted/);
    expect(stopped.stdout).toContain(`npm start -- --data ${daemon.dataDir}\n`);
    // In order: who depends on the other first.
    expect(stopped.stderr).toMatch(/stopping site-web-1[^]*stopping site-helper-1/);
    expect(await page(port)).toBe('');
    const left = (await allProcesses()).filter(({ args }) => args.some((arg) => arg.includes(paths.runtime)));
    expect(left).toEqual([]);
    expect([mounts().includes(daemon.dataDir), mounts().includes(paths.runtime)]).toEqual([false, false]);
    // A process that begins in mounts of its own holds everybody's for a moment.
    await vi.waitFor(async () => expect(await loops()).not.toContain(image), 15_000);
    expect(existsSync(paths.runtime)).toBe(false);
    expect((await links()).filter((name) => own.includes(name))).toEqual([]);

    // Again: nothing to do.
    expect(await stopAll(daemon.dataDir)).toMatchObject({ code: 0, stdout: expect.stringContaining('No app ran') });

    await daemon.start();
    expect(
      await eventually(
        () => page(port),
        (text) => text.includes('FloatLab'),
        60_000,
      ),
    ).toContain('FloatLab');
    expect((await daemon.cli('ps')).stdout).toMatch(/site\s+running/);
  });
});
