/** What tests of whole machines need of the one that they run on: root, namespaces, loop devices, a packet filter. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

/** Another built daemon than this checkout's, such as a release that is to be tortured. */
export const program =
  process.env['FLOATLABD_PROGRAM'] ?? fileURLToPath(new URL('../../bin/floatlabd.js', import.meta.url));

/** The command line that was built with it. */
export const commandLine = program.replace(/floatlabd\.js$/, 'floatlab.js');

/** Runs a program of the system to its end. @returns what it wrote. @throws with its words when it fails */
export async function run(command: string, ...args: readonly string[]): Promise<string> {
  return (await execa(command, [...args], { timeout: 60_000 })).stdout;
}

const needed = ['ip', 'nsenter', 'nft', 'losetup', 'mkfs.ext4', 'mount', 'umount', 'fallocate', 'perl'] as const;

/** What is not here, as `describeReal` wants it; undefined: all that it takes. */
export function missingMachines(): string | undefined {
  if (process.getuid?.() !== 0) return 'root';
  const absent = needed.filter((name) => spawnSync('which', [name]).status !== 0);
  if (absent.length > 0) return absent.join(', ');
  if (!existsSync(program)) return `the built daemon (${program})`;
  const probe = `flp-${process.pid}`;
  if (spawnSync('ip', ['netns', 'add', probe]).status !== 0) return 'permission to make network namespaces';
  try {
    const linked = spawnSync('ip', ['-n', probe, 'link', 'add', 'name', 'probe', 'type', 'bridge']).status === 0;
    const filtered = spawnSync('ip', ['netns', 'exec', probe, 'nft', 'list', 'ruleset']).status === 0;
    return linked && filtered ? undefined : 'a kernel with bridges and nftables';
  } finally {
    spawnSync('ip', ['netns', 'del', probe]);
  }
}

/** Asks until the answer is there. @throws after `withinMs`, saying what was waited for */
export async function until<T>(what: string, withinMs: number, ask: () => Promise<T | undefined | false>): Promise<T> {
  const end = performance.now() + withinMs;
  for (let last: unknown; ;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw new Error(`waited ${withinMs} ms in vain: ${what}; the last answer: ${last}`);
    await pause(50);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
