/** A lab of one simulated machine in virtual time, without faults: what its agent does is seen on the engine. */
import { pino } from 'pino';
import type { ActorState, LabView } from '#actors/actor.ts';
import type { CommandInputs, CommandName } from '#actors/commands.ts';
import type { Call } from '#io/devices/call.ts';
import type { ContainerInfo, ContainerSpec } from '#io/devices/docker/port.ts';
import type { SimDocker } from '#io/devices/docker/sim.ts';
import type { SimFiles } from '#io/devices/files/sim.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { World, type WorldOptions } from '#io/world/world.ts';

export class OneMachine {
  readonly clock = new VirtualClock(Date.UTC(2026, 5, 1));
  readonly world: World;
  #commands = 0;

  private constructor(seed: number, nodes: number, more: Partial<WorldOptions>) {
    const log = pino({ level: 'silent' });
    this.world = new World({ nodes, seed, clock: this.clock, log, version: 'test', diskLatencyMs: 1, ...more });
  }

  /** @param nodes more than one: what is asked of the engine is asked of the first */
  static async started(seed = 1, nodes = 1, more: Partial<WorldOptions> = {}): Promise<OneMachine> {
    const one = new OneMachine(seed, nodes, more);
    await one.start();
    return one;
  }

  async start(): Promise<void> {
    await this.await(this.world.start());
  }

  /** The daemon is killed and started again, after so long. */
  async restart(afterMs = 1000): Promise<void> {
    this.world.crash('process');
    await this.clock.run(afterMs);
    await this.start();
  }

  get docker(): SimDocker {
    const [machine] = this.world.machines;
    if (!machine) throw new Error('the world has no machine');
    return machine.docker;
  }

  get files(): SimFiles {
    const [machine] = this.world.machines;
    if (!machine) throw new Error('the world has no machine');
    return machine.files;
  }

  get lab(): LabView {
    return this.world.wired.lab.view;
  }

  app(name: string): ActorState<'app'> | undefined {
    return this.lab.byName('app', 'default', name);
  }

  instance(name: string): ActorState<'instance'> | undefined {
    const app = this.app(name);
    return app && this.lab.referrers(app.stream, 'instance')[0];
  }

  /** What was said of the lab, the newest last. */
  async told(): Promise<readonly string[]> {
    const rows = await this.await(this.world.wired.lab.activity({ limit: 1000 }));
    return rows.map(({ words }) => words).toReversed();
  }

  async must<N extends CommandName>(name: N, input: CommandInputs[N]): Promise<void> {
    const request = { id: `ask-${this.#commands++}`, name, input, by: 'user:admin' as const };
    const result = await this.await(this.world.wired.lab.run(request, new AbortController().signal));
    if ('rejected' in result) throw new Error(`${name} was refused: ${result.rejected.explain}`);
  }

  /** Lets time pass until it is so. */
  async until(what: string, condition: () => boolean, withinMs = 300_000): Promise<void> {
    if (!(await this.clock.runUntil(condition, withinMs))) throw new Error(`never: ${what}`);
  }

  async untilApp(name: string, state: string): Promise<void> {
    await this.until(`app ${name} is ${state} (it is ${this.app(name)?.state})`, () => this.app(name)?.state === state);
  }

  async untilInstance(app: string, state: string): Promise<void> {
    await this.until(`instance of ${app} is ${state}`, () => this.instance(app)?.state === state);
  }

  /** Every container of the engine, by name. */
  async containers(): Promise<ReadonlyMap<string, ContainerInfo>> {
    const all = await this.await(this.docker.port.containers({}, call()));
    return new Map(all.map((container) => [container.name, container]));
  }

  /** Everything on the engine, containers first. */
  async names(): Promise<readonly string[]> {
    return [...(await this.containers()).keys(), ...this.docker.networks().map(({ name }) => name)];
  }

  get running(): readonly string[] {
    return this.docker.running().map(({ name }) => name);
  }

  async remove(container: string): Promise<void> {
    await this.await(this.docker.port.remove(container, call()));
  }

  /** Somebody else's container. */
  async foreign(name: string, some: Partial<ContainerSpec>): Promise<void> {
    const { port } = this.docker;
    const image = 'floatlab/welcome:latest';
    const spec = {
      name,
      image,
      environment: [],
      labels: {},
      ports: [],
      mounts: [],
      networks: [{ name: 'theirs', aliases: [] }],
    };
    await this.await(port.ensureNetwork({ name: 'theirs', labels: {} }, call()));
    await this.await(port.create({ ...spec, ...some }, call()));
    await this.await(port.start(name, call()));
  }

  /** Lets virtual time pass until a promise has its answer. */
  async await<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    promise.finally(() => (isDone = true)).catch(() => {});
    await this.clock.runUntil(() => isDone, 600_000);
    return promise;
  }
}

export const call = (): Call => ({ signal: new AbortController().signal, timeoutMs: 60_000, progress: () => {} });
