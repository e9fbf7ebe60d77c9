/**
 * The commands that FloatLab uses, one function each: arguments in, values or an IoError out. No decisions here. Names
 * of datasets begin with the name of a zpool and have passed the checks of names, so none can be taken for an option.
 *
 * When a command of zfs returns, what it did is on disk: it waits for its transaction group.
 */
import type { IoError } from '../../error.ts';
import type { Ran, RunCommand } from '../../run.ts';
import { openBelow, type OpenPath } from '../open-below.ts';
import type { Deadline } from '../deadline.ts';
import { commandError, isOnlyAboutMissing, isOnlyAboutMounting } from './errors.ts';
import { graceOf } from './grace.ts';
import type { Properties, ToolAbilities } from './parse.ts';
import {
  parseGet,
  parseHolds,
  parseKstats,
  parsePoolProperties,
  parseRows,
  parseStat,
  parseToolAbilities,
} from './parse.ts';

export type Settings = Readonly<Record<string, string>>;

export interface Zfs {
  /** Of those that exist; `recursive`: with everything below them. */
  get(
    properties: readonly string[],
    datasets: readonly string[],
    recursive?: 'recursive',
  ): Promise<ReadonlyMap<string, Properties>>;
  /** Of a dataset and of those directly below it, without snapshots. */
  getChildren(properties: readonly string[], dataset: string): Promise<ReadonlyMap<string, Properties>>;
  /** Names of all datasets up to so many levels below one. */
  names(dataset: string, depth: number): Promise<readonly string[]>;
  /** Names of all file systems of the zpool. */
  allNames(zpool: string): Promise<readonly string[]>;
  /** Every dataset of the zpool that is a clone, and the snapshot that it came from. */
  origins(zpool: string): Promise<ReadonlyMap<string, string>>;
  /** Names of all datasets of the zpool that are mounted. */
  mounted(zpool: string): Promise<readonly string[]>;
  /** Names of all snapshots up to so many levels below: cheap, because nothing else is asked of them. */
  snapshotNames(datasets: readonly string[], depth: number): Promise<readonly string[]>;
  create(dataset: string, settings: Settings): Promise<void>;
  clone(snapshot: string, dataset: string, settings: Settings): Promise<void>;
  snapshot(snapshots: readonly string[], settings: Settings): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  promote(dataset: string): Promise<void>;
  /** Of a file system: fails while it has anything below it. */
  destroyDataset(dataset: string): Promise<void>;
  /** Those that have clones go as soon as the last of these does. */
  destroySnapshots(dataset: string, names: readonly string[]): Promise<void>;
  set(dataset: string, settings: Settings): Promise<void>;
  inherit(dataset: string, property: string): Promise<void>;
  mount(dataset: string): Promise<void>;
  unmount(dataset: string): Promise<void>;
  /** Tags of the holds on a snapshot; undefined where the tools cannot say. */
  holds(snapshot: string): Promise<readonly string[] | undefined>;

  tools(): Promise<ToolAbilities>;
  /** @throws IoError POOL_MISSING */
  pool(zpool: string): Promise<ReadonlyMap<string, string>>;
  /** `zpool status -t` */
  trimStatus(zpool: string): Promise<string>;
  /** Waits until what was destroyed is free, and until the disks have forgotten it. */
  trim(zpool: string): Promise<void>;

  /** Owner and mode of a folder. */
  ownerOf(folder: string): Promise<{ uid: number; gid: number; mode: number }>;
  chown(folder: string, owner: { uid: number; gid: number }): Promise<void>;
  chmod(folder: string, mode: number): Promise<void>;
  isFolder(path: string): Promise<boolean>;
  /** Removes an empty folder. @returns whether it is gone */
  removeFolder(path: string): Promise<boolean>;
  /** Lines of the tables of mounts of all processes that name the dataset, by process; `self`: as this one sees it. */
  mountLines(dataset: string): Promise<readonly { readonly process: string; readonly line: string }[]>;
  /** Processes that have something below the folder open, mapped, or as the folder that they are in. */
  openBelow(folder: string): Promise<readonly OpenPath[]>;
  readFile(path: string): Promise<string>;
  /** How often each mounted dataset was written to since then, as text; by its name. Empty where the kernel does not count. */
  writeCounters(zpool: string): Promise<ReadonlyMap<string, string>>;
}

/**
 * Some 2 KiB of a snapshot's properties are asked for: enough for a hundred thousand of one volume. What cannot be looked
 * at can neither be rolled back nor pruned.
 */
const maxOutputBytes = 256 * 2 ** 20;

/** The commands on behalf of one call: `target` is for messages, `within` ends them. */
export function zfsCommands(run: RunCommand, target: string, within: Deadline): Zfs {
  const attempt = (file: string, args: readonly string[]): Promise<Ran> => {
    within.check();
    const { signal, timeoutMs } = within;
    return run(file, args, { signal, timeoutMs, target, graceMs: graceOf(file, args), maxOutputBytes });
  };
  const failure = (file: string, args: readonly string[], ran: Ran): IoError =>
    commandError(`${file} ${args[0] ?? ''}`.trim(), target, ran);
  const must = async (file: string, ...args: readonly string[]): Promise<Ran> => {
    const ran = await attempt(file, args);
    if (ran.exitCode !== 0) throw failure(file, args, ran);
    return ran;
  };
  /** What changes a dataset and would then mount it. */
  const mustApartFromMounting = async (...args: readonly string[]): Promise<void> => {
    const ran = await attempt('zfs', args);
    if (ran.exitCode !== 0 && !isOnlyAboutMounting(ran.stderr)) throw failure('zfs', args, ran);
  };
  const options = (settings: Settings): string[] =>
    Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);

  const zfs: Zfs = {
    async get(properties, datasets, recursive) {
      if (datasets.length === 0) return new Map();
      const columns = ['-o', 'name,property,value,source'];
      const args = ['get', ...(recursive ? ['-r'] : []), '-Hp', ...columns, properties.join(','), ...datasets];
      const ran = await attempt('zfs', args);
      if (ran.exitCode !== 0 && !isOnlyAboutMissing(ran.stderr)) throw failure('zfs', args, ran);
      return parseGet(ran.stdout);
    },
    async getChildren(properties, dataset) {
      const args = ['get', '-Hp', '-d', '1', '-o', 'name,property,value,source', properties.join(','), dataset];
      return new Map([...parseGet((await must('zfs', ...args)).stdout)].filter(([name]) => !name.includes('@')));
    },
    async names(dataset, depth) {
      const args = ['list', '-H', '-o', 'name', '-t', 'filesystem', '-d', String(depth), dataset];
      return parseRows((await must('zfs', ...args)).stdout).map(([name = '']) => name);
    },
    async allNames(zpool) {
      const args = ['list', '-H', '-o', 'name', '-t', 'filesystem', '-r', zpool];
      return parseRows((await must('zfs', ...args)).stdout).map(([name = '']) => name);
    },
    async origins(zpool) {
      const ran = await must('zfs', 'list', '-H', '-o', 'name,origin', '-t', 'filesystem,volume', '-r', zpool);
      return new Map(
        parseRows(ran.stdout).flatMap(([name = '', origin = '-']) => (origin === '-' ? [] : [[name, origin]])),
      );
    },
    async mounted(zpool) {
      const ran = await must('zfs', 'list', '-H', '-o', 'name,mounted', '-t', 'filesystem', '-r', zpool);
      return parseRows(ran.stdout).flatMap(([name = '', mounted]) => (mounted === 'yes' ? [name] : []));
    },
    async snapshotNames(datasets, depth) {
      if (datasets.length === 0) return [];
      const args = ['list', '-H', '-o', 'name', '-s', 'name', '-t', 'snapshot', '-d', String(depth), ...datasets];
      return parseRows((await must('zfs', ...args)).stdout).map(([name = '']) => name);
    },
    create: (dataset, settings) => mustApartFromMounting('create', ...options(settings), dataset),
    clone: (snapshot, dataset, settings) => mustApartFromMounting('clone', ...options(settings), snapshot, dataset),
    async snapshot(snapshots, settings) {
      await must('zfs', 'snapshot', ...options(settings), ...snapshots);
    },
    rename: (from, to) => mustApartFromMounting('rename', from, to),
    async promote(dataset) {
      await must('zfs', 'promote', dataset);
    },
    async destroyDataset(dataset) {
      await must('zfs', 'destroy', dataset);
    },
    async destroySnapshots(dataset, names) {
      const many = (await zfs.tools()).destroysMany;
      const batch = many ? 100 : 1;
      for (let i = 0; i < names.length; i += batch) {
        const args = ['destroy', '-d', `${dataset}@${names.slice(i, i + batch).join(',')}`];
        const ran = await attempt('zfs', args);
        const gone = /could not find any snapshots|does not exist/.test(ran.stderr);
        if (ran.exitCode !== 0 && !gone) throw failure('zfs', args, ran);
      }
    },
    async set(dataset, settings) {
      const pairs = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
      if ((await zfs.tools()).setsMany) return mustApartFromMounting('set', ...pairs, dataset);
      for (const pair of pairs) await mustApartFromMounting('set', pair, dataset);
    },
    async inherit(dataset, property) {
      await must('zfs', 'inherit', property, dataset);
    },
    async mount(dataset) {
      const ran = await attempt('zfs', ['mount', dataset]);
      if (ran.exitCode !== 0 && !/already mounted/.test(ran.stderr)) throw failure('zfs', ['mount'], ran);
    },
    async unmount(dataset) {
      const ran = await attempt('zfs', ['unmount', dataset]);
      if (ran.exitCode !== 0 && !/not (currently )?mounted/.test(ran.stderr)) throw failure('zfs', ['unmount'], ran);
    },
    async holds(snapshot) {
      const ran = await attempt('zfs', ['holds', snapshot]);
      return ran.exitCode === 0 ? parseHolds(ran.stdout) : undefined;
    },

    async tools() {
      const known = toolsOf.get(run);
      if (known) return known;
      const said = async (file: string, ...args: string[]) => {
        const ran = await attempt(file, args);
        return `${ran.stdout}\n${ran.stderr}`;
      };
      const tools = parseToolAbilities({
        zfs: await said('zfs'),
        zfsGet: await said('zfs', 'get'),
        zpool: await said('zpool'),
      });
      toolsOf.set(run, tools);
      return tools;
    },
    pool: async (zpool) => parsePoolProperties((await must('zpool', 'get', 'all', zpool)).stdout),
    trimStatus: async (zpool) => (await must('zpool', 'status', '-t', zpool)).stdout,
    async trim(zpool) {
      // Blocks can be trimmed two transaction groups after they were freed; each `sync` is one.
      for (let group = 0; group < 4; group++) await must('zpool', 'sync', zpool);
      await must('zpool', 'wait', '-t', 'free', zpool);
      for (let group = 0; group < 4; group++) await must('zpool', 'sync', zpool);
      await must('zpool', 'trim', '-w', zpool);
    },

    async ownerOf(folder) {
      const ran = await must('stat', '-c', '%u %g %a', folder);
      const found = parseStat(ran.stdout);
      if (found) return found;
      throw failure('stat', [], { ...ran, stderr: `its answer could not be read: ${ran.stdout.slice(0, 200)}` });
    },
    async chown(folder, { uid, gid }) {
      await must('chown', `${uid}:${gid}`, folder);
    },
    async chmod(folder, mode) {
      // Five digits: with fewer, the tool keeps the setgid bit of a folder.
      await must('chmod', mode.toString(8).padStart(5, '0'), folder);
    },
    isFolder: async (path) => (await attempt('test', ['-d', path])).exitCode === 0,
    removeFolder: async (path) => (await attempt('rmdir', [path])).exitCode === 0,
    async mountLines(dataset) {
      // As the kernel writes it: a space as three octal digits.
      const wanted = ` ${dataset.replaceAll(' ', '\\040')} `;
      // Processes end while it looks, and most do not name the dataset: neither is an error.
      const search = [
        '-name',
        'mountinfo',
        '-exec',
        'grep',
        '-H',
        '-s',
        '-F',
        '-e',
        wanted,
        '/proc/self/mountinfo',
        '{}',
        '+',
      ];
      const { stdout } = await attempt('find', ['/proc', '-mindepth', '2', '-maxdepth', '2', ...search]);
      return stdout.split('\n').flatMap((row) => {
        const match = /^\/proc\/(self|\d+)\/mountinfo:(.*)$/.exec(row);
        return match?.[1] === undefined || match[2] === undefined ? [] : [{ process: match[1], line: match[2] }];
      });
    },
    openBelow: (folder) => openBelow(attempt, folder),
    readFile: async (path) => (await must('cat', path)).stdout,
    async writeCounters(zpool) {
      const lines = '^(dataset_name|writes|nwritten|nunlinked) ';
      return parseKstats(
        (await attempt('grep', ['-r', '-h', '-s', '-E', lines, `/proc/spl/kstat/zfs/${zpool}`])).stdout,
      );
    },
  };
  return zfs;
}

/** What the tools can does not change while they run; another `run` is another machine. */
const toolsOf = new WeakMap<RunCommand, ToolAbilities>();
