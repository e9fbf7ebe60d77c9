/**
 * One simulated container: its life, its health, its output. Everything here happens at once; the engine around it
 * (`sim.ts`) adds the delays and faults of requests.
 */
import { type Clock, sleep } from '../../clock/port.ts';
import type { ContainerInfo, ContainerSpec, LogLine } from '../port.ts';
import { stepsOf } from './program.ts';

const defaultIntervalMs = 30_000;
const imageHealthcheck = { test: ['CMD', 'true'] };

export class SimContainer {
  readonly id: string;
  readonly spec: ContainerSpec;
  /** Of what it was made. */
  readonly imageId: string;
  /** Those that it is in, by name. */
  readonly networks: Set<string>;
  readonly lines: LogLine[] = [];
  state: ContainerInfo['state'] = 'created';
  health: ContainerInfo['health'] = 'none';
  exitCode: number | undefined;
  startedAt: number | undefined;
  oomKilled = false;
  readonly #clock: Clock;
  readonly #hasHealthcheck: boolean;
  readonly #onHealth: () => void;
  readonly #onEnd: () => void;
  /** Aborted when this run of the container ends. */
  #run = new AbortController();
  readonly #watchers = new Set<() => void>();

  constructor(options: {
    readonly id: string;
    readonly spec: ContainerSpec;
    readonly imageId: string;
    readonly clock: Clock;
    readonly imageHasHealthcheck: boolean;
    /** The health has changed. */
    readonly onHealth: (container: SimContainer) => void;
    /** The container has ended, by itself or not. */
    readonly onEnd: (container: SimContainer) => void;
  }) {
    this.id = options.id;
    this.spec = options.spec;
    this.imageId = options.imageId;
    this.networks = new Set(options.spec.networks.slice(0, 1).map(({ name }) => name));
    this.#clock = options.clock;
    this.#onHealth = () => options.onHealth(this);
    this.#onEnd = () => options.onEnd(this);
    const own = options.spec.healthcheck;
    this.#hasHealthcheck = own === undefined ? options.imageHasHealthcheck : own.test[0] !== 'NONE';
  }

  get isRunning(): boolean {
    return this.state === 'running' || this.state === 'paused';
  }

  /** Aborts when the current run ends. */
  get ending(): AbortSignal {
    return this.#run.signal;
  }

  get info(): ContainerInfo {
    return {
      id: this.id,
      name: this.spec.name,
      image: this.spec.image,
      labels: { ...this.spec.labels },
      state: this.state,
      health: this.health,
      healthcheck: this.#hasHealthcheck ? (this.spec.healthcheck ?? imageHealthcheck) : undefined,
      exitCode: this.exitCode,
      startedAt: this.startedAt,
      oomKilled: this.oomKilled,
      restartPolicy: 'no',
      networks: [...this.networks].toSorted(),
    };
  }

  /** What it runs: an entry point of its own replaces the image's command as well. */
  get command(): readonly string[] {
    return [...(this.spec.entrypoint ?? []), ...(this.spec.command ?? [])];
  }

  start(): void {
    this.#run = new AbortController();
    this.state = 'running';
    this.exitCode = undefined;
    this.oomKilled = false;
    this.startedAt = this.#clock.now();
    this.health = this.#hasHealthcheck ? 'starting' : 'none';
    void this.#runProgram(this.#run.signal);
    if (this.#hasHealthcheck) void this.#probe(this.#run.signal);
  }

  end(exitCode: number, oomKilled = false): void {
    if (!this.isRunning) return;
    this.state = 'exited';
    this.exitCode = exitCode;
    this.oomKilled = oomKilled;
    this.#run.abort();
    this.#wake();
    this.#onEnd();
  }

  setHealth(health: ContainerInfo['health']): void {
    if (this.health === health) return;
    this.health = health;
    this.#onHealth();
  }

  say(text: string, stream: LogLine['stream'] = 'stdout'): void {
    this.lines.push({ stream, at: this.#clock.now(), text });
    this.#wake();
  }

  /** Resolves with the next line, the end of the container, or the signal. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#watchers.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#watchers.add(done);
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted) done();
    });
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  async #runProgram(run: AbortSignal): Promise<void> {
    for (const step of stepsOf(this.command, 'container')) {
      if ('say' in step) this.say(step.say, step.stream);
      else if ('waitMs' in step) await sleep(this.#clock, step.waitMs, run);
      // Its input is closed: there is nothing to repeat.
      else if ('exit' in step) await sleep(this.#clock, 1, run);
      if (run.aborted) return;
      if ('exit' in step) return this.end(step.exit);
    }
  }

  async #probe(run: AbortSignal): Promise<void> {
    await sleep(this.#clock, this.spec.healthcheck?.intervalMs ?? defaultIntervalMs, run);
    // Set by hand meanwhile: that stands.
    if (!run.aborted && this.health === 'starting') this.setHealth('healthy');
  }
}
