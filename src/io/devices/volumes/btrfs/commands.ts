/**
 * The btrfs commands that FloatLab uses, one function each: arguments in, values or an IoError out. No decisions
 * here. Paths are absolute and have passed the checks of names, so none can be taken for an option.
 *
 * What is on disk when a command returns: a snapshot, with all that its source held, unwritten pages included, because
 * the kernel takes it by committing a transaction; and a deletion, because it is asked to wait for one. A new subvolume
 * and a rename are not: `sync` commits them. What was done earlier reaches the disk no later.
 */
import type { IoError } from '../../error.ts';
import type { Ran, RunCommand } from '../../run.ts';
import type { Deadline } from '../deadline.ts';
import { commandError } from './errors.ts';
import type { QgroupRow, SubvolumeDetails, SubvolumeRow, FilesystemUsage } from './parse.ts';
import {
  parseCompression,
  parseDiskUsage,
  parseExclusive,
  parseFilesystemUsage,
  parseFindNew,
  parseNestedList,
  parseQgroup,
  parseReferenced,
  parseSubvolumeList,
  parseSubvolumeShow,
  qgroupsAreInconsistent,
  qgroupsMayBeWrong,
} from './parse.ts';

export interface Btrfs {
  createSubvolume(path: string): Promise<void>;
  /** Trap: when `to` is a folder, the snapshot lands inside it. The caller has made sure that `to` is free. */
  snapshot(from: string, to: string, mode: 'read-only' | 'writable'): Promise<void>;
  /** Deletes in this order and waits until that is on disk. One that cannot be deleted does not hold up the others. */
  deleteSubvolumes(paths: readonly string[]): Promise<void>;
  show(path: string): Promise<SubvolumeDetails>;
  /** All subvolumes of the whole file system, or some of them; only `snapshots` have `createdAt`. */
  list(anyPath: string, which: keyof typeof filters): Promise<readonly SubvolumeRow[]>;
  /** Paths of subvolumes directly inside this one, relative to the top of the file system. */
  nested(subvolume: string): Promise<readonly string[]>;
  /** Where the subvolume with this id really is, from the top of the file system; undefined when it is gone. */
  pathOf(id: number, anyPath: string): Promise<string | undefined>;
  /** A size turns quotas on when they are off. */
  limit(subvolume: string, sizeBytes: number | undefined): Promise<void>;
  /** Usage and quota of a subvolume; without quotas in the pool the files are counted, which is slow. */
  usage(subvolume: string): Promise<QgroupRow>;
  /** By the ids of all subvolumes; undefined where nobody counts, or the numbers are wrong. */
  exclusiveBytes(anyPath: string): Promise<ReadonlyMap<number, number> | undefined>;
  /** The same: what each takes. */
  referencedBytes(anyPath: string): Promise<ReadonlyMap<number, number> | undefined>;
  /** Of what is written into the folder from now on, as btrfs calls it; undefined when the folder does not say. */
  compression(folder: string): Promise<string | undefined>;
  setCompression(folder: string, how: string): Promise<void>;
  /** Of the extents that a subvolume holds: what was written in a generation from this one on, on disk or not. */
  bytesWrittenFrom(subvolume: string, generation: number): Promise<number>;
  /** Tells the disks which blocks hold nothing, those of all that was deleted until now included. */
  trim(anyPath: string): Promise<void>;
  filesystemUsage(path: string): Promise<FilesystemUsage>;
  sync(path: string): Promise<void>;
}

const filters = {
  all: [],
  'read-only': ['-r'],
  snapshots: ['-s'],
  'read-only snapshots': ['-s', '-r'],
} as const;

/** The commands on behalf of one call: `target` is for messages, `within` ends them. */
export function btrfsCommands(run: RunCommand, target: string, within: Deadline): Btrfs {
  const attempt = (args: readonly string[]) => run('btrfs', args, { ...limits(within), target });
  const must = async (args: readonly string[]): Promise<Ran> => {
    const ran = await attempt(args);
    if (ran.exitCode !== 0) throw failure(args, ran);
    return ran;
  };
  const failure = (args: readonly string[], ran: Ran): IoError =>
    commandError(`btrfs ${args.slice(0, 2).join(' ')}`, target, ran);
  const parsed = <T>(value: T | undefined, args: readonly string[], ran: Ran): T => {
    if (value !== undefined) return value;
    throw failure(args, { ...ran, stderr: `its answer could not be read: ${ran.stdout.slice(0, 500)}` });
  };

  return {
    async createSubvolume(path) {
      await must(['subvolume', 'create', path]);
    },
    async snapshot(from, to, mode) {
      await must(['subvolume', 'snapshot', ...(mode === 'read-only' ? ['-r'] : []), from, to]);
    },
    async deleteSubvolumes(paths) {
      let problem: IoError | undefined;
      for (let i = 0; i < paths.length; i += 100) {
        const args = ['subvolume', 'delete', '--commit-after', ...paths.slice(i, i + 100)];
        const ran = await attempt(args);
        if (ran.exitCode !== 0) problem ??= failure(args, ran);
      }
      if (problem) throw problem;
    },
    async show(path) {
      const args = ['subvolume', 'show', '--raw', path];
      const ran = await must(args);
      return parsed(parseSubvolumeShow(ran.stdout), args, ran);
    },
    async list(anyPath, which) {
      const ran = await must(['subvolume', 'list', '-a', '-c', '-u', '-q', '-R', ...filters[which], anyPath]);
      return parseSubvolumeList(ran.stdout);
    },
    async nested(subvolume) {
      return parseNestedList((await must(['subvolume', 'list', '-o', subvolume])).stdout);
    },
    async pathOf(id, anyPath) {
      const args = ['inspect-internal', 'subvolid-resolve', String(id), anyPath];
      const ran = await attempt(args);
      return ran.exitCode === 0 ? ran.stdout : undefined;
    },
    async limit(subvolume, sizeBytes) {
      const args = ['qgroup', 'limit', sizeBytes === undefined ? 'none' : String(sizeBytes), subvolume];
      const first = await attempt(args);
      if (first.exitCode === 0) return;
      if (!/quotas? not enabled|Transport endpoint is not connected/.test(first.stderr)) throw failure(args, first);
      if (sizeBytes === undefined) return;
      await must(['quota', 'enable', subvolume]);
      await must(args);
    },
    async usage(subvolume) {
      const args = ['qgroup', 'show', '--raw', '-re', '-f', subvolume];
      const ran = await attempt(args);
      // Limits do not hold while the numbers are wrong. A scan repairs them; one that runs already is as good.
      if (qgroupsAreInconsistent(ran.stderr)) await attempt(['quota', 'rescan', subvolume]);
      const row = ran.exitCode === 0 ? parseQgroup(ran.stdout) : undefined;
      if (row) return row;
      if (ran.exitCode !== 0 && !/quotas? not enabled/.test(ran.stderr)) throw failure(args, ran);
      const count = ['filesystem', 'du', '-s', '--raw', subvolume];
      const counted = await must(count);
      return {
        referencedBytes: parsed(parseDiskUsage(counted.stdout), count, counted),
        limitBytes: undefined,
      };
    },
    exclusiveBytes: async (anyPath) => parseCounts(await attempt(allCounts(anyPath)), parseExclusive),
    referencedBytes: async (anyPath) => parseCounts(await attempt(allCounts(anyPath)), parseReferenced),
    async compression(folder) {
      return parseCompression((await must(['property', 'get', '-ti', folder, 'compression'])).stdout);
    },
    async setCompression(folder, how) {
      await must(['property', 'set', '-ti', folder, 'compression', how]);
    },
    async bytesWrittenFrom(subvolume, generation) {
      // A line for each extent: what says more than this has changed so much that nobody waits for the exact figure.
      const args = ['subvolume', 'find-new', subvolume, String(generation)];
      const ran = await run('btrfs', args, { ...limits(within), target, maxOutputBytes: 64 * 2 ** 20 });
      if (ran.exitCode !== 0) throw failure(args, ran);
      return parseFindNew(ran.stdout);
    },
    async trim(anyPath) {
      // What was deleted is freed in the background, and its blocks are free once that is committed.
      await must(['subvolume', 'sync', anyPath]);
      await must(['filesystem', 'sync', anyPath]);
      const ran = await run('fstrim', [anyPath], { ...limits(within), target });
      if (ran.exitCode !== 0) throw commandError('fstrim', target, ran);
    },
    async filesystemUsage(path) {
      const args = ['filesystem', 'usage', '-b', path];
      const ran = await must(args);
      return parsed(parseFilesystemUsage(ran.stdout), args, ran);
    },
    async sync(path) {
      await must(['filesystem', 'sync', path]);
    },
  };
}

const allCounts = (anyPath: string): readonly string[] => ['qgroup', 'show', '--raw', '-re', anyPath];
const parseCounts = <T>(ran: Ran, parse: (text: string) => T): T | undefined =>
  ran.exitCode !== 0 || qgroupsMayBeWrong(ran.stderr) ? undefined : parse(ran.stdout);

const limits = (within: Deadline) => ({ signal: within.signal, timeoutMs: within.timeoutMs });
