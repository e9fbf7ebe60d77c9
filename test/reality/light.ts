/**
 * Light nodes side by side on loopback: daemons that vote and run no apps. For what is about programs and files; what is
 * about machines and networks has `machine.ts`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startArgs, startEnv } from '#test/start-settings.ts';
import { Api } from './api.ts';
import { program, until } from './host.ts';

/** Two in a row, for requests and for consensus. */
async function freePorts(): Promise<number> {
  for (;;) {
    const first = createServer().listen(0, '127.0.0.1');
    await once(first, 'listening');
    const { port } = first.address() as AddressInfo;
    const second = createServer().listen(port + 1, '127.0.0.1');
    const isFree = await once(second, 'listening').then(
      () => true,
      () => false,
    );
    for (const server of [first, ...(isFree ? [second] : [])]) {
      server.close();
      await once(server, 'close');
    }
    if (isFree) return port;
  }
}

export class LightNode {
  readonly name: string;
  readonly dataDir: string;
  readonly port: number;
  readonly nodePort: number;
  /** Of the program that it runs; another version of it may come. */
  program: string;
  /** What it is started with, each time. */
  settings: readonly string[] = ['--witness'];
  /** The process whose mounts it sees; else those of everybody. */
  mountsOf: number | undefined;
  /** For Node, before the program. */
  nodeArgs: readonly string[] = [];
  password = '';
  #process: ChildProcess | undefined;
  #output = '';
  #api: Api | undefined;

  private constructor(name: string, dataDir: string, port: number, nodePort: number, of: string) {
    this.name = name;
    this.dataDir = dataDir;
    this.port = port;
    this.nodePort = nodePort;
    this.program = of;
  }

  static async make(name: string, of = program): Promise<LightNode> {
    const dataDir = await mkdtemp(join(tmpdir(), `floatlab-${name}-`));
    return new LightNode(name, dataDir, await freePorts(), await freePorts(), of);
  }

  /** Another directory at the same addresses, as after a disk was lost. */
  async successor(): Promise<LightNode> {
    const dataDir = await mkdtemp(join(tmpdir(), `floatlab-${this.name}-`));
    return new LightNode(this.name, dataDir, this.port, this.nodePort, this.program);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get output(): string {
    return this.#output;
  }

  /** Of the process that runs, 0 while none does. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** @returns once it serves. @throws with what it said when it ends before */
  async start(args: readonly string[] = [], withinMs = 40_000): Promise<void> {
    const child = this.spawn(args);
    await until(`${this.name} serves`, withinMs, async () => {
      if (child.exitCode !== null) return child.exitCode;
      return this.#output.includes(this.url);
    });
    if (child.exitCode !== null) throw new Error(`floatlabd ended with ${child.exitCode}:\n${this.#output}`);
    this.password = /^ {2}password {2}(\S+)$/m.exec(this.#output)?.[1] ?? this.password;
  }

  /** Begins to start it, and waits for nothing. */
  spawn(args: readonly string[] = []): ChildProcess {
    const own = ['--data', this.dataDir, ...this.settings, '--no-sample', '--name', this.name];
    const listen = ['--listen', `127.0.0.1:${this.port}`, '--node-listen', `127.0.0.1:${this.nodePort}`];
    const line = [
      process.execPath,
      ...startArgs,
      ...this.nodeArgs,
      this.program,
      ...own,
      ...listen,
      '--advertise',
      '127.0.0.1',
      ...args,
    ];
    const within = this.mountsOf === undefined ? [] : ['nsenter', '--target', `${this.mountsOf}`, '--mount', '--'];
    const [file = '', ...rest] = [...within, ...line];
    const child = spawn(file, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...startEnv, FLOATLAB_DATA: undefined, NO_COLOR: '1' },
    });
    this.#process = child;
    this.#output = '';
    const hear = (chunk: Buffer): void => void (this.#output += chunk.toString());
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    return child;
  }

  /** The daemon without its usual arguments, to its end. */
  async run(...args: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
    return runProgram(this.program, args);
  }

  /** The command line, where no daemon needs to run. */
  async offline(...args: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
    return runProgram(join(dirname(this.program), 'floatlab.js'), args);
  }

  /** The command line, signed in. */
  async cli(...args: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
    const token = await this.token();
    return runProgram(join(dirname(this.program), 'floatlab.js'), args, {
      FLOATLAB_SERVER: this.url,
      FLOATLAB_TOKEN: token,
      XDG_CONFIG_HOME: this.dataDir,
    });
  }

  async token(): Promise<string> {
    const stranger = new Api({ url: this.url, ca: '', token: undefined });
    try {
      return await stranger.signIn(this.password);
    } finally {
      await stranger.close();
    }
  }

  /** @param password of the administrator, where this node has not shown it */
  async api(password = this.password): Promise<Api> {
    this.password = password;
    return (this.#api ??= new Api({ url: this.url, ca: '', token: await this.token() }));
  }

  /** Ends it, and waits until it is gone. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    await this.#api?.close();
    this.#api = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

async function runProgram(
  path: string,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(process.execPath, [path, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ...more },
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}
