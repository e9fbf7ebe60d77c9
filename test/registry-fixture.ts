/** A real registry of images on the loopback address, where engines speak plain HTTP, in a folder of its own. */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Docker from 'dockerode';
import { freePort } from '#test/io/devices/docker/free-port.ts';

export interface RealRegistry {
  /** `127.0.0.1:4711` */
  readonly address: string;
  stop(): Promise<void>;
}

/** Who may come in where a login is asked for. The hash is bcrypt's of the password. */
export const login = { username: 'ada', password: 'secret' };
const htpasswd = 'ada:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n';

const program = '/usr/bin/docker-registry';

/** For `describeReal`. */
export function missingRegistry(): string | undefined {
  try {
    accessSync(program, constants.X_OK);
    return undefined;
  } catch {
    return 'docker-registry';
  }
}

export async function startRealRegistry({ asksForLogin = false } = {}): Promise<RealRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'floatlab-registry-test-'));
  const address = `127.0.0.1:${await freePort()}`;
  const auth = asksForLogin ? `auth:\n  htpasswd: { realm: test, path: ${folder}/htpasswd }\n` : '';
  await writeFile(`${folder}/htpasswd`, htpasswd);
  await writeFile(
    `${folder}/config.yml`,
    `version: 0.1\nlog: { level: error }\nstorage: { filesystem: { rootdirectory: ${folder}/data } }\n${auth}http: { addr: "${address}" }\n`,
  );
  const child = spawn(program, ['serve', `${folder}/config.yml`], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (let n = 0; n < 100; n++) {
    if (await fetch(`http://${address}/v2/`).then(Boolean, () => false)) break;
    await delay(50);
  }
  return {
    address,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Gives an image that an engine has to its registry. */
export async function push(socketPath: string, reference: string): Promise<void> {
  const docker = new Docker({ socketPath });
  const stream = await docker.getImage(reference).push({ authconfig: { ...login, serveraddress: '' } });
  await new Promise<void>((resolve, reject) =>
    docker.modem.followProgress(stream, (error, messages: readonly { error?: string }[]) => {
      const failed = error ?? messages.find((message) => message.error !== undefined)?.error;
      if (failed) reject(new Error(String(failed)));
      else resolve();
    }),
  );
}
