/**
 * One seed: a lab in virtual time, people who ask, faults that strike at any moment, checkers that judge after every
 * step, a quiet end in which everything must come to rest. The same seed gives the same trace, to the last byte.
 */
import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { asIndex, type LabEvent } from '#events/envelope.ts';
import type { Call } from '#io/devices/call.ts';
import type { DockerPort, NetworkInfo } from '#io/devices/docker/port.ts';
import { IoError } from '#io/devices/error.ts';
import { seededRandom, type SeededRandom } from '#io/devices/random/sim.ts';
import type { SimPoolState } from '#io/devices/volumes/sim/pools.ts';
import type { RunningLab } from '#io/lab/running.ts';
import type { Crash } from '#io/stores/sim.ts';
import type { SimMachine } from '#io/world/host.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { World } from '#io/world/world.ts';
import { Carriers } from './carriers.ts';
import { checkBundles } from './checkers/bundles.ts';
import { checkChanges } from './checkers/changes.ts';
import { checkContainers, checkNetworks, type OnMachine } from './checkers/containers.ts';
import { Contents } from './checkers/contents.ts';
import { checkReading } from './checkers/reading.ts';
import { ForeignSnapshots } from './checkers/foreign.ts';
import { checkInstances } from './checkers/instances.ts';
import { checkReplay } from './checkers/replay.ts';
import { checkRest } from './checkers/rest.ts';
import { Schedules } from './checkers/schedules.ts';
import { checkLeaks, checkVolumes } from './checkers/volumes.ts';
import { History } from './history.ts';
import { makeNatives } from './natives.ts';
import { People } from './people.ts';
import type { Action, FaultKind } from './swarm.ts';

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
  /** Each begins with the name of the checker that found it. */
  readonly wrong: readonly string[];
  /** Of everything that happened. */
  readonly trace: string;
}

type Checker =
  | 'answers'
  | 'archives'
  | 'bundles'
  | 'changes'
  | 'containers'
  | 'contents'
  | 'foreign'
  | 'history'
  | 'instances'
  | 'leaks'
  | 'reading'
  | 'replay'
  | 'rest'
  | 'schedules'
  | 'start'
  | 'volumes';

const startAt = Date.UTC(2026, 2, 29, 0, 30);
const stepMs = 1000;
/** After the faults: how long everything has to come to rest, and how often that is judged. */
const restMs = 900_000;
const restStepMs = 5000;
/** What does not rest then is looked at once more. */
const againMs = 20_000;
/** A start may itself be struck; so often in a row it may fail. */
const startTries = 5;

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
  readonly #people: People;
  readonly #carriers: Carriers;
  readonly #history = new History();
  readonly #contents: Contents;
  readonly #foreign = new ForeignSnapshots();
  readonly #schedules = new Schedules();
  /** The engines as they are, whatever a sabotage makes them say. */
  readonly #engines: readonly {
    readonly machine: string;
    readonly list: DockerPort['containers'];
    readonly networks: () => readonly NetworkInfo[];
  }[];
  #errorChance = 0;
  readonly #failing = new Set<FaultKind>();
  /** The daemon has ended itself and is to be started again. */
  #isBroken = false;
  /** All that was ever folded has been heard. */
  #isHeard = false;
  #isHealed = false;

  constructor(options: SimOptions) {
    this.#options = options;
    this.#world = new World({
      nodes: 1 + (options.seed % 3),
      seed: options.seed,
      clock: this.#clock,
      log: pino({ level: 'silent' }),
      version: 'simulated',
      diskLatencyMs: seededRandom(options.seed).fork('disk latency').pick([0.5, 2, 20]),
      stallChance: 0.05,
      onBroken: (error) => this.#break(error),
    });
    this.#random = this.#world.random.fork('scenario');
    this.#contents = new Contents(makeNatives(this.#world), this.#world);
    this.#carriers = new Carriers(this.#clock, (line) => this.#log(line));
    this.#people = new People(
      (line) => this.#log(line),
      ({ name, carry = 'whole' }, id, transfer) => {
        if (name !== 'import-volume' && name !== 'export-volume') return;
        const kind = name === 'import-volume' ? 'import' : 'export';
        const { files, lab } = this.#world.wired;
        this.#carriers.carry({ files, isUp: () => this.#isServing(lab) }, transfer, id, kind, carry);
      },
    );
    this.#armDevices();
    this.#engines = this.#world.machines.map(({ name, docker }) => ({
      machine: name,
      list: docker.port.containers,
      networks: docker.networks,
    }));
    options.sabotage?.(this.#world);
  }

  get #isWrong(): boolean {
    return this.#wrong.length > 0;
  }

  async run(): Promise<SimResult> {
    await this.#start();
    for (const action of this.#options.script) {
      await this.#pass(action.quietMs);
      if (this.#isWrong) break;
      if ('fault' in action) await this.#strike(action.fault, seededRandom(action.chance));
      else this.#ask(action);
    }
    this.#heal();
    await this.#pass(restMs, restStepMs);
    const events = await this.#finish();
    const trace = createHash('sha256')
      .update(JSON.stringify([events, this.#people.answers, this.#wrong, this.#clock.monotonicMs()]))
      .digest('hex');
    return { seed: this.#options.seed, events: events.length, wrong: this.#wrong, trace };
  }

  /** Lets time pass, and judges after every step. Without time two things happen in the same turn. */
  async #pass(ms: number, every = stepMs): Promise<void> {
    for (let leftMs = ms; leftMs > 0 && !this.#isWrong; leftMs -= every) {
      await this.#clock.run(Math.min(leftMs, every));
      if (this.#isBroken) await this.#restart(this.#random.pick(['process', 'power']));
      this.#judge();
    }
  }

  #judge(): void {
    const { isUp } = this.#world;
    this.#note('instances', checkInstances(this.#world));
    this.#note('foreign', this.#foreign.check());
    if (isUp) {
      const { view } = this.#world.wired.lab;
      this.#note('volumes', checkVolumes(this.#world, view));
      this.#note('bundles', checkBundles(this.#world.blobs.refs, view));
      this.#note('schedules', this.#schedules.check(view, this.#clock.monotonicMs()));
      this.#note('answers', this.#people.check(view.index));
      this.#note('reading', checkReading(view));
    }
    if (!this.#isHeard) return;
    this.#note('contents', this.#contents.check(this.#world, this.#history));
    this.#note(
      'archives',
      this.#carriers.check(this.#history, (guid) => this.#contents.held(guid)),
    );
    this.#contents.write(this.#world);
  }

  #note(checker: Checker, found: readonly string[]): void {
    for (const one of found) {
      this.#log(`WRONG ${checker}: ${one}`);
      this.#wrong.push(`${checker}: ${one} (at ${(this.#clock.monotonicMs() / 1000).toFixed(3)} s)`);
    }
  }

  #ask({ ask, again }: Extract<Action, { ask: unknown }>): void {
    if (!this.#world.isUp) return;
    const { lab } = this.#world.wired;
    const isUp = (): boolean => this.#isServing(lab);
    const askAgain = this.#people.ask(lab, ask, isUp);
    if (again) this.#clock.setTimeout(() => (isUp() ? askAgain(again.hangsUp) : undefined), again.afterMs);
  }

  /** Whether this daemon is alive. */
  #isServing(lab: RunningLab): boolean {
    return this.#world.isUp && this.#world.wired.lab === lab;
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
      case 'pool-errors':
        this.#failing.add(fault);
        this.#errorChance = chance.pick([0, 0.05, 0.3]);
        return undefined;
      case 'pool-trouble': {
        const { name } = chance.pick(machine.pools.list());
        this.#trouble(machine, name, chance.pick(['unavailable', 'read-only', 'full'] as const));
        this.#clock.setTimeout(() => this.#trouble(machine, name, 'online'), chance.below(40_000));
        return undefined;
      }
      case 'disk-away': {
        const disk = chance.pick([...machine.pools.disks.values()]);
        machine.pools.pullOut(disk.path);
        this.#clock.setTimeout(() => machine.pools.plugIn(disk), chance.below(60_000));
        return undefined;
      }
      case 'other-tool':
        this.#foreign.take(machine, chance);
        return undefined;
      case 'clock-jump':
        this.#clock.jump(chance.pick([-3_600_000, -5000, 5000, 3_600_000, 86_400_000]));
        return undefined;
      case 'disk-full':
        this.#world.disks[chance.pick(['log', 'log', 'state', 'watermark'] as const)].failNextWrite(
          chance.pick(['ENOSPC', 'EIO'] as const),
        );
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
    for (const { docker, volumes, pools } of this.#world.machines) {
      pools.setFault((op, target) => (this.#failing.has('pool-errors') ? fault(op, target) : undefined));
      docker.setFault((op, target) => (this.#failing.has('engine-errors') ? fault(op, target) : undefined));
      volumes.fault = (op, target) => (this.#failing.has('volume-errors') ? fault(op, target) : undefined);
    }
  }

  #trouble({ volumes }: SimMachine, pool: string, how: SimPoolState | 'full'): void {
    // It may have been forgotten meanwhile.
    if (!volumes.poolNow(pool)) return;
    volumes.setPool(pool, how === 'full' ? 'online' : how);
    volumes.occupy(pool, how === 'full' ? Number.MAX_SAFE_INTEGER : 0);
  }

  #heal(): void {
    this.#isHealed = true;
    this.#foreign.removeAll();
    this.#errorChance = 0;
    for (const machine of this.#world.machines) {
      machine.docker.engineUp();
      for (const disk of machine.pools.disks.values()) if (!machine.pools.isIn(disk.path)) machine.pools.plugIn(disk);
      for (const { name } of machine.pools.list()) this.#trouble(machine, name, 'online');
    }
  }

  /** The daemon ends itself, in this very instant. */
  #break(error: unknown): void {
    this.#log(`broken: ${String(error)}`);
    this.#isBroken = true;
    this.#world.crash('process');
  }

  async #restart(how: Crash): Promise<void> {
    this.#world.crash(how);
    // Back at once, before the last calls of the dead one have had their effect, or after they have.
    await this.#clock.run(this.#random.below(this.#random.pick([1, 100, 20_000])));
    this.#judge();
    if (!this.#isWrong) await this.#start();
  }

  async #start(): Promise<void> {
    for (let tries = 0; tries < startTries; tries++) {
      if (!this.#isHealed && this.#random.chance(0.2)) await this.#startHalfWay();
      if (await this.#startOnce()) return;
    }
    this.#note('start', [`the daemon did not come up in ${startTries} tries`]);
  }

  /** The daemon is killed again while it comes up. */
  async #startHalfWay(): Promise<void> {
    this.#begin();
    await this.#clock.run(this.#random.below(30));
    this.#log('killed while it starts');
    this.#world.crash(this.#random.pick(['process', 'power']));
  }

  /** @returns whether it came up and stayed up for the first moment */
  async #startOnce(): Promise<boolean> {
    const failure = this.#begin();
    await this.#clock.runUntil(() => this.#world.isUp || failure.length > 0 || this.#isBroken, 120_000);
    if (this.#world.isUp && (await this.#listen())) return true;
    this.#log(`start failed: ${failure[0] instanceof Error ? failure[0].stack : String(failure[0])}`);
    this.#world.crash('process');
    await this.#clock.run(1000);
    return false;
  }

  /** @returns where the reason appears when the start fails */
  #begin(): readonly unknown[] {
    const failure: unknown[] = [];
    this.#isBroken = false;
    this.#isHeard = false;
    this.#world.start().catch((error: unknown) => failure.push(error));
    return failure;
  }

  /** Hears what this daemon has folded and what it will fold. @returns false when it died meanwhile */
  async #listen(): Promise<boolean> {
    const { lab } = this.#world.wired;
    const { index } = lab;
    if (index < this.#history.length)
      this.#note('history', [`${this.#history.length} events were folded, and after the start there are ${index}`]);
    let held: LabEvent[] | undefined = [];
    lab.replica.listen(({ steps }) => {
      if (!this.#isServing(lab)) return;
      this.#schedules.hear(steps, this.#clock.monotonicMs());
      const events = steps.map(({ event }) => event);
      if (held) held.push(...events);
      else this.#note('history', this.#history.hear(events));
    });
    const missed = await this.#read(lab, this.#history.length, index);
    if (!missed || !this.#isServing(lab)) return false;
    this.#note('history', this.#history.hear([...missed, ...held]));
    held = undefined;
    this.#isHeard = true;
    this.#schedules.started(this.#clock.monotonicMs());
    this.#people.askAgain(lab, () => this.#isServing(lab));
    return true;
  }

  async #finish(): Promise<readonly LabEvent[]> {
    if (!this.#world.isUp) return [];
    const { lab } = this.#world.wired;
    if (this.#options.log)
      for (const { index, at, words } of ((await this.#await(lab.activity({ limit: 1000 }))) ?? []).toReversed())
        this.#log(`${index} ${new Date(at).toISOString()} ${words}`);
    this.#note('rest', await this.#restless(lab));
    const found = await this.#onMachines();
    this.#note('containers', [...checkContainers(lab.view, found), ...checkNetworks(lab.view, found)]);
    this.#note('leaks', checkLeaks(this.#world, lab.view));
    this.#note('changes', checkChanges(this.#world, lab.view));
    const events = (await this.#read(lab, 0, lab.index)) ?? [];
    this.#note('history', this.#history.compare(events));
    this.#note('answers', this.#people.checkAll(events));
    this.#note('replay', checkReplay(lab.replica.folded, events));
    return events;
  }

  /** What does not rest, and still does not a little later: a schedule may have fired in this very moment. */
  async #restless(lab: RunningLab): Promise<readonly string[]> {
    const first = checkRest(this.#world, lab.view);
    if (first.length === 0) return first;
    await this.#pass(againMs, restStepMs);
    const again = new Set(checkRest(this.#world, lab.view));
    return first.filter((one) => again.has(one));
  }

  /** Events in (after, upTo] from the log. */
  async #read(lab: RunningLab, after: number, upTo: number): Promise<readonly LabEvent[] | undefined> {
    try {
      return await this.#await(readEvents(lab, after, upTo));
    } catch (error) {
      this.#note('history', [`the log cannot be read: ${String(error)}`]);
      return undefined;
    }
  }

  async #onMachines(): Promise<readonly OnMachine[]> {
    const call: Call = { signal: new AbortController().signal, timeoutMs: 60_000, progress: () => {} };
    const found: OnMachine[] = [];
    for (const { machine, list, networks } of this.#engines)
      found.push({ machine, containers: (await this.#await(list({}, call))) ?? [], networks: networks() });
    return found;
  }

  /** Lets virtual time pass until a promise has its answer. @returns undefined when the daemon that owes it has died */
  async #await<T>(promise: Promise<T>): Promise<T | undefined> {
    let isDone = false;
    promise.finally(() => (isDone = true)).catch(() => {});
    await this.#clock.runUntil(() => isDone || this.#isBroken, 600_000);
    return isDone && !this.#isBroken ? promise : undefined;
  }

  #log(line: string): void {
    this.#options.log?.(`${(this.#clock.monotonicMs() / 1000).toFixed(3).padStart(9)} s  ${line}`);
  }
}

async function readEvents(lab: RunningLab, after: number, upTo: number): Promise<LabEvent[]> {
  const events: LabEvent[] = [];
  if (after >= upTo) return events;
  for await (const slice of lab.history(asIndex(after), asIndex(upTo))) events.push(...slice);
  return events;
}
