/**
 * The built daemon and command line as a person runs them, in a data directory and on ports of their own. The engine
 * and the pool that the daemon makes are taken away at the end, however the test ended.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { realClock } from '#io/devices/clock/real.ts';
import { stopOwnEngine } from '#io/daemon/engine.ts';
import { releasePool } from '#io/daemon/pool.ts';
import { startArgs, startEnv } from '#test/start-settings.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class DaemonFixture {
  readonly dataDir: string;
  readonly url: string;
  readonly #port: number;
  readonly #args: readonly string[];
  #process: ChildProcess | undefined;
  #output = '';
  password = '';

  private constructor(dataDir: string, port: number, args: readonly string[]) {
    this.dataDir = dataDir;
    this.#port = port;
    this.#args = args;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async make(args: readonly string[] = []): Promise<DaemonFixture> {
    return new DaemonFixture(await mkdtemp(join(tmpdir(), 'floatlab-e2e-')), await freePort(), args);
  }

  /** Another daemon on the same data directory. */
  twin(): DaemonFixture {
    return new DaemonFixture(this.dataDir, this.#port, this.#args);
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }
  get output(): string {
    return this.#output;
  }

  /** Resolves when it says that it is ready; rejects with what it said when it ends instead. */
  async start(args: readonly string[] = []): Promise<void> {
    const child = spawn(
      process.execPath,
      [
        ...startArgs,
        join(root, 'bin/floatlabd.js'),
        '--data',
        this.dataDir,
        '--listen',
        `127.0.0.1:${this.#port}`,
        ...this.#args,
        ...args,
      ],
      {
        env: {
          ...process.env,
          ...startEnv,
          DOCKER_HOST: `unix://${this.dataDir}/no-engine-here.sock`,
          FLOATLAB_DATA: undefined,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.#process = child;
    this.#output = '';
    await new Promise<void>((resolve, reject) => {
      const hear = (chunk: Buffer): void => {
        this.#output += chunk.toString();
        if (this.#output.includes('FloatLab') && this.#output.includes(this.url)) resolve();
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('exit', (code) => reject(new Error(`floatlabd ended with ${code}:\n${this.#output}`)));
    });
    this.password = /^ {2}password {2}(\S+)$/m.exec(this.#output)?.[1] ?? this.password;
  }

  /** Ends it by a signal, and waits until it is gone. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = once(child, 'exit');
    child.kill(signal);
    const [code] = (await ended) as [number | null];
    return code;
  }

  /** The command line, signed in after `login`. */
  cli(...args: string[]): Promise<Ran> {
    return this.#floatlab(args);
  }

  login(): Promise<Ran> {
    return this.#floatlab(['login', this.url, '--user', 'admin', '--password-stdin'], `${this.password}\n`);
  }

  #floatlab(args: readonly string[], input = ''): Promise<Ran> {
    const { NO_COLOR: _, ...environment } = process.env;
    const env = {
      ...environment,
      XDG_CONFIG_HOME: join(this.dataDir, 'config'),
      FLOATLAB_SERVER: this.url,
      NO_COLOR: '1',
    };
    return new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [join(root, 'bin/floatlab.js'), ...args],
        { env, timeout: 120_000 },
        (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
      );
      child.stdin?.end(input);
    });
  }

  async dispose(): Promise<void> {
    await this.end('SIGKILL');
    await stopOwnEngine({ dataDir: this.dataDir, remove: true, clock: realClock });
    await releasePool({ dataDir: this.dataDir });
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

/** Asks again until the answer is as wanted. @returns the last answer */
export async function eventually<T>(
  ask: () => Promise<T>,
  isWanted: (answer: T) => boolean,
  boundMs = 30_000,
): Promise<T> {
  const until = performance.now() + boundMs;
  for (;;) {
    const answer = await ask();
    if (isWanted(answer) || performance.now() > until) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

export const fetchText = (url: string): Promise<string> =>
  fetch(url).then(
    (response) => response.text(),
    () => '',
  );
