/** What a person may choose about a daemon: flags over environment over defaults, validated once, passed in. */
import { isIP } from 'node:net';
import { homedir, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { domainToASCII } from 'node:url';
import { parseArgs } from 'node:util';
import { checkTimeZone } from '#actors/schedule/next.ts';
import { isName, labels as labelsSchema, type Labels } from '#events/values/name.ts';
import type { LabToJoin } from '../links/join.ts';
import { parseToken, TokenError } from '../links/token.ts';
import { parseSize } from '#events/values/size.ts';
import { parsePools, type PoolSetting } from './pool-setting.ts';

export interface Listen {
  readonly host: string;
  readonly port: number;
}

export interface Settings {
  readonly dataDir: string;
  readonly listen: readonly Listen[];
  /** Where other nodes reach it: for consensus the next port is theirs, too. */
  readonly nodeListen: readonly Listen[];
  /** Addresses by which other nodes reach it, instead of those of the machine. */
  readonly advertise: readonly string[];
  /** Become a node of this lab. */
  readonly join: LabToJoin | undefined;
  /** What the machine says of itself when it joins. */
  readonly labels: Labels;
  /** Of what this node sends of the history and of files to others; undefined: as fast as it goes. */
  readonly transferBytesPerSecond: number | undefined;
  /** Decide with the others, and run no apps: needs neither engine nor pool. */
  readonly witness: boolean;
  /** Further names and addresses that people reach it by, in lower case. */
  readonly hostNames: readonly string[];
  readonly nodeName: string;
  readonly labName: string;
  readonly timeZone: string;
  /** What of it somebody has said, and not only what follows from the machine. */
  readonly said: ReadonlySet<'name' | 'lab' | 'time-zone' | 'node-listen'>;
  /** Another engine than the one that was chosen: `own`, or the path of its socket. */
  readonly engine: string | undefined;
  /** A folder on btrfs to keep volumes in. */
  /** None: the pool that every node has. */
  readonly pools: readonly PoolSetting[];
  readonly poolSizeBytes: number | undefined;
  readonly sample: boolean;
  /** Serve a simulated lab of so many machines instead of this one. */
  readonly simulate: number | undefined;
  readonly resetPassword: boolean;
  /** Go on from this node alone, and end: the majority of the voters is lost. */
  readonly recover: boolean;
  /** With `recover` and `restore`: holds the recovery key; else somebody is asked, where it is needed. */
  readonly recoveryKeyFile: string | undefined;
  /** With `recover` and `restore`: nodes whose machines are off, on the word of whoever gives the command. */
  readonly nodesOff: readonly string[];
  /** Bring a lab back from this snapshot, and end. */
  readonly restore: RestoreSettings | undefined;
  /** Fold the state of this version beside a daemon of another one, and end. */
  readonly prefold: boolean;
  /** Say what is in this snapshot of a lab, as JSON, and end. */
  readonly inspect: string | undefined;
  /** Stop everything of the lab on this machine, and end. */
  readonly stopAll: boolean;
  readonly logLevel: string;
}

export interface RestoreSettings {
  readonly file: string;
  /** A higher one than the next. */
  readonly generation: number | undefined;
}

export const usage = `floatlabd: one node of a FloatLab lab

Examples
  npm start                                  run this machine's node; the first start creates the lab
  npm start -- --simulate 3                  try FloatLab on three simulated machines; needs neither root nor Docker
  npm start -- --stop-all                    end it all: apps, engine, pool; the next start goes on from there

Options
  --data DIR          where everything is kept        (FLOATLAB_DATA, /var/lib/floatlab as root)
  --listen HOST:PORT  where people reach it, may be repeated (FLOATLAB_LISTEN, 127.0.0.1:7400);
                      TLS everywhere but on loopback
  --join TOKEN        become a node of another machine's lab, first start only: "floatlab node token" there makes
                      one (FLOATLAB_JOIN). Or HOST:PORT of one of its nodes with --fingerprint SHA256 of its authority:
                      then an administrator of the lab has to say yes
  --label KEY=VALUE   what this machine says of itself when it joins, may be repeated (FLOATLAB_LABELS, by commas): rules
                      of the lab's bouncer go by it. What the token says counts for more
  --witness           a node that decides with the others and runs no apps, first start only: it needs neither an engine
                      nor a pool, and makes two machines a safe lab
  --node-listen HOST:PORT  where other nodes reach it, may be repeated; the port after it is used as well
                                                      (FLOATLAB_NODE_LISTEN, [::]:7401)
  --advertise ADDRESS  by which other nodes reach it, may be repeated (FLOATLAB_ADVERTISE, by commas; this machine's)
  --transfer-limit SIZE  that this node sends to others in a second at most, of the history, snapshots of it and files:
                      1MiB or more                    (FLOATLAB_TRANSFER_LIMIT; as fast as it goes)
  --host-name NAME    a further name or address that people reach it by, may be repeated: in DNS, or of a
                      proxy in front of it; goes into the certificate (FLOATLAB_HOST_NAMES, by commas)
  --name NAME         name of this node, first start only (the host name)
  --lab NAME          name of the lab, first start only (lab)
  --time-zone ZONE    of the lab, first start only    (this machine's)
  --engine ENGINE     the container engine: a socket such as /var/run/docker.sock, or "own". The first start takes one
                      that answers, else starts its own; later ones stay with it, and only this takes another
                                                      (FLOATLAB_ENGINE)
  --pool [NAME=]WHERE for volumes: a folder on btrfs, zfs:tank/floatlab, or dir:FOLDER, where snapshots are copies;
                      several with names               (made in one file under --data)
  --pool-size SIZE    of that file, e.g. 20GiB; a larger one than before lets it grow
                                                      (a quarter of the free space, at most 10 GiB)
  --no-sample         do not deploy the welcome app, which the first start does
  --simulate N        serve a simulated lab of N machines, 1 to 9; nothing is kept
  --reset-password    make a new administrator password and print it
  --stop-all          stop the apps of this lab on this machine, its own engine and its pool, and end
  --recover           the majority of the lab's voters is lost for good: go on from this node alone, and end. Asks for
                      every other node whether its machine is off; --node-off NAME, repeated, says so beforehand.
                      On a node that does not vote it asks for the recovery key, too (--recovery-key-file FILE)
  --restore FILE      bring a lab back from a snapshot ("floatlab cluster snapshot save FILE") into an empty data directory,
                      and end. Asks for the recovery key (--recovery-key-file FILE), for every node whether its machine
                      is off (--node-off NAME), and takes the place of one of them (--name NAME). --generation N says
                      that the lab was recovered or restored since
  --prefold           before an upgrade, with the new version, while the old one serves: fold the history as the new one
                      does, so that its first start need not, and end
  --inspect FILE      say what is in such a snapshot, and whether it is whole, as JSON, and end
  --log-level LEVEL   fatal, error, warn, info, debug (info)
  --yes               answer yes to questions of the set-up
  --version, --help
`;

export type Parsed =
  | { readonly settings: Settings }
  | { readonly show: 'help' | 'version' }
  | { readonly wrong: string };

type Environment = Readonly<Record<string, string | undefined>>;

export function readSettings(args: readonly string[], environment: Environment, uid: number): Parsed {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      allowNegative: true,
      strict: true,
      options: {
        data: { type: 'string' },
        listen: { type: 'string', multiple: true },
        'host-name': { type: 'string', multiple: true },
        'node-listen': { type: 'string', multiple: true },
        advertise: { type: 'string', multiple: true },
        join: { type: 'string' },
        fingerprint: { type: 'string' },
        label: { type: 'string', multiple: true },
        'transfer-limit': { type: 'string' },
        witness: { type: 'boolean' },
        name: { type: 'string' },
        lab: { type: 'string' },
        'time-zone': { type: 'string' },
        engine: { type: 'string' },
        pool: { type: 'string', multiple: true },
        'pool-size': { type: 'string' },
        sample: { type: 'boolean' },
        simulate: { type: 'string' },
        'reset-password': { type: 'boolean' },
        'stop-all': { type: 'boolean' },
        recover: { type: 'boolean' },
        'node-off': { type: 'string', multiple: true },
        restore: { type: 'string' },
        'recovery-key-file': { type: 'string' },
        generation: { type: 'string' },
        inspect: { type: 'string' },
        prefold: { type: 'boolean' },
        'log-level': { type: 'string' },
        yes: { type: 'boolean' },
        version: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) };
  }
  if (values.help === true) return { show: 'help' };
  if (values.version === true) return { show: 'version' };

  const listen: Listen[] = [];
  for (const text of values.listen ?? environment['FLOATLAB_LISTEN']?.split(',') ?? ['127.0.0.1:7400']) {
    const address = parseListen(text.trim());
    if (!address) return { wrong: `--listen ${text} is not HOST:PORT, for example 127.0.0.1:7400 or [::]:7400` };
    listen.push(address);
  }
  const nodeListen: Listen[] = [];
  const saidNodeListen = values['node-listen'] ?? environment['FLOATLAB_NODE_LISTEN']?.split(',');
  for (const text of saidNodeListen ?? ['[::]:7401']) {
    const address = parseListen(text.trim());
    if (!address || address.port > 65_534) {
      return { wrong: `--node-listen ${text} is not HOST:PORT with a port below 65535, for example [::]:7401` };
    }
    nodeListen.push(address);
  }
  const advertise: string[] = [];
  for (const text of values.advertise ?? listed(environment['FLOATLAB_ADVERTISE'])) {
    const address = parseHostName(text.trim());
    if (address === undefined) {
      return { wrong: `--advertise ${text} is not an address, for example 192.168.1.10, without a port` };
    }
    advertise.push(address);
  }
  const join = parseJoin(values.join ?? environment['FLOATLAB_JOIN'], values.fingerprint);
  if (typeof join === 'string') return { wrong: join };
  const labels = parseLabels(values.label ?? listed(environment['FLOATLAB_LABELS']));
  if (typeof labels === 'string') return { wrong: labels };
  if (values.label !== undefined && !join) {
    return { wrong: '--label belongs to --join; for a node of the lab: floatlab node label vega zone=cellar' };
  }
  const transferLimit = values['transfer-limit'] ?? environment['FLOATLAB_TRANSFER_LIMIT'];
  const transferBytesPerSecond = transferLimit === undefined ? undefined : parseSize(transferLimit);
  if (transferLimit !== undefined && (transferBytesPerSecond ?? 0) < leastTransferBytes) {
    return { wrong: `--transfer-limit ${transferLimit} is not a size of 1MiB or more, for example 10MiB` };
  }
  const hostNames: string[] = [];
  for (const text of values['host-name'] ?? listed(environment['FLOATLAB_HOST_NAMES'])) {
    const name = parseHostName(text.trim());
    if (name === undefined) {
      return { wrong: `--host-name ${text} is not a name or address, for example lab.example.org, without a port` };
    }
    hostNames.push(name);
  }
  const said = new Set<'name' | 'lab' | 'time-zone' | 'node-listen'>(
    (['name', 'lab', 'time-zone'] as const).filter((name) => values[name] !== undefined),
  );
  if (saidNodeListen) said.add('node-listen');
  const labName = values.lab ?? 'lab';
  if (!isName(labName)) return { wrong: `--lab ${labName} is not a valid name: use a–z, 0–9 and "-"` };
  const nodeName = values.name ?? nameOfHost(hostname());
  if (!isName(nodeName)) return { wrong: `--name ${nodeName} is not a valid name: use a–z, 0–9 and "-"` };
  const simulate = values.simulate === undefined ? undefined : Number(values.simulate);
  if (simulate !== undefined && !(Number.isInteger(simulate) && simulate >= 1 && simulate <= 9)) {
    return { wrong: `--simulate ${values.simulate} is not a number of machines from 1 to 9` };
  }
  const useless = simulate === undefined ? undefined : ofRealLabs.find((name) => values[name] !== undefined);
  if (useless !== undefined) {
    return {
      wrong: `--${useless} has no meaning with --simulate: the simulated machines have names, disks and engines of their own, and nothing is kept`,
    };
  }
  const timeZone = values['time-zone'] ?? zoneOfMachine();
  const wrongZone = checkTimeZone(timeZone);
  if (wrongZone !== undefined) return { wrong: `--time-zone: ${wrongZone}` };
  const engine = values.engine ?? environment['FLOATLAB_ENGINE'];
  const socket = engine === undefined || engine === 'own' ? engine : parseSocket(engine);
  if (engine !== undefined && socket === undefined) {
    return { wrong: `--engine ${engine} is neither the path of a socket, such as /var/run/docker.sock, nor "own"` };
  }
  const poolSizeBytes = values['pool-size'] === undefined ? undefined : parseSize(values['pool-size']);
  if (values['pool-size'] !== undefined && poolSizeBytes === undefined) {
    return { wrong: `--pool-size ${values['pool-size']} is not a size, for example 20GiB` };
  }
  if (join && (said.has('lab') || said.has('time-zone'))) {
    return { wrong: '--lab and --time-zone are for the first node of a lab: leave them out with --join' };
  }
  const forApps = values.witness === true ? (['engine', 'pool', 'pool-size'] as const) : [];
  const idle = forApps.find((name) => values[name] !== undefined);
  if (idle !== undefined) return { wrong: `--${idle} has no meaning with --witness: a witness runs no apps` };
  const pools = parsePools(values.pool ?? []);
  if (typeof pools === 'string') return { wrong: pools };
  if (pools.length > 0 && poolSizeBytes !== undefined) {
    return { wrong: '--pool-size is of the pool that FloatLab makes in a file: leave it out with --pool' };
  }
  const restore = restoreOf(values);
  if (typeof restore === 'string') return { wrong: restore };
  const recover = values.recover ?? false;
  if (values['recovery-key-file'] !== undefined && !restore && !recover) {
    return { wrong: '--recovery-key-file belongs to --restore or --recover' };
  }
  const logLevel = values['log-level'] ?? environment['FLOATLAB_LOG_LEVEL'] ?? 'info';
  if (!['fatal', 'error', 'warn', 'info', 'debug'].includes(logLevel)) {
    return { wrong: `--log-level ${logLevel} is not one of fatal, error, warn, info, debug` };
  }
  return {
    settings: {
      dataDir: resolve(values.data ?? environment['FLOATLAB_DATA'] ?? defaultData(environment, uid)),
      listen,
      nodeListen,
      advertise: [...new Set(advertise)],
      join,
      labels,
      transferBytesPerSecond,
      witness: values.witness ?? false,
      hostNames: [...new Set(hostNames)],
      nodeName,
      labName,
      timeZone,
      said,
      engine: socket,
      pools,
      poolSizeBytes,
      sample: values.sample ?? true,
      simulate,
      resetPassword: values['reset-password'] ?? false,
      stopAll: values['stop-all'] ?? false,
      recover,
      recoveryKeyFile: values['recovery-key-file'],
      nodesOff: values['node-off'] ?? [],
      restore,
      inspect: values.inspect,
      prefold: values.prefold ?? false,
      logLevel,
    },
  };
}

/** Some machines have none with a name. */
function zoneOfMachine(): string {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return checkTimeZone(timeZone) === undefined ? timeZone : 'UTC';
}

/** What a simulated lab would ignore. */
const ofRealLabs = [
  'data',
  'name',
  'lab',
  'time-zone',
  'engine',
  'pool',
  'pool-size',
  'reset-password',
  'stop-all',
  'recover',
  'node-off',
  'restore',
  'inspect',
  'prefold',
  'join',
  'label',
  'transfer-limit',
  'witness',
  'node-listen',
  'advertise',
] as const;

/** @returns what is wrong with it, as a sentence */
function restoreOf(values: {
  readonly restore?: string | undefined;
  readonly generation?: string | undefined;
}): RestoreSettings | undefined | string {
  const { restore: file, generation } = values;
  if (file === undefined) return generation === undefined ? undefined : '--generation belongs to --restore';
  if (generation !== undefined && !/^[1-9]\d{0,8}$/.test(generation)) {
    return `--generation ${generation} is not a number from 1 on`;
  }
  return { file, generation: generation === undefined ? undefined : Number(generation) };
}

/** @returns what is wrong with it, as a sentence */
function parseJoin(text: string | undefined, fingerprint: string | undefined): LabToJoin | undefined | string {
  if (text === undefined || text === '')
    return fingerprint === undefined ? undefined : '--fingerprint belongs to --join';
  if (fingerprint !== undefined || (parseListen(text)?.host ?? '::') !== '::') {
    const caSha256 = (fingerprint ?? '').replaceAll(':', '').toLowerCase();
    if (/^[0-9a-f]{64}$/.test(caSha256) && parseListen(text)) return { addresses: [text], caSha256 };
    return '--join HOST:PORT wants --fingerprint with the SHA-256 of the lab\'s authority, which "floatlab cluster status" shows; a token from "floatlab node token" needs none';
  }
  try {
    return parseToken(text);
  } catch (error) {
    if (error instanceof TokenError) return `--join: ${error.message}. ${error.hint}`;
    throw error;
  }
}

/** Below it, what others fetch would not come within the time that they wait for it. */
const leastTransferBytes = 1024 * 1024;

/** @returns what is wrong with it, as a sentence */
function parseLabels(texts: readonly string[]): Labels | string {
  const found: Record<string, string> = {};
  for (const text of texts) {
    const [, key = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text.trim()) ?? [];
    if (!labelsSchema.safeParse({ [key]: value }).success) {
      return `--label ${text} is not KEY=VALUE, for example zone=cellar`;
    }
    found[key] = value;
  }
  return found;
}

/** As `DOCKER_HOST` has it, or as a path. */
const parseSocket = (text: string): string | undefined => /^(?:unix:\/\/)?(\/.*[^/])$/.exec(text)?.[1];

/** `host:port`, `[v6]:port`, `:port` (every address) */
export function parseListen(text: string): Listen | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (!match) return undefined;
  const port = Number(match[3]);
  if (port > 65_535) return undefined;
  const host = match[1] ?? match[2] ?? '';
  if (!/^[A-Za-z0-9.:-]*$/.test(host)) return undefined;
  return { host: host === '' ? '::' : host, port };
}

const listed = (text: string | undefined): readonly string[] =>
  (text ?? '').split(',').filter((one) => one.trim() !== '');

/** As the `Host` header and a certificate have it: ASCII, in lower case; an IPv6 address shortened and without brackets. */
export function parseHostName(text: string): string | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) === 6) return bare.includes('%') ? undefined : new URL(`http://[${bare}]`).hostname.slice(1, -1);
  if (isIP(bare) === 4) return bare;
  const name = domainToASCII(text).replace(/\.$/, '');
  const isName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/.test(name);
  // What looks like an address and is none would never match.
  return isName && !/^[\d.]+$/.test(name) ? name : undefined;
}

const defaultData = (environment: Environment, uid: number): string =>
  uid === 0
    ? '/var/lib/floatlab'
    : join(environment['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'floatlab');

/** A host name as a name of the lab: its first label, in lower case. */
function nameOfHost(host: string): string {
  const label = (host.split('.')[0] ?? '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63);
  return label === '' ? 'node' : label;
}
