/** `--stop-all` on a real machine: what a daemon leaves running is ended, and comes back with the next start. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { enginePaths } from '#io/devices/docker/own/paths.ts';
import { allProcesses } from '#io/devices/docker/own/processes.ts';
import { dockerOverSocket } from '#io/devices/docker/real.ts';
import { startOwnEngine } from '#io/daemon/engine.ts';
import { ensureWelcomeImage, welcomeImage } from '#io/daemon/welcome-image.ts';
import { DaemonFixture, eventually, fetchText, freePort } from '#test/daemon-fixture.ts';
import { links, linksOf, missingDocker, patientCall, quietLog, sharedEngine } from '#test/engine-fixture.ts';
import { missingBtrfs } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';

const exec = promisify(execFile);
const program = fileURLToPath(new URL('../../../bin/floatlabd.js', import.meta.url));

interface Stopped {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function stopAll(dataDir: string): Promise<Stopped> {
  return exec(process.execPath, [program, '--data', dataDir, '--stop-all'], { timeout: 100_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: unknown) => error as Stopped,
  );
}

const mounts = (): string => readFileSync('/proc/self/mountinfo', 'utf8');
const loops = async (): Promise<string> =>
  (await exec('losetup', ['--list', '--noheadings', '-O', 'BACK-FILE'])).stdout;

/** Two services, of which one needs the other, and neither asks to be started again. */
const compose = (port: number): string => `name: site
services:
  web:
    image: ${welcomeImage}
    ports: ['${port}:8080']
    volumes: ['pages:/srv']
    depends_on: [helper]
  helper:
    image: ${welcomeImage}
volumes:
  pages:
x-floatlab:
  size: 64MiB
`;

describeReal('a lab that is stopped as a whole', missingDocker() ?? missingBtrfs(), () => {
  let daemon: DaemonFixture;
  afterEach(() => daemon.dispose(), 120_000);

  async function deploy(port: number): Promise<void> {
    expect((await daemon.login()).stderr).toContain('Signed in');
    const file = join(daemon.dataDir, 'compose.yaml');
    writeFileSync(file, compose(port));
    const ran = await daemon.cli('up', '-f', file, '--yes', '--wait');
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
  }
  const page = (port: number): Promise<string> => fetchText(`http://127.0.0.1:${port}/`);

  test('leaves no container, process, mount, loop device or bridge of its own, and comes back whole', async () => {
    const port = await freePort();
    daemon = await DaemonFixture.make(['--pool-size', '1GiB', '--no-sample']);
    const paths = enginePaths(daemon.dataDir);
    const image = join(daemon.dataDir, 'pool', 'pool.img');
    await daemon.start();
    const { socketPath } = await startOwnEngine({ dataDir: daemon.dataDir, log: quietLog });
    await ensureWelcomeImage(dockerOverSocket({ socketPath }), {}, patientCall());
    await deploy(port);

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
    expect(await loops()).not.toContain(image);
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

  test('in an engine of other people leaves nothing of its own there, and comes back whole', async () => {
    const port = await freePort();
    const { socketPath, docker } = await sharedEngine();
    daemon = await DaemonFixture.make(['--pool-size', '1GiB', '--no-sample', '--engine', socketPath]);
    const names = async (): Promise<readonly string[]> =>
      (await docker.containers({}, patientCall())).map(({ name, state }) => `${name} ${state}`);
    await daemon.start();
    await deploy(port);
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
        network: 'bridge',
        aliases: [],
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
