/**
 * A copy of the checkout's scripts on a machine of paper: `npm`, `apt-get` and what it installs are small scripts in
 * the only folder of the search path, the fixed places of a machine (`/dev/loop-control`, the engine's socket, …) lie
 * in a folder, and the build is one file. So a test neither depends on this machine nor changes it.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
}

export interface Checkout {
  readonly folder: string;
  /** Where `/dev/loop-control` and its like lie on this machine. */
  readonly machine: string;
  start(args: readonly string[], options?: RunOptions): Promise<Ended>;
  test(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** `npm start` itself, ended by SIGTERM once floatlabd waits. */
  endNpmStart(args: readonly string[]): Promise<Ended>;
  /** A start on a terminal, where a person types this line when asked. */
  startOnTerminal(typed: string): Promise<Ended>;
  /** Each call of npm and apt-get so far, as one line. */
  calls(): Promise<readonly string[]>;
  /** Puts a program on the search path that runs this JavaScript. */
  program(name: string, script: string): Promise<void>;
  remove(name: string): Promise<void>;
  dispose(): Promise<void>;
}

const root = join(import.meta.dirname, '..', '..');
const fixedPlaces = [
  '/var/run/docker.sock',
  '/dev/loop-control',
  '/etc/os-release',
  '/etc/ssl/certs/ca-certificates.crt',
  '/run/systemd/system',
  '/sys/module/apparmor/parameters/enabled',
  '/usr/sbin/policy-rc.d',
  '/var/lib/floatlab',
];

/** A bare Debian: npm, apt-get and the perl of every Debian, neither an engine nor btrfs nor busybox. */
export async function bareCheckout(): Promise<Checkout> {
  const top = await mkdtemp(join(tmpdir(), 'floatlab-start-'));
  const [folder, machine, programs] = [join(top, 'checkout'), join(top, 'machine'), join(top, 'bin')];
  const log = join(top, 'calls');
  await chmod(top, 0o755);
  for (const place of ['dev', 'etc/ssl/certs', 'usr/sbin', 'var/run', 'var/lib']) {
    await mkdir(join(machine, place), { recursive: true });
  }
  await mkdir(programs);
  await writeFile(log, '', { mode: 0o666 });
  await writeFile(join(machine, 'dev/loop-control'), '');
  await writeFile(join(machine, 'etc/ssl/certs/ca-certificates.crt'), '');
  await writeFile(join(machine, 'etc/os-release'), 'ID=debian\nPRETTY_NAME="Debian of paper"\n');
  await copyScripts(folder, machine);

  const program = async (name: string, script: string): Promise<void> => {
    const note = `require('node:fs').appendFileSync(${JSON.stringify(log)}, [${JSON.stringify(name)}, ...process.argv.slice(2)].join(' ') + '\\n');`;
    await writeFile(join(programs, name), `#!${process.execPath}\n${note}\n${script}\n`, { mode: 0o755 });
  };
  await program('npm', `require('node:fs').mkdirSync('node_modules', { recursive: true });`);
  await program('apt-cache', `for (const name of process.argv.slice(3)) console.log(name + ':\\n  Candidate: 1.0');`);
  await program('perl', '');
  await program('apt-get', aptGet(programs, join(machine, 'usr/sbin/policy-rc.d')));

  const environment = { PATH: programs, HOME: top };
  const runScript = (name: string, args: readonly string[], { env = {}, uid }: RunOptions = {}): Promise<Ended> => {
    const who = uid === undefined ? {} : { uid, gid: uid };
    const options = { cwd: folder, env: { ...environment, ...env }, ...who };
    return ended(spawn(process.execPath, [join(folder, 'scripts', name), ...args], options));
  };
  return {
    folder,
    machine,
    start: (args, options) => runScript('start.mjs', args, options),
    test: (args, options) => runScript('test.mjs', args, options),
    endNpmStart(args) {
      const env = { ...environment, PATH: process.env['PATH'] };
      const child = spawn('npm', ['start', '--', ...args], { cwd: folder, env });
      child.stdout.on('data', (chunk) => {
        if (String(chunk).includes('floatlabd ')) child.kill('SIGTERM');
      });
      return ended(child);
    },
    startOnTerminal(typed) {
      const command = `${process.execPath} ${join(folder, 'scripts/start.mjs')}`;
      const child = spawn(terminal, ['-qec', command, '/dev/null'], { cwd: folder, env: environment });
      child.stdout.on('data', (chunk) => {
        if (String(chunk).includes('[Y/n]')) child.stdin.end(`${typed}\n`);
      });
      return ended(child);
    },
    calls: async () => (await readFile(log, 'utf8')).split('\n').filter((line) => line !== ''),
    program,
    remove: (name) => rm(join(programs, name)),
    dispose: () => rm(top, { recursive: true }),
  };
}

/** Gives a program a terminal (package bsdutils). */
export const terminal = '/usr/bin/script';

export async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

async function copyScripts(folder: string, machine: string): Promise<void> {
  await cp(join(root, 'scripts'), join(folder, 'scripts'), { recursive: true });
  await cp(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) await cp(join(root, name), join(folder, name));
  for (const name of await readdir(join(folder, 'scripts'), { recursive: true })) {
    if (!name.endsWith('.mjs')) continue;
    const path = join(folder, 'scripts', name);
    let text = await readFile(path, 'utf8');
    for (const place of fixedPlaces) text = text.replaceAll(`'${place}'`, `'${join(machine, place)}'`);
    await writeFile(path, text);
  }
  await writeFile(
    join(folder, 'scripts', 'build.mjs'),
    `import { mkdirSync, writeFileSync } from 'node:fs';
     mkdirSync('dist', { recursive: true });
     writeFileSync('dist/floatlabd.js', ${JSON.stringify(floatlabd)});`,
  );
}

/** Says how it was called and ends with 9; with --wait it ends when it is told to. */
const floatlabd = `
  if (process.argv.includes('--wait')) {
    process.on('SIGTERM', () => { console.log('ended in order'); process.exit(9); });
    setTimeout(() => process.exit(1), 20_000);
  }
  process.exitCode = 9;
  console.log('floatlabd', ...process.argv.slice(2));`;

/** Installs programs that do nothing, notes whether services may start meanwhile. */
function aptGet(programs: string, policyFile: string): string {
  return `
    const { copyFileSync, existsSync, readFileSync, writeFileSync } = require('node:fs');
    if (process.argv[2] !== 'install') process.exit(0);
    const policy = ${JSON.stringify(policyFile)};
    if (existsSync(policy) && readFileSync(policy, 'utf8').includes('exit 101')) require('node:fs').appendFileSync(policy + '.seen', '');
    // The shortest static program that the check for one accepts: a header, and no segments.
    const elf = Buffer.alloc(64);
    elf.write('\\x7fELF\\x02\\x01\\x01', 'latin1');
    const brings = { 'docker.io': ['dockerd'], 'btrfs-progs': ['btrfs', 'mkfs.btrfs'], 'busybox-static': ['busybox'] };
    for (const name of process.argv.slice(3).flatMap((one) => brings[one] ?? [])) {
      writeFileSync(${JSON.stringify(programs)} + '/' + name, name === 'busybox' ? elf : '', { mode: 0o755 });
    }`;
}

/** Puts a file on the machine of paper. */
export async function place(checkout: Checkout, path: string, content: string): Promise<void> {
  await mkdir(dirname(join(checkout.machine, path)), { recursive: true });
  await writeFile(join(checkout.machine, path), content);
}
