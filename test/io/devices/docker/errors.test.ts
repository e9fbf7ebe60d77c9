import { describe, expect, test } from 'vitest';
import { engineError, fromDockerode } from '#io/devices/docker/errors.ts';
import type { IoErrorCode } from '#io/devices/error.ts';

/** Captured from Docker 20.10.24 on Debian 12; only addresses and ids were shortened. */
const docker20: readonly [
  op: string,
  target: string,
  status: number,
  said: string,
  code: IoErrorCode,
  message: string,
][] = [
  ['docker create', 'web', 404, 'No such image: nope:1', 'IMAGE_NOT_FOUND', 'image nope:1 is not on this machine'],
  [
    'docker create',
    'web',
    409,
    'Conflict. The container name "/web" is already in use by container "da559a3c94e3". You have to remove (or rename) that container to be able to reuse that name.',
    'NAME_IN_USE',
    'a container named web exists on this machine already',
  ],
  [
    'docker create',
    'web',
    400,
    'invalid reference format: repository name must be lowercase',
    'INVALID',
    '"web" is not the name of an image',
  ],
  [
    'docker create',
    'web',
    400,
    'invalid mount config for type "bind": bind source path does not exist: /nope/x y',
    'MISSING',
    '/nope/x y does not exist on this machine and is to be mounted',
  ],
  [
    'docker create',
    'web',
    400,
    'No command specified',
    'INVALID',
    'the engine refuses docker create of web: No command specified',
  ],
  [
    'docker create',
    'web',
    400,
    'Interval in Healthcheck cannot be less than 1ms',
    'INVALID',
    'the engine refuses docker create of web: Interval in Healthcheck cannot be less than 1ms',
  ],
  ['docker start', 'web', 404, 'network nonet not found', 'MISSING', 'docker start of web: network nonet not found'],
  ['docker start', 'zzz', 404, 'No such container: zzz', 'MISSING', 'docker start of zzz: No such container: zzz'],
  [
    'docker start',
    'web',
    500,
    'driver failed programming external connectivity on endpoint x5 (4972d701ef88): Bind for 0.0.0.0:18080 failed: port is already allocated',
    'PORT_IN_USE',
    'port 18080 of this machine is taken',
  ],
  [
    'docker start',
    'web',
    500,
    'driver failed programming external connectivity on endpoint x6 (214e1b8c1093): Error starting userland proxy: listen tcp4 0.0.0.0:18081: bind: address already in use',
    'PORT_IN_USE',
    'port 18081 of this machine is taken',
  ],
  [
    'docker start',
    'web',
    500,
    'driver failed programming external connectivity on endpoint x6b (396fb9aa928e): Error starting userland proxy: listen tcp4 10.9.9.9:18082: bind: cannot assign requested address',
    'INVALID',
    'this machine has no address 10.9.9.9 to publish a port on',
  ],
  [
    'docker start',
    'web',
    400,
    'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "nope": executable file not found in $PATH: unknown',
    'CONTAINER_FAILED',
    'web cannot start: exec: "nope": executable file not found in $PATH',
  ],
  [
    'docker start',
    'web',
    400,
    'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/etc": permission denied: unknown',
    'CONTAINER_FAILED',
    'web cannot start: exec: "/etc": permission denied',
  ],
  [
    'docker start',
    'web',
    500,
    'unable to find user nobody99: no matching entries in passwd file',
    'CONTAINER_FAILED',
    'web cannot start: unable to find user nobody99: no matching entries in passwd file',
  ],
  [
    'docker start',
    'web',
    400,
    'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: error mounting "/data" to rootfs at "/bin/busybox": mount /data:/bin/busybox (via /proc/self/fd/6), flags: 0x5000: not a directory: unknown: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type',
    'CONTAINER_FAILED',
    'web cannot start: error during container init: error mounting "/data" to rootfs at "/bin/busybox"',
  ],
  [
    'docker exec',
    'web',
    409,
    'Container 6b1634e9223e is not running',
    'CONTAINER_FAILED',
    'docker exec: web is not running',
  ],
  [
    'docker exec',
    'web',
    409,
    'Container web is paused, unpause the container before exec',
    'CONTAINER_FAILED',
    'docker exec: web is not running',
  ],
  [
    'docker network rm',
    'n1',
    403,
    'error while removing network: network n1 id 8b87754b68da has active endpoints',
    'BUSY',
    'network n1 is still used by containers',
  ],
  [
    'docker network create',
    'n1',
    500,
    'could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network',
    'FAILED',
    'the engine has no addresses left for network n1',
  ],
  [
    'docker pull',
    'nope:1',
    500,
    'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on 10.255.255.53:53: no such host',
    'IMAGE_PULL_FAILED',
    'image nope:1 could not be pulled: Get "https://registry-1.docker.io/v2/"',
  ],
  [
    'docker pull',
    'localhost:1/nope:1',
    500,
    'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
    'IMAGE_PULL_FAILED',
    'image localhost:1/nope:1 could not be pulled',
  ],
  [
    'docker pull',
    'NOPE:1',
    400,
    'invalid reference format: repository name must be lowercase',
    'INVALID',
    '"NOPE:1" is not the name of an image',
  ],
  [
    'docker pull',
    'nope:1',
    404,
    'manifest for nope:1 not found: manifest unknown: manifest unknown',
    'IMAGE_NOT_FOUND',
    'image nope:1 does not exist in its registry, or asks for a login',
  ],
  [
    'docker import',
    'a:b',
    400,
    'foo is not a valid change command',
    'INVALID',
    'the engine refuses docker import of a:b',
  ],
];

/** As they are documented or reported by others; not captured here. */
const others: typeof docker20 = [
  [
    'docker start',
    'web',
    500,
    'failed to set up container networking: driver failed programming external connectivity on endpoint web (0123): failed to bind host port for 0.0.0.0:8080:172.18.0.2:80/tcp: address already in use',
    'PORT_IN_USE',
    'port 8080 of this machine is taken',
  ],
  [
    'docker start',
    'web',
    500,
    'failed to set up container networking: driver failed programming external connectivity on endpoint web (0123): failed to bind host port 0.0.0.0:443/tcp: address already in use',
    'PORT_IN_USE',
    'port 443 of this machine is taken',
  ],
  [
    'docker start',
    'web',
    500,
    'driver failed programming external connectivity on endpoint web (0123): Error starting userland proxy: listen tcp6 [::]:8080: bind: address already in use',
    'PORT_IN_USE',
    'port 8080 of this machine is taken',
  ],
  [
    'docker pull',
    'nope',
    404,
    "pull access denied for nope, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    'IMAGE_NOT_FOUND',
    'image nope does not exist in its registry, or asks for a login',
  ],
  ...[
    'unauthorized: authentication required',
    'Head "https://ghcr.io/v2/team/app/manifests/1": denied: denied',
    'Get "https://ghcr.io/v2/": unauthorized: incorrect username or password',
    'Head "http://ghcr.io/v2/team/app/manifests/1": no basic auth credentials',
    'error parsing HTTP 403 response body: unexpected end of JSON input',
  ].map((said): (typeof docker20)[number] => [
    'docker pull',
    'ghcr.io/team/app:1',
    500,
    said,
    'IMAGE_PULL_FAILED',
    'registry ghcr.io denied',
  ]),
  [
    'docker pull',
    'nope',
    500,
    'toomanyrequests: You have reached your unauthenticated pull rate limit.',
    'IMAGE_PULL_FAILED',
    'image nope could not be pulled: toomanyrequests',
  ],
  [
    'docker pull',
    'x86:1',
    404,
    'no matching manifest for linux/arm64/v8 in the manifest list entries',
    'IMAGE_NOT_FOUND',
    'image x86:1 does not exist for this kind of processor',
  ],
  [
    'docker pull',
    'big:1',
    500,
    'failed to register layer: write /usr/lib/x: no space left on device',
    'NO_SPACE',
    'docker pull of big:1 found no space left on the disk of the engine',
  ],
  ['docker rm', 'web', 409, 'removal of container web is already in progress', 'BUSY', 'docker rm of web must wait'],
  ['docker start', 'web', 500, 'something new', 'FAILED', 'docker start of web failed: something new'],
];

describe('what an engine answers', () => {
  for (const [op, target, status, message, code, meaning] of [...docker20, ...others]) {
    test(`${code}: ${message.slice(-90)}`, () => {
      const error = engineError({ op, target }, { status, errno: undefined, message });
      expect(error.code).toBe(code);
      expect(error.message).toContain(meaning);
      expect([error.op, error.target]).toEqual([op, target]);
    });
  }

  test('a taken port comes with what to do about it', () => {
    const about = { op: 'docker start', target: 'web' };
    const message = 'Bind for 0.0.0.0:8080 failed: port is already allocated';
    expect(engineError(about, { status: 500, errno: undefined, message }).hint).toContain('sport = :8080');
  });

  test('a name that is taken says how to see by whom, and never to remove a container that may be one of ours', () => {
    const message = 'Conflict. The container name "/web" is already in use by container "da559a3c94e3".';
    const { hint } = engineError({ op: 'docker create', target: 'web' }, { status: 409, errno: undefined, message });
    expect(hint).toBe('"docker inspect web" shows whose it is.');
  });
});

describe('an engine that does not answer', () => {
  const about = { op: 'docker ps', target: 'containers' };
  const failing = (message: string, code?: string) =>
    fromDockerode(Object.assign(new Error(message), code === undefined ? {} : { code }), about);

  test('is ENGINE_UNREACHABLE, however it shows', () => {
    expect(failing('connect ECONNREFUSED /var/run/docker.sock', 'ECONNREFUSED').code).toBe('ENGINE_UNREACHABLE');
    expect(failing('connect ENOENT /var/run/docker.sock', 'ENOENT').code).toBe('ENGINE_UNREACHABLE');
    expect(failing('read ECONNRESET', 'ECONNRESET').code).toBe('ENGINE_UNREACHABLE');
    expect(failing('aborted', 'ECONNRESET').code).toBe('ENGINE_UNREACHABLE');
    expect(failing('socket hang up').code).toBe('ENGINE_UNREACHABLE');
    expect(failing('Premature close', 'ERR_STREAM_PREMATURE_CLOSE').code).toBe('ENGINE_UNREACHABLE');
  });

  test('a socket that one may not open is PERMISSION', () => {
    expect(failing('connect EACCES /var/run/docker.sock', 'EACCES').code).toBe('PERMISSION');
  });

  test('anything else is FAILED, and keeps what was thrown', () => {
    const cause = new Error('odd');
    expect(fromDockerode(cause, about)).toMatchObject({ code: 'FAILED', cause });
    expect(fromDockerode('odd', about).code).toBe('FAILED');
  });

  test('the words "connection refused" in an answer concern the registry, not the engine', () => {
    const message = 'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused';
    const thrown = Object.assign(new Error(`(HTTP code 500) server error - ${message} `), { statusCode: 500 });
    const error = fromDockerode(thrown, { op: 'docker pull', target: 'x:1' });
    expect(error.code).toBe('IMAGE_PULL_FAILED');
    expect(error.message).toBe(`image x:1 could not be pulled: ${message}`);
  });
});
