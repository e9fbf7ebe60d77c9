/**
 * A simulated group: machines that can lose power, disks that outlive their processes, and a network. It only does what
 * it is told; which faults strike, what clients ask and what must hold is up to whoever drives it.
 */
import { firstSnapshot } from '#events/raft/beginning.ts';
import { configurationOf, noMembers, type Configuration } from '#events/raft/configuration.ts';
import { asPeer, type PeerId, type SnapshotMeta } from '#events/raft/entry.ts';
import type { RaftSettings } from '#events/raft/settings.ts';
import type { SeededRandom } from '../../devices/random/sim.ts';
import type { Agenda } from './agenda.ts';
import { Member, type Hardware, type Observer } from './member.ts';
import { ModelDisk, type OpenedDisk } from './model-disk.ts';
import { machineOf, Network } from './network.ts';
import { emptyRegisters } from './registers.ts';

export interface GroupOptions {
  readonly agenda: Agenda;
  readonly machines: readonly string[];
  readonly voters: number;
  readonly settings: RaftSettings;
  readonly random: SeededRandom;
  readonly observer: Observer;
  /** The model of a disk if omitted. */
  readonly newDisk?: (peer: PeerId, first: SnapshotMeta) => ModelDisk;
  /** A disk cannot be opened: somebody has to decide. */
  readonly refused?: (machine: Machine, error: unknown) => void;
}

/** A machine, whoever lives on it at the moment. */
export interface Machine {
  readonly name: string;
  readonly hardware: Hardware;
  incarnation: number;
  disk: ModelDisk;
  member: Member | undefined;
  /** Its disk is being opened. */
  isBooting: boolean;
}

export class Group {
  readonly agenda: Agenda;
  readonly network: Network;
  readonly first: Configuration;
  readonly #options: GroupOptions;
  readonly #machines = new Map<string, Machine>();

  constructor(options: GroupOptions) {
    this.#options = options;
    this.agenda = options.agenda;
    const { random, machines, voters } = options;
    this.network = new Network({
      agenda: this.agenda,
      random: random.fork('network'),
      deliver: (message, cargo) => {
        this.memberOf(message.to)?.receive(message, cargo);
        if (cargo) this.#told(message.from, message.to, true);
      },
      lost: (message) => this.#told(message.from, message.to, false),
    });
    this.first = configurationOf(machines.slice(0, voters).map((name) => peerOf(name, 1)));
    for (const [at, name] of machines.entries()) {
      const hardware = defaultHardware(random.fork(name));
      const disk = this.#newDisk(peerOf(name, 1), firstSnapshot(at < voters ? this.first : noMembers));
      this.#machines.set(name, { name, hardware, incarnation: 1, disk, member: undefined, isBooting: false });
      this.boot(name);
    }
  }

  get machines(): readonly Machine[] {
    return [...this.#machines.values()];
  }

  machine(name: string): Machine {
    const machine = this.#machines.get(name);
    if (!machine) throw new Error(`there is no machine ${name}`);
    return machine;
  }

  get members(): readonly Member[] {
    return this.machines.flatMap(({ member }) => (member?.isAlive ? [member] : []));
  }

  /** @returns undefined when the machine is down, or somebody else lives there by now */
  memberOf(peer: PeerId): Member | undefined {
    const member = this.#machines.get(machineOf(peer))?.member;
    return member?.isAlive && member.id === peer ? member : undefined;
  }

  boot(name: string): void {
    const machine = this.machine(name);
    if (machine.member?.isAlive || machine.isBooting) return;
    const { disk } = machine;
    const opening = disk.open();
    if (!(opening instanceof Promise)) return this.#start(machine, opening);
    machine.isBooting = true;
    const over = (then: () => void): void => {
      machine.isBooting = false;
      if (machine.disk === disk) then();
      // Its disk was taken out meanwhile.
      else this.boot(name);
    };
    opening.then(
      (opened) => over(() => this.#start(machine, opened)),
      (error: unknown) => over(() => this.#options.refused?.(machine, error)),
    );
  }

  #start(machine: Machine, opened: OpenedDisk): void {
    const id = peerOf(machine.name, machine.incarnation);
    const { settings, observer, random } = this.#options;
    machine.hardware.failsNextWrite = false;
    machine.member = new Member({
      id,
      settings,
      disk: machine.disk,
      opened,
      hardware: machine.hardware,
      agenda: this.agenda,
      random: random.fork(`${id} ${this.agenda.nowMs}`),
      send: (message, cargo) => this.network.send(message, cargo),
      observer,
    });
  }

  kill(name: string): void {
    this.machine(name).member?.kill();
  }

  /** A new disk, and with it a new incarnation: to the group somebody else. @returns the disk that was taken out */
  wipe(name: string): ModelDisk {
    const machine = this.machine(name);
    machine.member?.kill();
    const { disk } = machine;
    machine.incarnation++;
    machine.disk = this.#newDisk(peerOf(name, machine.incarnation), firstSnapshot(noMembers));
    return disk;
  }

  #newDisk(peer: PeerId, first: SnapshotMeta): ModelDisk {
    return this.#options.newDisk?.(peer, first) ?? new ModelDisk(first, emptyRegisters);
  }

  /** A snapshot's transfer ended; its sender hears of it a little later. */
  #told(sender: PeerId, to: PeerId, arrived: boolean): void {
    this.agenda.in(1, () => this.memberOf(sender)?.do((raft) => raft.reportSnapshot(to, arrived)));
  }
}

export const peerOf = (machine: string, incarnation: number): PeerId => asPeer(`${machine}@${incarnation}`);

const defaultHardware = (random: SeededRandom): Hardware => ({
  tickMs: 45 + random.next() * 10,
  diskMs: 1 + random.next() * 4,
  stalledUntilMs: 0,
  failsNextWrite: false,
  applyMs: random.next() * 3,
  snapshotEvery: 15 + random.below(40),
  keptEntries: random.below(20),
});
