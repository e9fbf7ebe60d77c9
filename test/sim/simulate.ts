/**
 * One seed: a lab in virtual time, people who ask, faults that strike, checkers that judge after every second, a quiet
 * end in which everything must come to rest. The same seed gives the same trace, to the last byte.
 */
import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { asIndex, type LabEvent } from '#events/envelope.ts';
import { IoError } from '#io/devices/error.ts';
import { seededRandom, type SeededRandom } from '#io/devices/random/sim.ts';
import type { RunResult } from '#io/lab/port.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { World } from '#io/world/world.ts';
import { checkInstances } from './checkers/instances.ts';
import { checkReplay } from './checkers/replay.ts';
import { checkRest } from './checkers/rest.ts';
import { checkVolumes } from './checkers/volumes.ts';
import type { Action, Ask, FaultKind } from './swarm.ts';

export interface SimOptions {
  /** Of everything that the script leaves to chance: latencies, device errors, what a power cut loses. */
  readonly seed: number;
  readonly script: readonly Action[];
  readonly log?: (line: string) => void;
  /** Spoils the world on purpose, to see that the checkers notice. */
  readonly sabotage?: (world: World) => void;
}

export interface SimResult {
  readonly seed: number;
  readonly events: number;
  readonly wrong: readonly string[];
  /** Of everything that happened. */
  readonly trace: string;
}

const startAt = Date.UTC(2026, 2, 29, 0, 30);
const quietSeconds = 900;

export async function simulate(options: SimOptions): Promise<SimResult> {
  const run = new Simulation(options);
  return run.run();
}

class Simulation {
  readonly #options: SimOptions;
  readonly #clock = new VirtualClock(startAt);
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #wrong: string[] = [];
  /** Commands that were answered, with their answer. */
  readonly #acknowledged = new Map<string, number>();
  #errorChance = 0;
  readonly #failing = new Set<FaultKind>();
  #isBroken = false;
  #asked = 0;

  constructor(options: SimOptions) {
    this.#options = options;
    this.#world = new World({
      nodes: 1 + (options.seed % 3),
      seed: options.seed,
      clock: this.#clock,
      log: pino({ level: 'silent' }),
      version: 'simulated',
      diskLatencyMs: 1,
      onBroken: () => (this.#isBroken = true),
    });
    this.#random = this.#world.random.fork('scenario');
    this.#armDevices();
    options.sabotage?.(this.#world);
  }

  async run(): Promise<SimResult> {
    await this.#start();
    for (const action of this.#options.script) {
      for (let second = 0; second <= action.quietSeconds && this.#wrong.length === 0; second++) await this.#second();
      if (this.#wrong.length > 0) break;
      if ('fault' in action) await this.#strike(action.fault, seededRandom(action.chance));
      else if (this.#world.isUp) this.#ask(action.ask);
    }
    this.#heal();
    if (!this.#world.isUp) await this.#start();
    for (let second = 0; second < quietSeconds && this.#wrong.length === 0; second++) await this.#second();
    const events = await this.#finish();
    const trace = createHash('sha256')
      .update(JSON.stringify(events))
      .update(String(this.#clock.monotonicMs()))
      .digest('hex');
    return { seed: this.#options.seed, events: events.length, wrong: this.#wrong, trace };
  }

  async #second(): Promise<void> {
    await this.#clock.run(1000);
    if (this.#isBroken) await this.#restart('power');
    this.#judge('every second');
  }

  #judge(when: string): void {
    const found = [...checkInstances(this.#world)];
    if (this.#world.isUp) {
      const { view } = this.#world.wired.lab;
      found.push(...checkVolumes(this.#world, view));
      for (const [id, index] of this.#acknowledged) {
        if (index > view.index)
          found.push(`command ${id} was acknowledged at ${index}, and the lab is at ${view.index}`);
      }
    }
    this.#note(when, found);
  }

  #note(when: string, found: readonly string[]): void {
    for (const one of found) {
      this.#log(`WRONG ${when}: ${one}`);
      this.#wrong.push(`${when}: ${one}`);
    }
  }

  #ask(ask: Ask): void {
    const id = `ask-${this.#asked++}`;
    const answered = this.#world.wired.lab.run(
      { id, name: ask.name, input: ask.input, by: 'user:admin' },
      new AbortController().signal,
    );
    const note = (result: RunResult): void => {
      const said = 'rejected' in result ? `refused: ${result.rejected.code}` : `at ${result.index}`;
      this.#log(`${id} ${ask.name} ${JSON.stringify(ask.input).slice(0, 60)} ${said}`);
      if (!('rejected' in result) && !result.unchanged) this.#acknowledged.set(id, result.index);
    };
    answered.then(note, (error: unknown) => this.#log(`${id} ${ask.name} unanswered: ${String(error)}`));
  }

  async #strike(fault: FaultKind, chance: SeededRandom): Promise<void> {
    const machine = chance.pick(this.#world.machines);
    const running = machine.docker.running();
    this.#log(`fault ${fault}`);
    switch (fault) {
      case 'kill-daemon':
        return this.#restart('process');
      case 'cut-power':
        return this.#restart('power');
      case 'engine-away':
        machine.docker.engineDown();
        this.#clock.setTimeout(() => machine.docker.engineUp(), 1000 + chance.below(40_000));
        return undefined;
      case 'end-container':
        if (running.length > 0) machine.docker.crashContainer(chance.pick(running).id, chance.below(2));
        return undefined;
      case 'unhealthy':
        if (running.length > 0)
          machine.docker.setHealth(chance.pick(running).id, chance.pick(['unhealthy', 'healthy'] as const));
        return undefined;
      case 'engine-errors':
      case 'volume-errors':
        this.#failing.add(fault);
        this.#errorChance = chance.pick([0, 0.05, 0.3]);
        return undefined;
      case 'clock-jump':
        this.#clock.jump(chance.pick([-3_600_000, -5000, 5000, 3_600_000, 86_400_000]));
        return undefined;
      case 'disk-full':
        this.#world.disks.log.failNextWrite('ENOSPC');
        return undefined;
      default:
        return fault satisfies never;
    }
  }

  #armDevices(): void {
    const chance = this.#random.fork('device errors');
    const fault = (op: string, target: string): IoError | undefined =>
      this.#errorChance > 0 && chance.chance(this.#errorChance)
        ? new IoError('FAILED', { op, target, message: `${op} of ${target} failed (simulated)` })
        : undefined;
    for (const { docker, volumes } of this.#world.machines) {
      docker.setFault((op, target) => (this.#failing.has('engine-errors') ? fault(op, target) : undefined));
      volumes.fault = (op, target) => (this.#failing.has('volume-errors') ? fault(op, target) : undefined);
    }
  }

  #heal(): void {
    this.#errorChance = 0;
    for (const { docker } of this.#world.machines) docker.engineUp();
  }

  async #restart(how: 'process' | 'power'): Promise<void> {
    this.#isBroken = false;
    this.#world.crash(how);
    await this.#clock.run(this.#random.below(20_000));
    this.#judge('while the daemon is down');
    await this.#start();
  }

  /** A start may itself be struck: the lab comes up in the end, or says why it does not. */
  async #start(): Promise<void> {
    for (let tries = 0; tries < 5; tries++) {
      let failure: unknown;
      this.#world.start().catch((error: unknown) => (failure = error ?? new Error('no reason')));
      await this.#clock.runUntil(() => this.#world.isUp || failure !== undefined || this.#isBroken, 120_000);
      if (this.#world.isUp && !this.#isBroken) return;
      this.#log(`start failed: ${failure instanceof Error ? failure.stack : String(failure)}`);
      this.#isBroken = false;
      this.#world.crash('process');
      await this.#clock.run(1000);
    }
    this.#note('start', ['the daemon did not come up in five tries']);
  }

  async #finish(): Promise<readonly LabEvent[]> {
    if (!this.#world.isUp) return [];
    const { lab } = this.#world.wired;
    if (this.#options.log)
      for (const { index, at, words } of (await this.#await(lab.activity({ limit: 1000 }))).toReversed())
        this.#log(`${index} ${new Date(at).toISOString()} ${words}`);
    this.#note('at the end', checkRest(this.#world, lab.view));
    const events = await this.#await(readAll(this.#world));
    this.#note('at the end', checkReplay(lab.replica.folded, events));
    for (const [id, index] of this.#acknowledged) {
      if (events[index - 1]?.command !== id)
        this.#note('at the end', [`acknowledged command ${id} is not at ${index}`]);
    }
    return events;
  }

  /** Lets virtual time pass until a promise has its answer. */
  async #await<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    promise.finally(() => (isDone = true)).catch(() => {});
    await this.#clock.runUntil(() => isDone, 600_000);
    return promise;
  }

  #log(line: string): void {
    this.#options.log?.(`${(this.#clock.monotonicMs() / 1000).toFixed(3).padStart(9)} s  ${line}`);
  }
}

async function readAll(world: World): Promise<LabEvent[]> {
  const { lab } = world.wired;
  const events: LabEvent[] = [];
  for await (const slice of lab.history(asIndex(0), lab.index)) events.push(...slice);
  return events;
}
