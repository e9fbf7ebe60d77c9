/** What a daemon costs that has nothing to do: the built one, with one simulated machine and its sample app. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '#test/daemon-fixture.ts';
import { startArgs, startEnv } from '#test/start-settings.ts';
import type { Row } from './table.ts';

const ticksPerSecond = 100;

async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

export async function benchIdle(seconds = 60): Promise<Row[]> {
  const program = fileURLToPath(new URL('../../bin/floatlabd.js', import.meta.url));
  const args = ['--simulate', '1', '--listen', `127.0.0.1:${await freePort()}`];
  const child = spawn(process.execPath, [...startArgs, program, ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...startEnv },
  });
  await once(child.stdout, 'data');
  const { pid = 0 } = child;
  await new Promise((resolve) => setTimeout(resolve, 15_000));
  const before = await cpuSeconds(pid);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const cpu = ((await cpuSeconds(pid)) - before) / seconds;
  const memory = await residentMiB(pid);
  child.kill('SIGTERM');
  await once(child, 'exit');
  return [
    { what: 'idle daemon, share of a core', value: cpu * 100, unit: '%' },
    { what: 'idle daemon, resident memory', value: memory, unit: 'MiB' },
  ];
}
