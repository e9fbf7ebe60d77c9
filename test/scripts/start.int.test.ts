/** `npm start` on machines that lack something. */
import { createServer } from 'node:http';
import { existsSync } from 'node:fs';
import { appendFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describeReal } from '#test/real.ts';
import { bareCheckout, type Checkout, place, terminal } from './checkout.ts';

let checkout: Checkout;
beforeEach(async () => {
  checkout = await bareCheckout();
});
afterEach(() => checkout.dispose());

const installs = async () => (await checkout.calls()).filter((call) => call.startsWith('apt-get install'));

describeReal('npm start as root', process.getuid?.() === 0 ? undefined : 'root', () => {
  test('says what it will install and why, installs it, and becomes floatlabd', async () => {
    const { code, stdout, stderr } = await checkout.start(['--port', '7500']);
    expect(stderr).toMatch(/a container engine: runs the containers of your apps/);
    expect(stderr).toMatch(/btrfs-progs: keeps volumes and their snapshots/);
    expect(stderr).toMatch(/Going to install with apt-get: docker\.io, btrfs-progs, busybox-static\./);
    expect(stderr.indexOf('Going to install')).toBeLessThan(stderr.indexOf('Installed in'));
    expect(await installs()).toEqual([expect.stringMatching(/--yes .*docker\.io btrfs-progs busybox-static$/)]);
    expect(stdout).toBe('floatlabd --port 7500\n');
    expect(code).toBe(9);
  });

  test('installs perl where there is none', async () => {
    await checkout.remove('perl');
    const { stderr } = await checkout.start([]);
    expect(stderr).toMatch(/perl: keeps volumes on other kinds of file systems/);
    expect(await installs()).toEqual([expect.stringMatching(/docker\.io btrfs-progs busybox-static perl-base$/)]);
  });

  test('does nothing a second time', async () => {
    await checkout.start([]);
    const before = await checkout.calls();
    const { stdout, stderr } = await checkout.start([]);
    expect(stdout).toBe('floatlabd\n');
    expect(stderr).toBe('');
    expect(await checkout.calls()).toEqual(before);
  });

  test('keeps --yes for itself', async () => {
    expect((await checkout.start(['--yes', '--port', '7500'])).stdout).toBe('floatlabd --port 7500\n');
  });

  test('fetches package lists only when they do not know a package', async () => {
    await checkout.program('apt-cache', 'console.log("docker.io:\\n  Candidate: (none)")');
    await checkout.start([]);
    const calls = await checkout.calls();
    expect(calls.map((call) => call.split(' ').slice(0, 2).join(' '))).toEqual([
      'apt-cache policy',
      'apt-get update',
      'apt-get install',
      'npm install',
    ]);
  });

  test('uses an engine that answers, and installs no other', async () => {
    const engine = createServer((request, response) => response.writeHead(request.url === '/_ping' ? 200 : 404).end());
    await new Promise<void>((resolve) => engine.listen(join(checkout.machine, 'var/run/docker.sock'), resolve));
    try {
      expect((await checkout.start([])).stderr).toMatch(/with apt-get: btrfs-progs, busybox-static\./);
    } finally {
      engine.close();
    }
  });

  test('installs no engine where the lab has one already, which may come up later', async () => {
    await place(checkout, 'var/lib/floatlab/engine.json', '{"engine":"/run/podman/podman.sock"}');
    expect((await checkout.start([])).stderr).toMatch(/with apt-get: btrfs-progs, busybox-static\./);
  });

  test('installs no engine where a person names one', async () => {
    const { stdout, stderr } = await checkout.start(['--engine', '/run/podman/podman.sock']);
    expect(stderr).toMatch(/with apt-get: btrfs-progs, busybox-static\./);
    expect(stdout).toBe('floatlabd --engine /run/podman/podman.sock\n');
  });

  test('installs neither an engine nor tools of a pool for a witness, now and when it starts again', async () => {
    await rm(join(checkout.machine, 'dev/loop-control'));
    const { stdout, stderr } = await checkout.start(['--witness']);
    expect(stderr).not.toMatch(/apt-get|needs what/);
    expect(stdout).toBe('floatlabd --witness\n');
    await place(checkout, 'var/lib/floatlab/node.ini', '[node]\nname = pi\nwitness = yes\n');
    expect((await checkout.start([])).stdout).toBe('floatlabd\n');
    expect(await installs()).toEqual([]);
  });

  test('installs no tools of btrfs, and asks for no loop devices, where every pool is on something else', async () => {
    await rm(join(checkout.machine, 'dev/loop-control'));
    for (const name of ['zfs', 'zpool']) await checkout.program(name, '');
    const { stdout, stderr } = await checkout.start(['--pool', 'zfs:tank/floatlab', '--pool', 'slow=dir:/srv/slow']);
    expect(stderr).toMatch(/with apt-get: docker\.io, busybox-static\./);
    expect(stdout).toBe('floatlabd --pool zfs:tank/floatlab --pool slow=dir:/srv/slow\n');
  });

  test('installs the tools of btrfs, and asks for no loop devices, when one of several pools is on btrfs', async () => {
    await rm(join(checkout.machine, 'dev/loop-control'));
    const { stdout, stderr } = await checkout.start(['--pool', 'fast=/mnt/fast', '--pool', 'slow=dir:/srv/slow']);
    expect(stderr).toMatch(/with apt-get: docker\.io, btrfs-progs, busybox-static\./);
    expect(stdout).toBe('floatlabd --pool fast=/mnt/fast --pool slow=dir:/srv/slow\n');
  });

  test('says what a pool on zfs lacks, and installs nothing then', async () => {
    const { code, stdout, stderr } = await checkout.start(['--pool', '/mnt/fast', '--pool', 'z=zfs:tank/floatlab']);
    expect(stderr).toMatch(/zfs and zpool, .*: a pool for volumes is on zfs\n.*Install OpenZFS with its kernel module/);
    expect(stderr).toMatch(/Nothing was installed: it would not help without zfs and zpool/);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(await checkout.calls()).toEqual([]);
  });

  test.each([['--stop-all'], ['--recover'], ['--prefold'], ['--restore', 'lab.tar'], ['--inspect', 'lab.tar']])(
    'installs nothing for what starts no app: %s',
    async (...args) => {
      const { stdout, stderr } = await checkout.start(args);
      expect(stderr).not.toMatch(/apt-get/);
      expect(stdout).toBe(`floatlabd ${args.join(' ')}\n`);
      expect(await installs()).toEqual([]);
    },
  );

  test('brings what AppArmor and registries ask of an engine', async () => {
    await place(checkout, 'sys/module/apparmor/parameters/enabled', 'Y\n');
    await rm(join(checkout.machine, 'etc/ssl/certs/ca-certificates.crt'));
    expect((await checkout.start([])).stderr).toMatch(
      /with apt-get: docker\.io, apparmor, ca-certificates, btrfs-progs/,
    );
  });

  test('lets no package start a service where there is no systemd, and leaves no trace of that', async () => {
    await checkout.start([]);
    const policy = join(checkout.machine, 'usr/sbin/policy-rc.d');
    expect(existsSync(`${policy}.seen`)).toBe(true);
    expect(existsSync(policy)).toBe(false);
  });

  test('lets packages start services where systemd looks after them', async () => {
    await place(checkout, 'run/systemd/system/here', '');
    await checkout.start([]);
    expect(existsSync(join(checkout.machine, 'usr/sbin/policy-rc.d.seen'))).toBe(false);
  });

  test('names what is missing when FLOATLAB_NO_INSTALL forbids to install it', async () => {
    const { code, stdout, stderr } = await checkout.start([], { env: { FLOATLAB_NO_INSTALL: '1' } });
    expect(stderr).toMatch(/a container engine: .*\n.*apt-get install docker\.io/);
    expect(stderr).toMatch(/btrfs-progs: .*\n.*apt-get install btrfs-progs/);
    expect(stderr).toMatch(/FLOATLAB_NO_INSTALL=1 forbids it/);
    expect(stderr).toMatch(/npm start -- --simulate 3/);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(await checkout.calls()).toEqual([]);
  });

  test('names packages in words of all distributions where there is no apt-get', async () => {
    await checkout.remove('apt-get');
    const { code, stderr } = await checkout.start([]);
    expect(stderr).toMatch(/Install Docker Engine: the package is called docker, docker-ce or moby-engine/);
    expect(stderr).toMatch(/this is Debian of paper, which has no apt-get/);
    expect(code).toBe(1);
  });

  test('installs nothing when that would not help', async () => {
    await rm(join(checkout.machine, 'dev/loop-control'));
    const { code, stderr } = await checkout.start([]);
    expect(stderr).toMatch(/loop devices .*\n.*modprobe loop/);
    expect(stderr).toMatch(/it would not help without loop devices/);
    expect(code).toBe(1);
    expect(await checkout.calls()).toEqual([]);
  });

  test('brings no busybox when nobody wants the welcome app', async () => {
    const { stdout } = await checkout.start(['--no-sample']);
    expect(await installs()).toEqual([expect.stringMatching(/docker\.io btrfs-progs$/)]);
    expect(stdout).toBe('floatlabd --no-sample\n');
  });

  test('shows what apt-get said when it fails, and what to do', async () => {
    await checkout.program('apt-get', 'console.error("E: no space left"); process.exit(100);');
    const { code, stdout, stderr } = await checkout.start([]);
    expect(stderr).toMatch(/apt-get could not install docker\.io and btrfs-progs and busybox-static \(code 100\)/);
    expect(stderr).toMatch(/E: no space left\nRun "apt-get install docker\.io btrfs-progs busybox-static"/);
    expect(code).toBe(1);
    expect(stdout).toBe('');
  });

  test('goes on without a busybox for the welcome app', async () => {
    await checkout.program('busybox', '// not a static program');
    const { stdout, stderr } = await checkout.start([]);
    expect(stderr).toMatch(/a static \/bin\/busybox: the welcome app is made from it\n.*Install busybox-static/);
    expect(stderr).toMatch(/FloatLab starts without it/);
    expect(await installs()).toEqual([expect.stringMatching(/docker\.io btrfs-progs$/)]);
    expect(stdout).toBe('floatlabd\n');
  });

  test('started twice at once, sets up once', async () => {
    await checkout.program('npm', `setTimeout(() => require('node:fs').mkdirSync('node_modules'), 300);`);
    const both = await Promise.all([checkout.start([]), checkout.start([])]);
    expect(both.map(({ stdout }) => stdout)).toEqual(['floatlabd\n', 'floatlabd\n']);
    expect(both.map(({ stderr }) => stderr).join('')).toMatch(/Another start is setting this folder up/);
    expect((await checkout.calls()).filter((call) => call.startsWith('npm'))).toHaveLength(1);
    expect(await installs()).toHaveLength(1);
  });

  test('without root, says so, names the rest, and offers the simulation', async () => {
    const { code, stdout, stderr } = await checkout.start([], { uid: 65_534 });
    expect(stderr).toMatch(/the rights of root: .*\n.*sudo/);
    expect(stderr).toMatch(/a container engine/);
    expect(stderr).toMatch(/npm start -- --simulate 3/);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(await checkout.calls()).toEqual([]);
  });
});

const missingTerminal = existsSync(terminal) ? undefined : terminal;
describeReal('npm start as root on a terminal', process.getuid?.() === 0 ? missingTerminal : 'root', () => {
  test('asks before it installs', async () => {
    const { code, stdout } = await checkout.startOnTerminal('n');
    expect(stdout).toMatch(/Install them\? \[Y\/n\]/);
    expect(stdout).toMatch(/you said no/);
    expect(code).toBe(1);
    expect(await checkout.calls()).toEqual([]);
  });

  test('takes just Enter for a yes', async () => {
    const { stdout } = await checkout.startOnTerminal('');
    expect(stdout).toMatch(/floatlabd\r\n$/);
    expect(await installs()).toHaveLength(1);
  });
});

describe('npm start', () => {
  test('with --simulate installs nothing on the machine', async () => {
    const { stdout, stderr } = await checkout.start(['--simulate', '3']);
    expect(stdout).toBe('floatlabd --simulate 3\n');
    expect(stderr).not.toMatch(/apt-get/);
    expect(await checkout.calls()).toEqual(['npm install --no-audit --no-fund --include=dev']);
  });

  test('with --help on a fresh clone installs and builds nothing', async () => {
    const { code, stderr } = await checkout.start(['--help']);
    expect(stderr).toMatch(/--simulate N/);
    expect(code).toBe(0);
    expect(await checkout.calls()).toEqual([]);
    expect(existsSync(join(checkout.folder, 'dist'))).toBe(false);
  });

  test('with --help shows the options of floatlabd once it is built', async () => {
    await checkout.start(['--simulate', '3']);
    expect((await checkout.start(['--help'])).stdout).toBe('floatlabd --help\n');
  });

  test('installs npm packages again when the lock file has changed', async () => {
    await checkout.start(['--simulate', '3']);
    await appendFile(join(checkout.folder, 'package-lock.json'), '\n');
    await checkout.start(['--simulate', '3']);
    expect(await checkout.calls()).toHaveLength(2);
  });

  test('puts the lock file back when npm has changed it, and says so', async () => {
    const lock = join(checkout.folder, 'package-lock.json');
    const before = await readFile(lock, 'utf8');
    await checkout.program(
      'npm',
      `const fs = require('node:fs'); fs.mkdirSync('node_modules'); fs.appendFileSync('package-lock.json', 'x');`,
    );
    const { stdout, stderr } = await checkout.start(['--simulate', '3']);
    expect(stderr).toMatch(/npm changed package-lock\.json: it was put back/);
    expect(await readFile(lock, 'utf8')).toBe(before);
    expect(stdout).toBe('floatlabd --simulate 3\n');
  });

  test('shows what npm said when it fails, and tries again the next time', async () => {
    await checkout.program('npm', 'console.error("npm error network"); process.exit(1);');
    const { code, stderr } = await checkout.start(['--simulate', '3']);
    expect(stderr).toMatch(/npm ended with code 1\. It said:\n\s+npm error network/);
    expect(code).toBe(1);
    await checkout.program('npm', `require('node:fs').mkdirSync('node_modules');`);
    expect((await checkout.start(['--simulate', '3'])).stdout).toBe('floatlabd --simulate 3\n');
  });

  test('hands signals and the exit code through npm', async () => {
    await checkout.start(['--simulate', '3']);
    const { code, stdout } = await checkout.endNpmStart(['--simulate', '3', '--wait']);
    expect(stdout).toMatch(/floatlabd --simulate 3 --wait\nended in order\n/);
    expect(code).toBe(9);
  });

  test('tells whoever forgets "--" before an option, which npm then keeps', async () => {
    const { code, stderr } = await checkout.start([], { env: { npm_config_simulate: 'true' } });
    expect(stderr).toMatch(/npm start -- --simulate 3/);
    expect(code).toBe(1);
    expect(await checkout.calls()).toEqual([]);
  });
});
