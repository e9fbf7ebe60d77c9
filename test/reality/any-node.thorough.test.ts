/**
 * Exec, logs, files and events of an app on one real machine, through another one, with the command line. Whether somebody
 * may is looked at where he asks; when the machine of the app dies in the middle, he is told which one it was.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { missingDocker, missingProgram } from '#test/engine-fixture.ts';
import { missingBtrfs } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { appLab, type AppLab } from './app-lab.ts';
import { commandLine, missingMachines, until } from './host.ts';
import { RealLab } from './lab.ts';
import type { Machine } from './machine.ts';

const compose = `
name: site
services:
  web:
    image: floatlab/welcome:latest
    command: ['/bin/sh', '-c', 'trap "exit 0" TERM; n=0; while true; do n=$$((n+1)); echo "line $$n"; sleep 0.1; done']
    volumes: [data:/data]
volumes:
  data:
x-floatlab:
  size: 128MiB
`;
const needs = missingMachines() ?? missingBtrfs() ?? missingDocker() ?? missingProgram('script');

describeReal('an app on another machine than the one that is asked', needs, () => {
  let it: AppLab;
  beforeAll(async () => {
    it = await appLab();
    await it.up(compose);
  });
  afterAll(() => it?.dispose());

  const begun: Typed[] = [];
  afterEach(async () => {
    for (const { process: child, ended } of begun.splice(0)) {
      child.kill('SIGKILL');
      await ended;
    }
  });

  /** The command line at the entry, while it runs. */
  interface Typed {
    readonly process: ChildProcessByStdio<null, Readable, Readable>;
    readonly out: () => string;
    readonly err: () => string;
    /** How it ended. */
    readonly ended: Promise<number>;
  }

  function types(...args: readonly string[]): Typed {
    const env = it.lab.environmentOf(it.entry);
    const child = spawn(process.execPath, [commandLine, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const ended = once(child, 'close').then(([code]) => (code as number | null) ?? -1);
    const typed = { process: child, out: () => out, err: () => err.replaceAll(/\s+/g, ' '), ended };
    begun.push(typed);
    return typed;
  }

  const exec = (script: string, input?: string) => {
    const how = input === undefined ? [] : ['-i'];
    return it.lab.cli(it.entry, ['exec', ...how, 'site', 'web', '--', 'sh', '-c', script], input);
  };

  test('runs a command there: what it reads, what it says, and how it ended', async () => {
    expect(await exec('cat; echo trouble >&2; exit 7', 'from here\n')).toEqual({
      code: 7,
      out: 'from here',
      err: 'trouble',
    });
    expect((await exec('echo nothing to read | cat')).out).toBe('nothing to read');
    expect((await it.lab.cli(it.entry, ['exec', 'site', 'web', '--', 'no-such-command'])).code).toBe(127);
  });

  test('gives a command a terminal of the size of the one here, and what is typed', async () => {
    const line = `${process.execPath} ${commandLine} exec site web -- sh`;
    // `script` is a terminal for who has none.
    const typed = execa('script', ['-qec', `stty rows 33 cols 101; exec ${line}`, '/dev/null'], {
      env: it.lab.environmentOf(it.entry),
      reject: false,
      timeout: 30_000,
    });
    let out = '';
    typed.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    await until('it prompts', 20_000, async () => out.includes('# '));
    typed.stdin.write('echo size $(busybox stty size); test -t 0 && echo a terminal; exit 5\n');
    expect((await typed).exitCode).toBe(5);
    expect(out).toContain('size 33 101');
    expect(out).toMatch(/\na terminal\r*\n/);
  });

  test('shows the log as it goes on', async () => {
    const log = types('logs', '-f', 'site', '--tail', '1');
    await until('it goes on', 20_000, async () => log.out().split('\n').length > 20);
    const numbers = [...log.out().matchAll(/^line (\d+)$/gm)].map(([, n]) => Number(n));
    expect(numbers).toEqual(Array.from(numbers, (_, n) => (numbers[0] ?? 0) + n));
    log.process.kill('SIGINT');
    expect(await log.ended).toBe(130);
  });

  test('lists the files of its volume, and fetches one of many megabytes as it is', async () => {
    await exec('mkdir -p /data/photos && dd if=/dev/urandom of=/data/photos/large bs=1M count=24 && sync');
    const sum = (await exec('busybox sha256sum < /data/photos/large')).out.split(' ')[0];
    expect(await it.floatlab('files', 'ls', 'site-data', 'photos')).toMatch(/24 MiB.* large/);
    const file = join(it.folder, 'fetched');
    await it.floatlab('files', 'get', 'site-data', 'photos/large', '--file', file);
    expect(
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ).toBe(sum);
  });

  test('tells what happens, also what was decided at a third machine', async () => {
    const events = types('event', 'follow', '--limit', '1', '-o', 'json');
    await it.lab.api(it.lab.machines[0] as Machine).label('n1', { seen: 'elsewhere' });
    await until('it is told', 20_000, async () => events.out().includes('"elsewhere"'));
    expect(events.process.exitCode).toBeNull();
  });

  test('lets nobody in who has no right, and asks the other machine nothing for him', async () => {
    await using other = await RealLab.make(1, { network: it.lab.network, first: 11 });
    const tokens = [
      other.environmentOf(other.machines[0] as Machine)['FLOATLAB_TOKEN'] ?? '',
      // It opens the figures alone.
      (await readFile(join(it.entry.disk.dataDir, 'metrics-token'), 'utf8')).trim(),
      'made up',
    ];
    const intrudes = ['exec', 'site', 'web', '--', 'touch', '/data/intruder'];
    const asked = [
      ...tokens.map((token) => ({ token, args: intrudes })),
      ...[
        ['logs', '-f', 'site'],
        ['files', 'ls', 'site-data'],
        ['files', 'get', 'site-data', 'photos/large', '--file', '-'],
        ['event', 'follow'],
      ].map((args) => ({ token: 'made up', args })),
    ];
    for (const { token, args } of asked) {
      const { code, out, err } = await it.lab.cli(it.entry, args, '', { token });
      expect([args, code, out], err).toEqual([args, 3, '']);
      expect(err).toContain('NOT_SIGNED_IN');
    }
    expect(await it.floatlab('files', 'ls', 'site-data')).not.toContain('intruder');
  });

  test('ends what is under way when the machine of the app dies, says which one it was, and goes on when it is back', async () => {
    const command = types('exec', 'site', 'web', '--', 'sh', '-c', 'echo begun; sleep 600');
    const log = types('logs', '-f', 'site', '--tail', '1');
    const file = types('files', 'get', 'site-data', 'photos/large', '--file', '-');
    await until('all of it is under way', 20_000, async () => {
      if (file.out() !== '') file.process.stdout.pause();
      return command.out().includes('begun') && log.out() !== '' && file.out() !== '';
    });
    await it.host.end('SIGKILL');
    const died = performance.now();
    expect(await command.ended).toBe(8);
    expect(performance.now() - died).toBeLessThan(10_000);
    expect(command.err()).toMatch(/Node n3 /);
    await until('it says what it waits for', 20_000, async () => /n3.*Waiting until it is there again/.test(log.err()));
    file.process.stdout.resume();
    expect(await file.ended).not.toBe(0);
    expect(file.err()).toMatch(/n3/);

    await it.lab.leader(it.lab.others(it.host));
    const { code, err } = await exec('true');
    expect([code, err]).toEqual([expect.toBeOneOf([5, 8]), expect.stringMatching(/n3/)]);
    const before = log.out().length;
    await it.host.start();
    await until('the log goes on', 60_000, async () => log.out().length > before);
    await until('a command runs', 30_000, async () => (await exec('exit 3')).code === 3);
  });

  test('ends it, too, when nobody reaches that machine any more', async () => {
    const command = types('exec', 'site', 'web', '--', 'sh', '-c', 'echo begun; sleep 600');
    await until('it is under way', 20_000, async () => command.out().includes('begun'));
    await it.lab.network.isolate(it.host.number);
    const cut = performance.now();
    expect(await command.ended).toBe(8);
    expect(performance.now() - cut).toBeLessThan(30_000);
    expect(command.err()).toMatch(/Node n3 /);
    await it.lab.network.heal();
    await until('a command runs', 30_000, async () => (await exec('exit 3')).code === 3);
  });
});
