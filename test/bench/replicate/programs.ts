/** Programs of the system for the benchmark: peers that are installed where they are missing, and pairs with a pipe. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { execa } from 'execa';

/** @throws with what it said when it fails */
export async function tool(file: string, ...args: readonly string[]): Promise<string> {
  return (await execa(file, [...args], { timeout: 3_600_000 })).stdout;
}

/** @returns what `version` finds in the first lines that it says of itself; undefined when it is not there */
async function versionOf(file: string, version: RegExp): Promise<string | undefined> {
  const { stdout, stderr, code } = await execa(file, ['--version'], { reject: false });
  return code === 'ENOENT' ? undefined : (version.exec(`${stdout}\n${stderr}`)?.[1] ?? '?');
}

/**
 * Installs what is missing, and says so.
 * @returns name and version; undefined, after words, where it cannot be had
 */
export async function havePeer(
  file: string,
  debian: string,
  version: RegExp,
  say: (line: string) => void,
): Promise<string | undefined> {
  let found = await versionOf(file, version);
  if (found === undefined && process.getuid?.() === 0 && process.env['FLOATLAB_NO_INSTALL'] !== '1') {
    say(`${file} is missing: installing ${debian} with apt-get.`);
    // Debian begins timers with it: not here.
    const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    await execa('apt-get', ['install', '--yes', '--no-install-recommends', debian], { env, reject: false });
    found = await versionOf(file, version);
  }
  if (found === undefined) say(`Without ${file} (apt-get install ${debian}) nothing is measured beside it.`);
  return found === undefined ? undefined : `${file} ${found}`;
}

/** @param fifo a path that is free; it is one afterwards again */
export async function piped(
  fifo: string,
  [sender, ...sends]: readonly string[],
  [receiver, ...receives]: readonly string[],
): Promise<void> {
  await tool('mkfifo', fifo);
  const pipe = await open(fifo, constants.O_RDWR);
  const [output, input] = [await open(fifo, 'w'), await open(fifo, 'r')];
  await pipe.close();
  const children = [
    spawn(sender ?? '', sends, { stdio: ['ignore', output.fd, 'inherit'] }),
    spawn(receiver ?? '', receives, { stdio: [input.fd, 'ignore', 'inherit'] }),
  ];
  for (const end of [output, input]) await end.close();
  await rm(fifo);
  const codes = await Promise.all(
    children.map(async (child) => child.exitCode ?? ((await once(child, 'exit')) as [number | null])[0]),
  );
  if (codes.some((code) => code !== 0)) throw new Error(`the bare pipe ended with ${codes.join(' and ')}`);
}
