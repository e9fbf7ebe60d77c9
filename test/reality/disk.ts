/**
 * A small disk of a machine's own: a file system in a file, mounted over a loop device.
 *
 * `cutPower` is a real power cut as far as the machine is concerned: ext4 is told to go down without writing anything
 * more (EXT4_IOC_SHUTDOWN, as xfstests does it). What was synced is on the disk, what was only written is gone, and
 * the next mount replays the journal. The disk's own volatile cache is the one thing that this does not lose.
 */
import { mkdtemp, readdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { run } from './host.ts';

const sizeBytes = 256 * 1024 * 1024;

/** `_IOR('X', 125, __u32)` with "do not flush the log": perl is on every Debian, and has ioctl. */
const shutdown =
  'sysopen(my $d, $ARGV[0], 0) or die $!; my $how = pack("L", 2); ioctl($d, 0x8004587D, $how) or die $!;';

export class Disk {
  readonly #folder: string;
  readonly #mountpoint: string;
  #loop: string | undefined;
  #isMounted = false;
  #isFrozen = false;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#mountpoint = join(folder, 'disk');
  }

  static async make(): Promise<Disk> {
    const disk = new Disk(await mkdtemp(join(tmpdir(), 'floatlab-disk-')));
    try {
      const image = join(disk.#folder, 'image');
      await run('truncate', '-s', `${sizeBytes}`, image);
      // Nothing is reserved for root: full is full.
      await run('mkfs.ext4', '-q', '-F', '-m', '0', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image);
      await run('mkdir', disk.#mountpoint);
      disk.#loop = await run('losetup', '--find', '--show', image);
      await disk.mount();
    } catch (error) {
      await disk.dispose();
      throw error;
    }
    return disk;
  }

  /** For a daemon; made by it. */
  get dataDir(): string {
    return join(this.#mountpoint, 'data');
  }

  async mount(): Promise<void> {
    if (this.#isMounted || this.#loop === undefined) return;
    await run('mount', '-t', 'ext4', this.#loop, this.#mountpoint);
    this.#isMounted = true;
  }

  /** From here on nothing reaches the disk; kill who uses it, then `mountAgain`. */
  async cutPower(): Promise<void> {
    await run('perl', '-e', shutdown, this.#mountpoint);
  }

  /** After a cut, when nobody uses it any more. */
  async mountAgain(): Promise<void> {
    await run('umount', this.#mountpoint);
    this.#isMounted = false;
    await this.mount();
  }

  /** A disk that answers nothing: whoever writes waits, and cannot be killed. What was read before can be read. */
  async freeze(): Promise<void> {
    await run('fsfreeze', '--freeze', this.#mountpoint);
    this.#isFrozen = true;
  }

  async thaw(): Promise<void> {
    if (!this.#isFrozen) return;
    await run('fsfreeze', '--unfreeze', this.#mountpoint);
    this.#isFrozen = false;
  }

  /** Not one more block for anybody. */
  async fill(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#mountpoint);
    const most = Math.max(1, bavail * bsize - 64 * 1024);
    await run('fallocate', '-l', `${most}`, join(this.#mountpoint, 'filler'));
    for (let rest = 0; ; rest++) {
      const file = join(this.#mountpoint, `filler-${rest}`);
      const written = await execa('fallocate', ['-l', '4096', file], { reject: false });
      if (written.failed) return;
    }
  }

  async free(): Promise<void> {
    for (const name of await readdir(this.#mountpoint)) {
      if (name.startsWith('filler')) await rm(join(this.#mountpoint, name));
    }
  }

  /** The machine has forgotten all that it was, or what was in one folder. */
  wipe(folder = '.'): Promise<void> {
    return rm(join(this.dataDir, folder), { recursive: true, force: true });
  }

  /**
   * Turns one bit over, in the newest file whose name fits, at a part of its length. Of a daemon that is stopped.
   * @returns the file
   */
  async flipBit(folder: string, fits: RegExp, at = 0.5): Promise<string> {
    const dir = join(this.dataDir, folder);
    const paths = (await readdir(dir)).filter((name) => fits.test(name)).map((name) => join(dir, name));
    const files = await Promise.all(
      paths.map(async (path) => {
        const { size, mtimeMs } = await stat(path);
        return { path, size, mtimeMs };
      }),
    );
    const newest = files.filter(({ size }) => size > 0).toSorted((a, b) => b.mtimeMs - a.mtimeMs)[0];
    if (!newest) throw new Error(`${dir} has no file like ${fits}`);
    const bytes = await readFile(newest.path);
    const place = Math.min(bytes.length - 1, Math.floor(bytes.length * at));
    bytes[place] = (bytes[place] ?? 0) ^ 0x10;
    await writeFile(newest.path, bytes);
    return newest.path;
  }

  /** Goes on whatever is missing. */
  async dispose(): Promise<void> {
    if (this.#isMounted) await run('umount', this.#mountpoint).catch(() => run('umount', '-l', this.#mountpoint));
    this.#isMounted = false;
    if (this.#loop !== undefined) await run('losetup', '-d', this.#loop).catch(() => {});
    this.#loop = undefined;
    await rm(this.#folder, { recursive: true, force: true });
  }
}
