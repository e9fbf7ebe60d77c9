/** One machine: a network namespace, a disk, and a daemon that is started, stopped and killed at will. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { startArgs, startEnv } from '#test/start-settings.ts';
import type { Disk } from './disk.ts';
import { program } from './host.ts';
import type { Network } from './network.ts';

/** As long as anything of interest; older output goes. */
const keptLetters = 400_000;

export class Machine {
  readonly number: number;
  readonly name: string;
  readonly disk: Disk;
  readonly address: string;
  readonly url: string;
  readonly #namespace: string;
  /** What it is started with, each time. */
  settings: readonly string[] = ['--witness'];
  /** The process whose mounts it sees; else those of everybody. */
  mountsOf: number | undefined;
  #environment: NodeJS.ProcessEnv = {};
  #process: ChildProcess | undefined;
  #output = '';

  constructor(network: Network, number: number, disk: Disk, name = `n${number}`) {
    this.number = number;
    this.name = name;
    this.disk = disk;
    this.address = network.addressOf(number);
    this.url = `https://${this.address}:7400`;
    this.#namespace = network.namespaceOf(number);
  }

  /** What the daemon said since it was started last. */
  get output(): string {
    return this.#output;
  }

  /** Given to every daemon that is started from now on. */
  set environment(environment: NodeJS.ProcessEnv) {
    this.#environment = environment;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  /** Seconds on a machine that has nothing else to do. @returns once it serves. @throws with what it said when it ends before, or takes too long */
  async start(args: readonly string[] = [], withinMs = 60_000): Promise<void> {
    const child = this.spawn(args);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(this.#failed(`did not serve within ${withinMs} ms`)), withinMs);
      const look = (): void => {
        if (!this.#output.includes(`${this.url}`)) return;
        clearTimeout(timer);
        resolve();
      };
      child.stdout?.on('data', look);
      child.stderr?.on('data', look);
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        reject(this.#failed(`ended with ${code ?? signal}`));
      });
    });
  }

  /** Begins to start it, and waits for nothing. */
  spawn(args: readonly string[] = []): ChildProcess {
    if (this.#process) throw new Error(`${this.name} runs already`);
    const { address } = this;
    const child = spawn(
      'nsenter',
      [
        // Not `ip netns exec`, which would give it mounts of its own: they would hold the disks of all others.
        `--net=/run/netns/${this.#namespace}`,
        ...(this.mountsOf === undefined ? [] : ['--target', `${this.mountsOf}`, '--mount', '--']),
        process.execPath,
        ...startArgs,
        program,
        ...['--data', this.disk.dataDir, ...this.settings, '--no-sample', '--name', this.name],
        ...['--listen', `${address}:7400`, '--node-listen', `${address}:7401`, '--advertise', address],
        ...args,
      ],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...startEnv, FLOATLAB_DATA: undefined, NO_COLOR: '1', ...this.#environment },
      },
    );
    this.#process = child;
    this.#output = '';
    const hear = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-keptLetters);
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', () => {
      if (this.#process === child) this.#process = undefined;
    });
    return child;
  }

  /** Ends it, and waits until it is gone. @returns its exit code, null after a signal */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process;
    if (!child) return null;
    const ended = once(child, 'exit');
    child.kill(signal);
    // One that is paused would not hear it.
    if (signal !== 'SIGKILL') child.kill('SIGCONT');
    const [code] = (await ended) as [number | null];
    return code;
  }

  /** @returns its exit code, once it has ended by itself. @throws when it does not */
  async ended(withinMs: number): Promise<number | null> {
    const child = this.#process;
    if (!child) return null;
    const [code] = (await once(child, 'exit', { signal: AbortSignal.timeout(withinMs) })) as [number | null];
    return code;
  }

  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  #failed(what: string): Error {
    return new Error(`floatlabd of ${this.name} ${what}:\n${this.#output.slice(-4000)}`);
  }
}
