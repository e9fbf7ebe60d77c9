/**
 * What FloatLab needs of a machine, and whether it is there.
 *
 * A need that `packages` can meet is installed by provision.mjs; any other one can only be named. A `wish` makes
 * something possible that FloatLab can do without.
 */
import { accessSync, constants, openSync, readFileSync, readSync, closeSync, statfsSync } from 'node:fs';
import { request } from 'node:http';
import { delimiter, dirname, join } from 'node:path';

/**
 * @typedef {object} Need
 * @property {string} what its name, for a person
 * @property {string} why what it is for
 * @property {(wanted: { dataFolder?: string, engine?: string }) => boolean | Promise<boolean>} there
 * @property {() => readonly string[]} [packages] of Debian and Ubuntu; none when they have no package for it
 * @property {string} [otherwise] what a person does where there are no such packages
 * @property {boolean} [wish]
 */

/** @type {Record<string, Need>} */
const needs = {
  root: {
    what: 'the rights of root',
    why: 'to mount pools and to run containers',
    there: () => process.getuid?.() === 0,
    otherwise: 'Run it as root, for example with sudo.',
  },
  engine: {
    what: 'a container engine',
    why: 'runs the containers of your apps',
    there: async (wanted) => hasPrograms('dockerd') || hasChosenEngine(wanted) || (await anEngineAnswers()),
    packages: enginePackages,
    otherwise: 'Install Docker Engine: the package is called docker, docker-ce or moby-engine.',
  },
  ownEngine: {
    what: 'dockerd',
    why: 'runs real containers in tests',
    there: () => hasPrograms('dockerd', 'containerd', 'runc', 'iptables'),
    packages: enginePackages,
    otherwise: 'Install Docker Engine: the package is called docker, docker-ce or moby-engine.',
  },
  btrfs: {
    what: 'btrfs-progs',
    why: 'keeps volumes and their snapshots',
    there: () => hasPrograms('btrfs', 'mkfs.btrfs'),
    packages: () => ['btrfs-progs'],
    otherwise: 'Install btrfs-progs.',
  },
  loop: {
    what: 'loop devices (/dev/loop-control)',
    why: 'the pool for volumes is a file that is mounted',
    there: ({ dataFolder = usualFolder() }) => onBtrfs(dataFolder) || exists('/dev/loop-control'),
    otherwise:
      'Run "modprobe loop", or give the container that you are in its loop devices; or keep FLOATLAB_DATA on btrfs.',
  },
  zfs: {
    what: 'zfs and zpool, the tools of OpenZFS',
    why: 'a pool for volumes is on zfs',
    // No package is the right one everywhere: what the kernel has decides.
    there: () => hasPrograms('zfs', 'zpool'),
    otherwise:
      'Install OpenZFS with its kernel module (Debian and Ubuntu: zfsutils-linux), and import the pool; or name another --pool.',
  },
  busybox: {
    what: 'a static /bin/busybox',
    why: 'the welcome app is made from it',
    there: () => isStatic(programPath('busybox')),
    packages: () => (programPath('busybox') === undefined ? ['busybox-static'] : []),
    otherwise: 'Install busybox-static; it replaces the package busybox.',
    wish: true,
  },
  chromium: {
    what: 'Chromium',
    why: 'opens the web app in tests',
    // Only Debian has the one without windows, and tests need half a minute less with it.
    there: () => hasPrograms('chromium-headless-shell') || (system().id !== 'debian' && hasPrograms('chromium')),
    // Ubuntu's package only fetches a snap, which needs systemd.
    packages: () => ({ debian: ['chromium-headless-shell'], ubuntu: [] })[system().id] ?? ['chromium'],
    otherwise: 'Install Chromium.',
  },
  ip: {
    what: 'iproute2',
    why: 'makes networks in tests',
    there: () => hasPrograms('ip'),
    packages: () => ['iproute2'],
    otherwise: 'Install iproute2.',
  },
  nft: {
    what: 'nftables',
    why: 'cuts links between machines in tests',
    there: () => hasPrograms('nft'),
    packages: () => ['nftables'],
    otherwise: 'Install nftables.',
  },
  disks: {
    what: 'e2fsprogs and util-linux',
    why: 'give machines in tests disks of their own',
    there: () => hasPrograms('mkfs.ext4', 'losetup', 'nsenter', 'fallocate'),
    packages: () => ['e2fsprogs', 'util-linux'],
    otherwise: 'Install e2fsprogs and util-linux.',
  },
  perl: {
    what: 'perl',
    why: 'keeps volumes on other kinds of file systems as well, with all that their files have',
    there: () => hasPrograms('perl'),
    packages: () => ['perl-base'],
    otherwise: 'Install perl.',
    wish: true,
  },
  zfsFuse: {
    what: 'zfs-fuse',
    why: 'keeps volumes on zfs in tests',
    // A kernel with zfs has tools of its own, which the package would replace.
    there: () => hasPrograms('zfs-fuse', 'zfs', 'zpool') || exists('/dev/zfs'),
    packages: () => (hasPrograms('zfs') ? [] : ['zfs-fuse']),
    otherwise: 'Install zfs-fuse.',
  },
  openZfs: {
    what: 'qemu-system-x86 and openssh-client',
    why: 'run the machine with OpenZFS in tests',
    // Without the machine itself there is nothing to run.
    there: () => exists('/dev/zfs') || !hasOpenZfs() || hasPrograms('qemu-system-x86_64', 'ssh'),
    packages: () => ['qemu-system-x86', 'openssh-client'],
    otherwise: 'Install qemu-system-x86 and openssh-client.',
  },
  registry: {
    what: 'docker-registry',
    why: 'gives images to real engines in tests',
    there: () => hasPrograms('docker-registry'),
    packages: () => ['docker-registry'],
    otherwise: 'Install docker-registry.',
  },
  compose: {
    what: 'docker-compose',
    why: 'runs projects that are adopted in tests',
    there: () => hasPrograms('docker-compose'),
    packages: () => ['docker-compose'],
    otherwise: 'Install docker-compose.',
  },
  strace: {
    what: 'strace',
    why: 'lets real disks fail in tests',
    there: () => hasPrograms('strace'),
    packages: () => ['strace'],
    otherwise: 'Install strace.',
  },
  faketime: {
    what: 'libfaketime',
    why: 'sets the clocks of daemons wrong in tests',
    there: () => hasPrograms('faketime'),
    packages: () => ['faketime'],
    otherwise: 'Install faketime.',
  },
};

/** What each command needs, in the order in which a person reads it. */
const needsOf = {
  start: ['root', 'engine', 'btrfs', 'loop', 'zfs', 'busybox', 'perl'],
  test: [
    'root',
    'ownEngine',
    'btrfs',
    'loop',
    'busybox',
    'chromium',
    'ip',
    'nft',
    'disks',
    'perl',
    'registry',
    'compose',
    'strace',
    'faketime',
    'zfsFuse',
    'openZfs',
  ],
};

/** What only nodes need that run apps. */
const forApps = ['engine', 'btrfs', 'loop', 'zfs', 'busybox', 'perl'];

/**
 * @param {{ sample?: boolean, witness?: boolean, pools?: readonly string[], dataFolder?: string, engine?: string }} wanted
 *   `pools` as a person names them with `--pool`; none: the one that FloatLab finds or makes
 * @returns {Promise<Need[]>} what this machine lacks
 */
export async function missing(purpose, { sample = true, witness = false, pools = [], ...wanted } = {}) {
  const isLight = purpose === 'start' && (witness || isWitness(wanted));
  const idle = [...(sample ? [] : ['busybox']), ...(isLight ? forApps : []), ...idleForPools(pools)];
  const asked = needsOf[purpose].filter((name) => !idle.includes(name)).map((name) => needs[name]);
  const there = await Promise.all(asked.map((need) => need.there(wanted)));
  return asked.filter((_, index) => !there[index]);
}

/** A pool that is named is there already: only the one that FloatLab makes may need a loop device. */
function idleForPools(pools) {
  if (pools.length === 0) return ['zfs'];
  const drivers = pools.map(driverOf);
  return ['loop', ...['btrfs', 'zfs'].filter((driver) => !drivers.includes(driver))];
}

/** What keeps the volumes of a pool, `[NAME=][zfs:|dir:|btrfs:]WHERE`; floatlabd itself judges the rest. */
export const driverOf = (pool) => /^(?:[^=/:]*=)?(zfs|dir|btrfs):/.exec(pool)?.[1] ?? 'btrfs';

/** In the kernel here, or in a machine: a folder with the programs `start` and `in`, as test/zfs-fixture.ts looks for it. */
export function hasOpenZfs() {
  if (exists('/dev/zfs')) return true;
  const beside = join(import.meta.dirname, '..', '..', '..', 'shared', 'openzfs-vm');
  return [process.env.FLOATLAB_OPENZFS_VM, beside].some(
    (folder) => folder !== undefined && exists(join(folder, 'start')),
  );
}

/** Who made this system, as /etc/os-release says. */
export function system() {
  let text = '';
  try {
    text = readFileSync('/etc/os-release', 'utf8');
  } catch {
    // Then nobody has said.
  }
  const field = (name) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1];
  return { id: field('ID') ?? process.platform, name: field('PRETTY_NAME') ?? process.platform };
}

export const isRoot = () => process.getuid?.() === 0;

export const hasPrograms = (...names) => names.every((name) => programPath(name) !== undefined);

/**
 * `su` and cron leave the folders of the system's tools out of the search path; dockerd and apt-get need them too.
 * A path that does not hold /usr/bin was made by hand and stays as it is.
 */
export function completeSearchPath(path = '') {
  const folders = path.split(delimiter);
  if (!folders.includes('/usr/bin')) return path;
  const more = ['/usr/local/sbin', '/usr/sbin', '/sbin'].filter((folder) => !folders.includes(folder));
  return [...folders, ...more].join(delimiter);
}

function programPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find((path) => may(path, constants.X_OK));
}

const exists = (path) => may(path, constants.F_OK);

function may(path, mode) {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function enginePackages() {
  return [
    'docker.io',
    // The engine loads its profile with this where the kernel has AppArmor, else no container starts.
    ...(appArmorIsOn() && !hasPrograms('apparmor_parser') ? ['apparmor'] : []),
    // To trust registries.
    ...(exists('/etc/ssl/certs/ca-certificates.crt') ? [] : ['ca-certificates']),
  ];
}

function appArmorIsOn() {
  try {
    return readFileSync('/sys/module/apparmor/parameters/enabled', 'utf8').startsWith('Y');
  } catch {
    return false;
  }
}

/** A node that was started as a witness stays one: its identity says so. */
function isWitness({ dataFolder = usualFolder() }) {
  try {
    return /^witness *= *yes *$/m.test(readFileSync(join(dataFolder, 'node.ini'), 'utf8'));
  } catch {
    return false;
  }
}

/**
 * Whether a person names one of this machine, or the lab has one already: it may not answer yet, and then FloatLab waits
 * for it instead of installing another one.
 */
function hasChosenEngine({ dataFolder = usualFolder(), engine = process.env.FLOATLAB_ENGINE }) {
  if (engine !== undefined) return engine !== 'own';
  try {
    return JSON.parse(readFileSync(join(dataFolder, 'engine.json'), 'utf8')).engine !== 'own';
  } catch {
    return false;
  }
}

/** Whether an engine answers where people have one: DOCKER_HOST, or the usual socket. */
async function anEngineAnswers() {
  const given = /^unix:\/\/(\/.+)$/.exec(process.env.DOCKER_HOST ?? '')?.[1];
  for (const socketPath of new Set([given ?? '/var/run/docker.sock', '/var/run/docker.sock']))
    if (await answers(socketPath)) return true;
  return false;
}

const answerTimeoutMs = 3000;

function answers(socketPath) {
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: '/_ping', timeout: answerTimeoutMs }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping
      .on('timeout', () => ping.destroy())
      .on('error', () => resolve(false))
      .end();
  });
}

const usualFolder = () => process.env.FLOATLAB_DATA ?? '/var/lib/floatlab';
const btrfsMagic = 0x9123683e;

/** Of the folder, or of the nearest one above it that exists. */
function onBtrfs(folder) {
  try {
    return statfsSync(folder).type === btrfsMagic;
  } catch {
    return folder !== dirname(folder) && onBtrfs(dirname(folder));
  }
}

/** By its ELF header: a program that needs libraries names their loader in a segment of its own. */
function isStatic(path) {
  if (path === undefined) return false;
  const head = Buffer.alloc(4096);
  const file = openSync(path, 'r');
  const length = readSync(file, head, 0, head.length, 0);
  closeSync(file);
  const littleEndian = 1;
  if (length < 64 || head.readUInt32BE(0) !== 0x7f454c46 || head[5] !== littleEndian) return false;
  const [tableAt, sizeAt, countAt] = head[4] === 2 ? [32, 54, 56] : [28, 42, 44];
  const [table, size, count] = [head.readUInt32LE(tableAt), head.readUInt16LE(sizeAt), head.readUInt16LE(countAt)];
  const loader = 3;
  return Array.from({ length: count }, (_, i) => head.readUInt32LE(table + i * size)).every((type) => type !== loader);
}
