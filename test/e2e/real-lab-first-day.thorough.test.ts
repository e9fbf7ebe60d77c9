/** The whole product on real Docker and real btrfs, as a person meets it. Worse days are in `real-lab.thorough.test.ts`. */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '#test/daemon-fixture.ts';
import { patientCall } from '#test/engine-fixture.ts';
import { describeRealLab } from './real-lab.ts';

describeRealLab('a lab on this machine', (real) => {
  const { page, up, containers } = real;
  const pids = async (): Promise<readonly (number | undefined)[]> =>
    (await real.docker.containers({}, patientCall())).map(({ startedAt }) => startedAt);

  test('an app goes from its compose file to a served page on a volume', async () => {
    const ran = await up(real.compose);
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    expect(await page()).toContain('FloatLab');
    const { stdout } = await real.daemon.cli('ps');
    expect(stdout).toMatch(/site\s+running/);
    expect(await containers()).toEqual(['site-web-1 running']);
  });

  test('the compose file comes back byte for byte', async () => {
    expect((await real.daemon.cli('app', 'compose', 'site')).stdout).toBe(real.compose);
  });

  test('after a snapshot, a change and a roll-back the old page is served again, and the change is kept', async () => {
    expect((await real.daemon.cli('volume', 'snapshot', 'site-site', '--as', 'good', '--note', 'before')).code).toBe(0);
    expect(
      (await real.daemon.cli('exec', 'site', 'web', '--', 'sh', '-c', 'echo changed > /srv/index.html')).code,
    ).toBe(0);
    expect(await page()).toBe('changed\n');
    const back = await real.daemon.cli('volume', 'rollback', 'site-site', 'good', '--yes');
    expect(back, back.stderr).toMatchObject({ code: 0 });
    expect(await page()).toContain('FloatLab');
    expect((await real.daemon.cli('volume', 'snapshots', 'site-site')).stdout).toMatch(/stash-\S+\s+available/);
  });

  test('a second daemon on the same data directory is refused, and says who has it', async () => {
    const { pid } = real.daemon;
    const second = real.daemon.twin();
    await expect(second.start()).rejects.toThrow(new RegExp(`in use by another FloatLab \\(process ${pid}\\)`));
  });

  test('SIGTERM stops the daemon in order and leaves the app running; a restart picks it up', async () => {
    const before = await pids();
    expect(await real.daemon.end('SIGTERM')).toBe(0);
    expect(await page()).toContain('FloatLab');
    await real.daemon.start();
    expect(await pids()).toEqual(before);
    expect((await real.daemon.cli('ps')).stdout).toMatch(/site\s+running/);
  });

  test('a container that dies is started again, and the log says so', async () => {
    const [container] = await real.docker.containers({}, patientCall());
    await real.docker.stop(container?.id ?? '', 0, patientCall());
    expect(await eventually(page, (text) => text.includes('FloatLab'))).toContain('FloatLab');
    const history = await eventually(
      () => real.daemon.cli('event', 'ls'),
      ({ stdout }) => /Service web of site/.test(stdout),
    );
    expect(history.stdout).toMatch(/Service web of site ended with exit code \d+; it is\s+started again\./);
  });

  test('a port in use is said with what to do, and the app says that it failed', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port: busy } = taken.address() as { port: number };
    const ran = await up(
      real.compose.replace('name: site', 'name: other').replace(`${real.port}:8080`, `127.0.0.1:${busy}:8080`),
    );
    taken.close();
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(new RegExp(`${busy}.*\\(PORT_IN_USE\\)`, 's'));
    expect((await real.daemon.cli('alert', 'ls')).stdout).toMatch(/other/);
    expect((await real.daemon.cli('down', 'other', '--volumes', '--yes')).code).toBe(0);
  });

  test('a volume of an app is not deleted; with the app it is, can be recovered, and leaves nothing in the end', async () => {
    const refused = await real.daemon.cli('volume', 'rm', 'site-site', '--yes');
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain('VOLUME_IN_USE');
    expect((await real.daemon.cli('down', 'site', '--volumes', '--yes')).code).toBe(0);
    expect(await containers()).toEqual([]);
    const purge = async (name: string) =>
      expect((await real.daemon.cli('volume', 'rm', name, '--purge', '--yes')).code).toBe(0);
    await purge('other-site-deleted');
    expect((await real.daemon.cli('volume', 'recover', 'site-site-deleted')).code).toBe(0);
    expect((await real.daemon.cli('volume', 'clone', 'site-site', 'copy', '--snapshot', 'good')).code).toBe(0);
    const folder = join(real.daemon.dataDir, 'pool', 'mnt', 'floatlab', 'volumes');
    const pages = readdirSync(folder).map((name) => readdirSync(join(folder, name, 'live')));
    expect(pages).toEqual([0, 1].map(() => ['icon.svg', 'index.html']));
    for (const name of ['site-site', 'copy']) await purge(name);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a damaged log is refused at the start, and says which event and what to do', async () => {
    await real.daemon.end('SIGTERM');
    const folder = join(real.daemon.dataDir, 'log', 'raft');
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
    await expect(real.daemon.start()).rejects.toThrow(/error: .*\((DAMAGED|SHORTENED)\)\nhint: {2}\S+/);
    await writeFile(file, whole);
  });
});
