/**
 * Processes of a benchmark, and calls to them: each side of what is measured runs alone, as it would on machines of its
 * own. A process ends with whoever started it.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { startArgs, startEnv } from '#test/start-settings.ts';
import type { Answer, Question } from './answer.ts';

/** A process that answers calls. */
export class Remote {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  readonly ended: Promise<void>;
  #ids = 0;
  #isToEnd = false;

  /** @param path of its program @param nodeArgs for Node, for example `--cpu-prof` */
  constructor(path: string, nodeArgs: readonly string[] = []) {
    // As the daemon is begun; the rest is in `bin/v8.js`, which comes first in these processes, too.
    const execArgv = [...startArgs, ...nodeArgs];
    this.#child = fork(path, [], { execArgv, env: { ...process.env, ...startEnv }, serialization: 'advanced' });
    this.#child.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('error' in answer) waiting?.reject(new Error(answer.error));
      else waiting?.resolve(answer.value);
    });
    this.ended = new Promise((resolve) => {
      this.#child.on('exit', (code, signal) => {
        const how = `${path}, process ${this.#child.pid}, ended with ${signal ?? code}`;
        // Others notice only that a connection broke.
        if (!this.#isToEnd) process.stderr.write(`${how}\n`);
        for (const { reject } of this.#waiting.values()) reject(new Error(how));
        this.#waiting.clear();
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  call<T>(method: string, input?: unknown): Promise<T> {
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: (value) => resolve(value as T), reject });
      this.#child.send({ id, method, input } satisfies Question);
    });
  }

  /** Lets it end by itself, which a profile needs; kills it if it does not. */
  async stop(): Promise<void> {
    this.#isToEnd = true;
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    this.#child.kill('SIGCONT');
    await this.ended;
    clearTimeout(timer);
  }

  async kill(): Promise<void> {
    this.#isToEnd = true;
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }
}
