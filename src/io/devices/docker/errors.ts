/**
 * What an engine's answer means.
 *
 * Engines answer with a status code and a sentence. The code alone is too coarse (500 is a taken port as well as a
 * full disk), so the stable part of the sentence decides first and the code after it. The sentences were captured
 * from Docker 20.10; `test/io/devices/docker/errors.test.ts` has them, and those of newer engines that differ.
 */
import { IoError, type IoErrorCode } from '../error.ts';
import { registryOf } from './reference.ts';
import type { About } from './within.ts';

/** An answer of the engine, or why there was none. */
export interface EngineFailure {
  /** Of the HTTP answer; undefined when there was none. */
  readonly status: number | undefined;
  /** `ECONNREFUSED` and the like. */
  readonly errno: string | undefined;
  readonly message: string;
}

interface Verdict {
  readonly code: IoErrorCode;
  readonly message: string;
  readonly hint?: string;
}

export function engineError(about: About, failure: EngineFailure, cause?: unknown): IoError {
  const verdict = failure.status === undefined ? noAnswer(about, failure) : answered(about, failure);
  return new IoError(verdict.code, { ...about, ...verdict, ...(cause === undefined ? {} : { cause }) });
}

/** Anything that dockerode threw, as an IoError. */
export function fromDockerode(error: unknown, about: About): IoError {
  if (error instanceof IoError) return error;
  return engineError(about, failureOf(error), error);
}

function failureOf(error: unknown): EngineFailure {
  if (!(error instanceof Error)) return { status: undefined, errno: undefined, message: String(error) };
  const { statusCode, code, json } = error as { statusCode?: unknown; code?: unknown; json?: { message?: unknown } };
  const said = typeof json?.message === 'string' ? json.message : error.message;
  return {
    status: typeof statusCode === 'number' ? statusCode : undefined,
    errno: typeof code === 'string' ? code : undefined,
    // Without a parsed answer dockerode puts one into its own sentence: `(HTTP code 404) no such container - …`
    message: said.replace(/^\(HTTP code \d+\) [^-]*- /, '').trim(),
  };
}

const gone = new Set(['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ERR_STREAM_PREMATURE_CLOSE']);

function noAnswer(about: About, { errno, message }: EngineFailure): Verdict {
  if (errno === 'EACCES' || errno === 'EPERM')
    return {
      code: 'PERMISSION',
      message: `FloatLab may not talk to the container engine: ${message}`,
      hint: 'Run floatlabd as root, or add its user to the group "docker".',
    };
  if ((errno !== undefined && gone.has(errno)) || /socket hang up|premature close|^aborted$/i.test(message))
    return {
      code: 'ENGINE_UNREACHABLE',
      message: `the container engine does not answer: ${message}`,
      hint: 'Check that it runs, for example with "docker info". FloatLab goes on by itself when it is back.',
    };
  return { code: 'FAILED', message: `${about.op} of ${about.target} failed: ${message}` };
}

function answered(about: About, failure: EngineFailure): Verdict {
  for (const rule of [...common, ...(special[about.op] ?? [])]) {
    const match = rule.says.exec(failure.message);
    if (match) return rule.means(about, match, failure.message);
  }
  return byStatus(about, failure);
}

interface Rule {
  readonly says: RegExp;
  means(about: About, match: RegExpExecArray, message: string): Verdict;
}

const common: readonly Rule[] = [
  {
    says: /port is already allocated|address already in use/,
    means(_, __, message) {
      const port = /(?:Bind for|listen \w+|bind host port(?: for)?) \S*?:(\d+)\b/.exec(message)?.[1];
      return {
        code: 'PORT_IN_USE',
        message: port ? `port ${port} of this machine is taken` : `a published port is taken: ${message}`,
        hint: port
          ? `Publish another port in the compose file, or stop what uses ${port}: "ss -lntup sport = :${port}" names it.`
          : 'Publish another port in the compose file, or stop what uses this one.',
      };
    },
  },
  {
    says: /listen \w+ (\S+):\d+: bind: cannot assign requested address|failed to bind host port.*\s(\S+):\d+.*cannot assign/,
    means: (_, match) => ({
      code: 'INVALID',
      message: `this machine has no address ${match[1] ?? match[2]} to publish a port on`,
      hint: 'Leave the address out of "ports" in the compose file, or write one that the machine has.',
    }),
  },
  {
    says: /invalid reference format/,
    means: ({ target }) => ({
      code: 'INVALID',
      message: `"${target}" is not the name of an image`,
      hint: 'Write it like "postgres:16" or "ghcr.io/owner/name:1.2": lower case, without spaces.',
    }),
  },
  {
    says: /container name "?\/?([\w.-]+)"? is already in use/,
    means: (_, match) => ({
      code: 'NAME_IN_USE',
      message: `a container named ${match[1]} exists on this machine already`,
      hint: `"docker inspect ${match[1]}" shows whose it is.`,
    }),
  },
  {
    says: /[Nn]o such image:? ?([^\s:]+(?::[^\s:]+)?)/,
    means: (_, match) => ({ code: 'IMAGE_NOT_FOUND', message: `image ${match[1]} is not on this machine` }),
  },
  {
    says: /bind source path does not exist: (.+)$/,
    means: (_, match) => ({
      code: 'MISSING',
      message: `${match[1]} does not exist on this machine and is to be mounted`,
    }),
  },
  {
    says: /no space left on device/,
    means: ({ op, target }) => ({
      code: 'NO_SPACE',
      message: `${op} of ${target} found no space left on the disk of the engine`,
      hint: 'Free some: "docker system df" shows what the engine holds, "docker image prune" removes unused images.',
    }),
  },
  {
    says: /Are you trying to mount a directory onto a file/,
    means: ({ target }, _, message) => ({
      code: 'CONTAINER_FAILED',
      message: `${target} cannot start: ${innermost(message)}`,
      hint: 'One side of a mount is a folder and the other a file: make them alike.',
    }),
  },
  {
    says: /executable file not found|no such file or directory: unknown/,
    means: ({ target }, _, message) => ({
      code: 'CONTAINER_FAILED',
      message: `${target} cannot start: ${innermost(message)}`,
      hint: 'The command of the service is not in its image: check "command" and "entrypoint" in the compose file.',
    }),
  },
  {
    says: /OCI runtime|runc create failed|failed to create (?:shim )?task|unable to find (?:user|group)/,
    means: ({ target }, _, message) => ({
      code: 'CONTAINER_FAILED',
      message: `${target} cannot start: ${innermost(message)}`,
    }),
  },
  {
    says: /is not running$|is paused, unpause/,
    means: ({ op, target }) => ({ code: 'CONTAINER_FAILED', message: `${op}: ${target} is not running` }),
  },
  {
    says: /has active endpoints/,
    means: ({ target }) => ({
      code: 'BUSY',
      message: `network ${target} is still used by containers`,
      hint: `"docker network inspect ${target}" names them. Once they are gone: "docker network rm ${target}".`,
    }),
  },
  {
    says: /non-overlapping IPv4 address pool|predefined address pools have been fully subnetted/,
    means: ({ target }) => ({
      code: 'FAILED',
      message: `the engine has no addresses left for network ${target}`,
      hint: 'Remove networks that nobody uses ("docker network prune"), or give the engine a larger "default-address-pools".',
    }),
  },
];

const pulling: readonly Rule[] = [
  {
    says: /manifest (?:for .* )?(?:not found|unknown)|pull access denied|repository .* (?:does not exist|not found)|name unknown|no matching manifest/i,
    means: ({ target }, _, message) => ({
      code: 'IMAGE_NOT_FOUND',
      message: /no matching manifest/i.test(message)
        ? `image ${target} does not exist for this kind of processor`
        : `image ${target} does not exist in its registry, or asks for a login`,
      hint: `Check its name and tag. A private image: floatlab registry login ${registryOf(target)}`,
    }),
  },
  {
    says: /unauthorized|authentication required|no basic auth credentials|incorrect username or password|access (?:forbidden|denied)|\bdenied\b|HTTP 40[13]|40[13] (?:Unauthorized|Forbidden)/i,
    means: ({ target }) => ({
      code: 'IMAGE_PULL_FAILED',
      message: `registry ${registryOf(target)} denied ${target}: it asks for a login, or the one that the lab has does not open it`,
      hint: `Give the lab the right one: floatlab registry login ${registryOf(target)}`,
    }),
  },
  {
    says: /no such host|server misbehaving|connection refused|i\/o timeout|network is unreachable|TLS handshake timeout/,
    means: ({ target }, _, message) => ({
      code: 'IMAGE_PULL_FAILED',
      message: `image ${target} could not be pulled: ${message}`,
      hint: 'The registry cannot be reached from this node: check its network and DNS.',
    }),
  },
  {
    says: /toomanyrequests|429/,
    means: ({ target }, _, message) => ({
      code: 'IMAGE_PULL_FAILED',
      message: `image ${target} could not be pulled: ${message}`,
      hint: `The registry limits how often one may pull: wait, or floatlab registry login ${registryOf(target)}`,
    }),
  },
];

const loading: readonly Rule[] = [
  {
    says: /unexpected EOF|invalid tar|archive\/tar|no such file or directory|invalid manifest|invalid character/,
    means: (_, __, message) => ({ code: 'DAMAGED', message: `the image did not come whole: ${message}` }),
  },
];

const saving: readonly Rule[] = [
  {
    says: /failed to get digest .*: no such file or directory/,
    means: ({ target }) => ({ code: 'IMAGE_NOT_FOUND', message: `image ${target} is not on this machine` }),
  },
];

/** What only one kind of request is told. */
const special: Readonly<Record<string, readonly Rule[]>> = {
  'docker pull': pulling,
  'docker load': loading,
  'docker save': saving,
};

function byStatus({ op, target }: About, { status = 0, message }: EngineFailure): Verdict {
  if (status === 400) return { code: 'INVALID', message: `the engine refuses ${op} of ${target}: ${message}` };
  if (op === 'docker pull')
    return { code: 'IMAGE_PULL_FAILED', message: `image ${target} could not be pulled: ${message}` };
  if (status === 404) return { code: 'MISSING', message: `${op} of ${target}: ${message}` };
  if (status === 409) return { code: 'BUSY', message: `${op} of ${target} must wait: ${message}` };
  return { code: 'FAILED', message: `${op} of ${target} failed: ${message}` };
}

/** The engine wraps the cause in the names of its parts; a person needs the cause. */
function innermost(message: string): string {
  return message
    .replace(/^.*unable to start container process: /s, '')
    .replace(/^.*OCI runtime create failed: /s, '')
    .replace(/: unknown$/, '');
}
