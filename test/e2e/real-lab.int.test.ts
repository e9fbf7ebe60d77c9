/** The whole product on real Docker and real btrfs, as a person meets it: the daemon, the command line, the bad days. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOwnEngine } from '#io/daemon/engine.ts';
import { ensureWelcomeImage } from '#io/daemon/welcome-image.ts';
import { dockerOverSocket } from '#io/devices/docker/real.ts';
import { enginePaths } from '#io/devices/docker/own/paths.ts';
import type { DockerPort } from '#io/devices/docker/port.ts';
import { DaemonFixture, eventually, fetchText, freePort } from '#test/daemon-fixture.ts';
import { missingDocker, patientCall, quietLog } from '#test/engine-fixture.ts';
import { missingBtrfs } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';

describeReal('a lab on this machine', missingDocker() ?? missingBtrfs(), () => {
  let daemon: DaemonFixture;
  let docker: DockerPort;
  let port: number;
  let compose: string;

  const page = (): Promise<string> => fetchText(`http://127.0.0.1:${port}/`);
  const up = (text: string) => {
    const file = join(daemon.dataDir, 'compose.yaml');
    writeFileSync(file, text);
    return daemon.cli('up', '-f', file, '--yes', '--wait');
  };
  const containers = async (): Promise<readonly string[]> =>
    (await docker.containers({}, patientCall())).map(({ name, state }) => `${name} ${state}`);
  const pids = async (): Promise<readonly (number | undefined)[]> =>
    (await docker.containers({}, patientCall())).map(({ startedAt }) => startedAt);

  beforeAll(async () => {
    daemon = await DaemonFixture.make(['--pool-size', '1GiB', '--no-sample']);
    port = await freePort();
    const example = readFileSync(new URL('../../examples/welcome/compose.yaml', import.meta.url), 'utf8');
    compose = example.replace('7480:8080', `${port}:8080`).replace('name: welcome', 'name: site');
    await daemon.start();
    // The daemon's own engine: found running, not started again.
    const { socketPath } = await startOwnEngine({ dataDir: daemon.dataDir, log: quietLog });
    docker = dockerOverSocket({ socketPath });
    await ensureWelcomeImage(docker, {}, patientCall());
    const signedIn = await daemon.login();
    expect(signedIn.stderr).toContain('Signed in');
  }, 120_000);
  afterAll(() => daemon.dispose(), 120_000);

  test('an app goes from its compose file to a served page on a volume', async () => {
    const ran = await up(compose);
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    expect(await page()).toContain('FloatLab');
    const { stdout } = await daemon.cli('ps');
    expect(stdout).toMatch(/site\s+running/);
    expect(await containers()).toEqual(['site-web-1 running']);
  });

  test('the compose file comes back byte for byte', async () => {
    expect((await daemon.cli('app', 'compose', 'site')).stdout).toBe(compose);
  });

  test('after a snapshot, a change and a roll-back the old page is served again, and the change is kept', async () => {
    expect((await daemon.cli('volume', 'snapshot', 'site-site', '--as', 'good', '--note', 'before')).code).toBe(0);
    expect((await daemon.cli('exec', 'site', 'web', '--', 'sh', '-c', 'echo changed > /srv/index.html')).code).toBe(0);
    expect(await page()).toBe('changed\n');
    const back = await daemon.cli('volume', 'rollback', 'site-site', 'good', '--yes');
    expect(back, back.stderr).toMatchObject({ code: 0 });
    expect(await page()).toContain('FloatLab');
    expect((await daemon.cli('volume', 'snapshots', 'site-site')).stdout).toMatch(/stash-\S+\s+available/);
  });

  test('a second daemon on the same data directory is refused, and says who has it', async () => {
    const { pid } = daemon;
    const second = daemon.twin();
    await expect(second.start()).rejects.toThrow(new RegExp(`in use by another FloatLab \\(process ${pid}\\)`));
  });

  test('SIGTERM stops the daemon in order and leaves the app running; a restart picks it up', async () => {
    const before = await pids();
    expect(await daemon.end('SIGTERM')).toBe(0);
    expect(await page()).toContain('FloatLab');
    await daemon.start();
    expect(await pids()).toEqual(before);
    expect((await daemon.cli('ps')).stdout).toMatch(/site\s+running/);
  });

  test('kill -9 at any moment loses nothing and leaves nothing half-made', async () => {
    for (const waitMs of [0, 30, 120, 400]) {
      const snapshot = `kill-${waitMs}`;
      const asked = daemon.cli('volume', 'snapshot', 'site-site', '--as', snapshot);
      await new Promise((resolve) => setTimeout(resolve, 350 + waitMs));
      await daemon.end('SIGKILL');
      await daemon.start();
      const { code } = await asked;
      const listed = await eventually(
        () => daemon.cli('volume', 'snapshots', 'site-site'),
        ({ stdout }) => !/taking|removing/.test(stdout),
      );
      // Acknowledged means done; anything else means done or never begun.
      if (code === 0) expect(listed.stdout).toMatch(new RegExp(`${snapshot}\\s+available`));
      expect(listed.stdout).not.toMatch(/failed|taking/);
    }
    expect(await containers()).toEqual(['site-web-1 running']);
    expect(await page()).toContain('FloatLab');
  });

  test('a container that dies is started again, and the log says so', async () => {
    const [container] = await docker.containers({}, patientCall());
    await docker.stop(container?.id ?? '', 0, patientCall());
    expect(await eventually(page, (text) => text.includes('FloatLab'))).toContain('FloatLab');
    const history = await eventually(
      () => daemon.cli('event', 'ls'),
      ({ stdout }) => /Service web of site/.test(stdout),
    );
    expect(history.stdout).toMatch(/Service web of site ended with exit code \d+; it is\s+started again\./);
  });

  test('a killed engine is started again and its apps come back', async () => {
    const enginePid = Number(await readFile(enginePaths(daemon.dataDir).pidFile, 'utf8'));
    process.kill(enginePid, 'SIGKILL');
    await eventually(page, (text) => text === '', 15_000);
    expect(await eventually(page, (text) => text.includes('FloatLab'), 90_000)).toContain('FloatLab');
    expect((await daemon.cli('ps')).stdout).toMatch(/site\s+(running|degraded)/);
  });

  test('a port in use is said with what to do, and the app says that it failed', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port: busy } = taken.address() as { port: number };
    const ran = await up(
      compose.replace('name: site', 'name: other').replace(`${port}:8080`, `127.0.0.1:${busy}:8080`),
    );
    taken.close();
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(new RegExp(`${busy}.*\\(PORT_IN_USE\\)`, 's'));
    expect((await daemon.cli('alert', 'ls')).stdout).toMatch(/other/);
    expect((await daemon.cli('down', 'other', '--volumes', '--yes')).code).toBe(0);
  });

  test('an image that cannot be had fails the app with a reason', async () => {
    const ran = await up('name: nowhere\nservices:\n  web:\n    image: 127.0.0.1:9/no/such:1\n');
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/IMAGE_(NOT_FOUND|PULL_FAILED)/);
    expect((await daemon.cli('down', 'nowhere', '--yes')).code).toBe(0);
  });

  test('a volume of an app is not deleted; with the app it is, and nothing of it is left', async () => {
    const refused = await daemon.cli('volume', 'rm', 'site-site', '--yes');
    expect(refused.code).toBe(6);
    expect(refused.stderr).toContain('VOLUME_IN_USE');
    expect((await daemon.cli('down', 'site', '--volumes', '--yes')).code).toBe(0);
    const left = await eventually(
      () => daemon.cli('volume', 'ls', '-o', 'json'),
      ({ stdout }) => !stdout.includes('site-site'),
    );
    expect(left.stdout).not.toContain('site-site');
    expect(await containers()).toEqual([]);
    expect(readdirSync(join(daemon.dataDir, 'pool', 'mnt', 'floatlab', 'volumes'))).toEqual([]);
  });

  test('a damaged log is refused at the start, and says which event and what to do', async () => {
    await daemon.end('SIGTERM');
    const folder = join(daemon.dataDir, 'db', 'log');
    const file =
      readdirSync(folder)
        .filter((name) => /\.(log|ldb)$/.test(name))
        .map((name) => join(folder, name))
        .toSorted((a, b) => readFileSync(b).length - readFileSync(a).length)[0] ?? '';
    const bytes = await readFile(file);
    const whole = Buffer.from(bytes);
    const at = Math.floor(bytes.length / 2);
    bytes[at] = (bytes[at] ?? 0) ^ 0x10;
    await writeFile(file, bytes);
    await expect(daemon.start()).rejects.toThrow(/error: .*\((DAMAGED|SHORTENED)\)\nhint: {2}\S+/);
    await writeFile(file, whole);
  });
});
