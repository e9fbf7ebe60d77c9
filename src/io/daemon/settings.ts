/** What a person may choose about a daemon: flags over environment over defaults, validated once, passed in. */
import { isIP } from 'node:net';
import { homedir, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { domainToASCII } from 'node:url';
import { parseArgs } from 'node:util';
import { checkTimeZone } from '#actors/schedule/next.ts';
import { isName } from '#events/values/name.ts';
import { parseSize } from '#events/values/size.ts';

export interface Listen {
  readonly host: string;
  readonly port: number;
}

export interface Settings {
  readonly dataDir: string;
  readonly listen: readonly Listen[];
  /** Further names and addresses that people reach it by, in lower case. */
  readonly hostNames: readonly string[];
  readonly nodeName: string;
  readonly labName: string;
  readonly timeZone: string;
  /** What of it somebody has said, and not only what follows from the machine. */
  readonly said: ReadonlySet<'name' | 'lab' | 'time-zone'>;
  /** Another engine than the one that was chosen: `own`, or the path of its socket. */
  readonly engine: string | undefined;
  /** A folder on btrfs to keep volumes in. */
  readonly pool: string | undefined;
  readonly poolSizeBytes: number | undefined;
  readonly sample: boolean;
  /** Serve a simulated lab of so many machines instead of this one. */
  readonly simulate: number | undefined;
  readonly resetPassword: boolean;
  /** Stop everything of the lab on this machine, and end. */
  readonly stopAll: boolean;
  readonly logLevel: string;
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
  --host-name NAME    a further name or address that people reach it by, may be repeated: in DNS, or of a
                      proxy in front of it; goes into the certificate (FLOATLAB_HOST_NAMES, by commas)
  --name NAME         name of this node, first start only (the host name)
  --lab NAME          name of the lab, first start only (lab)
  --time-zone ZONE    of the lab, first start only    (this machine's)
  --engine ENGINE     the container engine: a socket such as /var/run/docker.sock, or "own". The first start takes one
                      that answers, else starts its own; later ones stay with it, and only this takes another
                                                      (FLOATLAB_ENGINE)
  --pool DIR          a folder on btrfs for volumes   (made in one file under --data)
  --pool-size SIZE    of that file, e.g. 20GiB; a larger one than before lets it grow
                                                      (a quarter of the free space, at most 10 GiB)
  --no-sample         do not deploy the welcome app, which the first start does
  --simulate N        serve a simulated lab of N machines, 1 to 9; nothing is kept
  --reset-password    make a new administrator password and print it
  --stop-all          stop the apps of this lab on this machine, its own engine and its pool, and end
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
        name: { type: 'string' },
        lab: { type: 'string' },
        'time-zone': { type: 'string' },
        engine: { type: 'string' },
        pool: { type: 'string' },
        'pool-size': { type: 'string' },
        sample: { type: 'boolean' },
        simulate: { type: 'string' },
        'reset-password': { type: 'boolean' },
        'stop-all': { type: 'boolean' },
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
  const hostNames: string[] = [];
  for (const text of values['host-name'] ?? listed(environment['FLOATLAB_HOST_NAMES'])) {
    const name = parseHostName(text.trim());
    if (name === undefined) {
      return { wrong: `--host-name ${text} is not a name or address, for example lab.example.org, without a port` };
    }
    hostNames.push(name);
  }
  const said = new Set((['name', 'lab', 'time-zone'] as const).filter((name) => values[name] !== undefined));
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
  if (values.pool !== undefined && poolSizeBytes !== undefined) {
    return { wrong: '--pool-size is of the pool that FloatLab makes in a file: leave it out with --pool' };
  }
  const logLevel = values['log-level'] ?? environment['FLOATLAB_LOG_LEVEL'] ?? 'info';
  if (!['fatal', 'error', 'warn', 'info', 'debug'].includes(logLevel)) {
    return { wrong: `--log-level ${logLevel} is not one of fatal, error, warn, info, debug` };
  }
  return {
    settings: {
      dataDir: resolve(values.data ?? environment['FLOATLAB_DATA'] ?? defaultData(environment, uid)),
      listen,
      hostNames: [...new Set(hostNames)],
      nodeName,
      labName,
      timeZone,
      said,
      engine: socket,
      pool: values.pool === undefined ? undefined : resolve(values.pool),
      poolSizeBytes,
      sample: values.sample ?? true,
      simulate,
      resetPassword: values['reset-password'] ?? false,
      stopAll: values['stop-all'] ?? false,
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
] as const;

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
