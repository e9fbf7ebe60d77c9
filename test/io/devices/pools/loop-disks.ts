/** Disks for one test: files in a private folder behind loop devices. Nothing of them is left after `dispose`. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { run } from '#io/devices/run.ts';

export interface LoopDisks {
  readonly folder: string;
  /** Runs a tool and fails the test when the tool fails. @returns its standard output */
  tool(file: string, ...args: readonly string[]): Promise<string>;
  /** @returns the path of the device */
  add(sizeBytes: number): Promise<string>;
  /** The file behind a device. */
  fileOf(device: string): string;
  detach(device: string): Promise<void>;
  /** Data that no other file system has in it. */
  readonly secret: Buffer;
  /** Overwrites one block wherever the secret lies in a file. @returns how many places there were */
  spoil(file: string): Promise<number>;
  dispose(): Promise<void>;
}

const blockBytes = 4096;

export async function loopDisks(): Promise<LoopDisks> {
  const folder = await mkdtemp(join(tmpdir(), 'floatlab-disks-'));
  const files = new Map<string, string>();
  const secret = randomBytes(2 * 2 ** 20);
  const detach = async (device: string) => {
    const backing = `/sys/block/${basename(device)}/loop/backing_file`;
    const isThere = async (): Promise<boolean> =>
      (await readFile(backing, 'utf8').catch(() => '')).trim() === files.get(device);
    await tool('losetup', '--detach', device);
    // Where somebody else looks at it at this moment, the kernel lets it go only after that.
    for (let tries = 0; tries < 500 && (await isThere()); tries++) await setTimeout(20);
    files.delete(device);
  };
  return {
    folder,
    tool,
    secret,
    async add(sizeBytes) {
      const file = join(folder, `disk-${files.size + 1}-${randomBytes(3).toString('hex')}`);
      await writeFile(file, '');
      await truncate(file, sizeBytes);
      const device = (await tool('losetup', '--find', '--show', file)).trim();
      files.set(device, file);
      return device;
    },
    fileOf: (device) => files.get(device) ?? 'missing',
    detach,
    async spoil(file) {
      const content = await readFile(file);
      const target = await open(file, 'r+');
      let places = 0;
      try {
        // A block from the middle: its neighbours may be shared with something else.
        const block = secret.subarray(64 * blockBytes, 65 * blockBytes);
        for (let at = content.indexOf(block); at >= 0; at = content.indexOf(block, at + 1)) {
          await target.write(randomBytes(blockBytes), 0, blockBytes, at);
          places++;
        }
        await target.sync();
      } finally {
        await target.close();
      }
      return places;
    },
    async dispose() {
      for (const device of files.keys()) await detach(device);
      await rm(folder, { recursive: true });
    },
  };
}

async function tool(file: string, ...args: readonly string[]): Promise<string> {
  const ran = await run(file, args, { signal: new AbortController().signal, timeoutMs: 60_000 });
  if (ran.exitCode !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${ran.exitCode}: ${ran.stderr}`);
  return ran.stdout;
}
