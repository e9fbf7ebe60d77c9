/**
 * A whole simulated lab: machines, disks, engines and file systems, with the real decisions, folds and agents inside.
 *
 * Given a virtual clock it runs from a seed, and the daemon can be killed and started at any moment; given the real
 * clock it serves a person (`floatlabd --simulate N`).
 */
import type { Logger } from 'pino';
import type { Clock } from '../devices/clock/port.ts';
import { SimTargets } from '../devices/backup/targets/sim.ts';
import { seededRandom, type SeededRandom } from '../devices/random/sim.ts';
import { wireLab, type NodeParts, type WiredLab } from '../daemon/wire.ts';
import { storeWatermark } from '../log/single/watermark.ts';
import { SimDisk, type Crash } from '../stores/sim.ts';
import { SimBlobs } from './blobs.ts';
import { Gate } from './gate.ts';
import { simMachine, worldRegistry, type Drift, type SimMachine } from './host.ts';
import { worldReplication } from './replication.ts';

const worldKey = new Uint8Array(32).fill(1);

type NodePorts = NodeParts['ports'];

export interface WorldOptions {
  readonly nodes: number;
  readonly seed: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly version: string;
  /** Of each write and read of the disk, on average. */
  readonly diskLatencyMs: number;
  /** How often an engine is so busy that it takes seconds to make something; default: never. */
  readonly stallChance?: number;
  /** Where backups go, when several worlds share it. */
  readonly targets?: SimTargets;
  /** Of its backups, 32 bytes; simulated labs hide nothing, so one will do. */
  readonly backupKey?: Uint8Array;
  /** Of the boot times of the machines, by their number from 0; default: none. */
  readonly drifts?: (machine: number) => Drift;
  onBroken?(error: unknown): void;
}

export class World {
  readonly machines: readonly SimMachine[];
  readonly random: SeededRandom;
  /** Where backups go: it outlives all machines. */
  /** Where images come from. */
  readonly registry = worldRegistry();
  readonly targets: SimTargets;
  readonly #options: WorldOptions;
  readonly #disks: { readonly log: SimDisk; readonly state: SimDisk; readonly watermark: SimDisk };
  readonly #blobs: SimBlobs;
  #gate = new Gate();
  #wired: WiredLab | undefined;
  #starts = 0;
  #boots = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.random = seededRandom(options.seed);
    const { clock } = options;
    this.targets = options.targets ?? new SimTargets();
    this.machines = Array.from({ length: options.nodes }, (_, n) =>
      simMachine(n, clock, this.random, options.stallChance ?? 0, options.drifts?.(n), this.registry),
    );
    const disk = (name: string, rotation = 0): SimDisk =>
      new SimDisk({ clock, random: this.random.fork(`disk/${name}`), latencyMs: options.diskLatencyMs, rotation });
    this.#disks = { log: disk('log'), state: disk('state', 0.05), watermark: disk('watermark') };
    this.#blobs = new SimBlobs({ clock, random: this.random.fork('blobs'), latencyMs: options.diskLatencyMs });
  }

  /** @throws when no daemon runs */
  get wired(): WiredLab {
    if (!this.#wired) throw new Error('no daemon runs in this world');
    return this.#wired;
  }
  get isUp(): boolean {
    return this.#wired !== undefined;
  }
  get clock(): Clock {
    return this.#options.clock;
  }
  get disks(): Readonly<Record<'log' | 'state' | 'watermark', SimDisk>> {
    return this.#disks;
  }
  get blobs(): SimBlobs {
    return this.#blobs;
  }

  async start(): Promise<WiredLab> {
    const gate = new Gate();
    this.#gate = gate;
    const { log, state, watermark } = this.#disks;
    const wired = await wireLab({
      logStore: log.open(),
      watermark: storeWatermark(watermark.open()),
      stateStore: state.open(),
      bootId: `boot-${this.#boots}`,
      blobs: gate.through(this.#blobs),
      // Timers of a killed daemon must not fire into the next one's time: they go through the gate as well.
      clock: gate.clock(this.#options.clock),
      random: this.random.fork(`daemon/${this.#starts++}`),
      log: this.#options.log,
      version: this.#options.version,
      labName: 'simulated',
      timeZone: 'UTC',
      nodes: this.machines.map((machine) => ({
        id: machine.id,
        name: machine.name,
        ports: this.#portsOf(machine, gate),
        boot: { id: `boot-${this.#boots}`, time: machine.bootTime },
        attestations: gate.through(machine.attestations),
        places: gate.through(machine.places.port),
      })),
      backups: ({ name }) =>
        gate.through(
          this.targets.targets(
            {
              clock: gate.clock(this.#options.clock),
              random: this.random.fork(`${name}/backups/${this.#starts}`),
              by: name,
              key: () => this.#options.backupKey ?? worldKey,
            },
            (store) => gate.through(store),
          ),
        ),
      onBroken: (error) => this.#options.onBroken?.(error),
    });
    if (this.#gate === gate) this.#wired = wired;
    return wired;
  }

  #portsOf({ docker, volumes, files, tree, host, marks, content, pools, name }: SimMachine, gate: Gate): NodePorts {
    const replication = worldReplication({
      clock: gate.clock(this.#options.clock),
      random: this.random.fork(`${name}/replication/${this.#starts}`),
      volumes: gate.through(volumes),
    });
    return {
      docker: gate.through(docker.port),
      volumes: gate.through(replication.guard(volumes)),
      replication: gate.through(replication),
      files: gate.through(files),
      tree: gate.through(tree),
      marks: gate.through(marks),
      content: gate.through(content),
      host: gate.through(host),
      pools: gate.through(pools),
    };
  }

  /** Kills the daemon where it stands: nothing is closed, nothing is flushed. `power` takes machines and caches along. */
  crash(kind: Crash): void {
    this.#gate.close();
    this.#wired = undefined;
    for (const disk of Object.values(this.#disks)) disk.crash(kind);
    this.#blobs.crash();
    if (kind === 'power') {
      this.#boots++;
      for (const { docker, host, volumes, pools } of this.machines) {
        for (const { name } of pools.list()) volumes.unmountAll(name);
        docker.powerCut();
        docker.engineUp();
        host.reboot();
      }
    }
  }

  /** Stops the daemon in order. */
  async stop(): Promise<void> {
    await this.#wired?.stop();
    this.#wired = undefined;
  }
}
