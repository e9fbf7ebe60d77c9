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
 * @property {(wanted: { dataFolder?: string, poolFolder?: string, engine?: string }) => boolean | Promise<boolean>} there
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
    there: ({ poolFolder = usualFolder() }) => onBtrfs(poolFolder) || exists('/dev/loop-control'),
    otherwise:
      'Run "modprobe loop", or give the container that you are in its loop devices; or keep FLOATLAB_DATA on btrfs.',
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
    there: () => ['chromium', 'chromium-browser', 'google-chrome'].some((name) => hasPrograms(name)),
    // Ubuntu's package only fetches a snap, which needs systemd.
    packages: () => (system().id === 'ubuntu' ? [] : ['chromium']),
    otherwise: 'Install Chromium.',
  },
  ip: {
    what: 'iproute2',
    why: 'makes networks in tests',
    there: () => hasPrograms('ip'),
    packages: () => ['iproute2'],
    otherwise: 'Install iproute2.',
  },
  strace: {
    what: 'strace',
    why: 'lets real disks fail in tests',
    there: () => hasPrograms('strace'),
    packages: () => ['strace'],
    otherwise: 'Install strace.',
  },
};

/** What each command needs, in the order in which a person reads it. */
const needsOf = {
  start: ['root', 'engine', 'btrfs', 'loop', 'busybox'],
  test: ['root', 'ownEngine', 'btrfs', 'loop', 'busybox', 'chromium', 'ip', 'strace'],
};

/** @returns {Promise<Need[]>} what this machine lacks */
export async function missing(purpose, { sample = true, ...wanted } = {}) {
  const asked = needsOf[purpose].filter((name) => sample || name !== 'busybox').map((name) => needs[name]);
  const there = await Promise.all(asked.map((need) => need.there(wanted)));
  return asked.filter((_, index) => !there[index]);
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
