/** One fault, now. Each says what it did, for the trace; undefined when it found nothing to strike. */
import {
  configurationOf,
  isVoter,
  votersOf,
  type Change,
  type ChangeStep,
  leaveJoint,
} from '#events/raft/configuration.ts';
import { isUpToDate, noBytes, type PeerId } from '#events/raft/entry.ts';
import { entryKey } from '#io/log/raft/keys.ts';
import { segmentNamed } from '#io/log/raft/history/segment.ts';
import type { SeededRandom } from '#io/devices/random/sim.ts';
import { peerOf, type Group, type Machine } from '#io/world/consensus/group.ts';
import type { Member } from '#io/world/consensus/member.ts';
import type { ModelDisk } from '#io/world/consensus/model-disk.ts';
import { StoredDisk } from '#io/world/consensus/stored-disk.ts';
import { machineOf } from '#io/world/consensus/network.ts';
import type { FaultKind } from './swarm.ts';

/** What faults leave behind that the end of the storm has to know. */
export interface Damage {
  /** Disks that were taken out, with the incarnation that lived on them. */
  readonly attic: { readonly machine: string; readonly incarnation: number; readonly disk: ModelDisk }[];
}

export class Faults {
  readonly #group: Group;
  readonly #random: SeededRandom;
  readonly #damage: Damage = { attic: [] };

  constructor(group: Group, random: SeededRandom) {
    this.#group = group;
    this.#random = random;
  }

  strike(kind: FaultKind): string | undefined {
    return this.#strikes[kind]();
  }

  /** Everything that can be mended is: all is connected, quick and running. */
  mend(): void {
    const { network, machines } = this.#group;
    network.heal();
    Object.assign(network.weather, { loss: 0, replay: 0, delayMs: [1, 3] });
    for (const { hardware, member, name } of machines) {
      Object.assign(hardware, { diskMs: 2, applyMs: 1, stalledUntilMs: 0, failsNextWrite: false, tickMs: 50 });
      member?.resume();
      this.#group.boot(name);
    }
  }

  /** The configuration that the group has agreed on, as far as anybody alive knows. */
  configuration() {
    const newest = this.#group.members.toSorted((a, b) => b.raft.status.applied - a.raft.status.applied)[0];
    return newest?.raft.status.configuration ?? configurationOf([]);
  }

  /**
   * Whether a majority (of both halves) is there and trusts its disks; or everybody is there, and somebody's log reaches
   * as far as every disk is known to have gone, without a change of which nobody knows any more whether it is in force.
   * Where neither is so the group rightly halts, until a person decides.
   */
  canDecide(): boolean {
    const configuration = this.configuration();
    const { voters, outgoing } = configuration;
    const diskOf = (peer: PeerId): ModelDisk | undefined => {
      const machine = this.#group.machine(machineOf(peer));
      return peerOf(machine.name, machine.incarnation) === peer ? machine.disk : undefined;
    };
    const byMajority = [voters, outgoing].every(
      (half) => half.length === 0 || half.filter((peer) => diskOf(peer)?.isSuspect === false).length > half.length / 2,
    );
    const committed = Math.max(...this.#group.members.map(({ raft }) => raft.status.committed));
    return voters.length > 0 && (byMajority || canElectByAll(votersOf(configuration).map(diskOf), committed));
  }

  /** A follower that the others can do without starts again and has lost the end of its log. @returns which, if any could */
  loseOneTail(): Machine | undefined {
    const { voters, learners } = this.configuration();
    const followers = this.#group.machines.filter(
      ({ member }) =>
        member?.isAlive &&
        member.raft.status.role.name === 'follower' &&
        [...voters, ...learners].includes(member.id) &&
        !(member.disk instanceof StoredDisk),
    );
    const machine = followers.length > 0 ? this.#random.pick(followers) : undefined;
    if (!machine || !this.#canSpare(machine)) return undefined;
    this.#group.kill(machine.name);
    const isLost = machine.disk.loseTail(1 + this.#random.below(3), false);
    this.#group.boot(machine.name);
    return isLost ? machine : undefined;
  }

  readonly #strikes: { readonly [K in FaultKind]: () => string | undefined } = {
    kill: () => this.#downFor(this.#machine(), 'killed'),
    'kill-all': () => {
      for (const machine of this.#group.machines) {
        this.#downFor(machine, 'killed');
        if (machine.disk instanceof StoredDisk && !machine.isBooting) machine.disk.medium.crash('power');
      }
      return 'all machines lose power';
    },
    pause: () => {
      const { member, name } = this.#machine();
      if (!member?.isAlive || member.isPaused) return undefined;
      const ms = this.#ms(50, 3000);
      member.pause();
      this.#later(ms, () => member.resume());
      return `${name} stands still for ${ms} ms`;
    },
    'cut-one-way': () => this.#cut(1),
    'cut-both-ways': () => this.#cut(2),
    isolate: () => {
      const { name } = this.#machine();
      for (const other of this.#names()) {
        if (other === name) continue;
        this.#group.network.cut(name, other);
        this.#group.network.cut(other, name);
      }
      return this.#healLater(`${name} is alone`);
    },
    split: () => {
      const side = this.#names().filter(() => this.#random.chance(0.5));
      for (const one of side)
        for (const other of this.#names())
          if (!side.includes(other)) {
            this.#group.network.cut(one, other);
            this.#group.network.cut(other, one);
          }
      return this.#healLater(`{${side.join(' ')}} is apart from the others`);
    },
    clog: () => {
      const [from, to] = [this.#machine().name, this.#machine().name];
      this.#group.network.clog(from, to);
      return this.#healLater(`${from} to ${to} is clogged`);
    },
    loss: () => this.#weather('loss', this.#random.next() * 0.3),
    replay: () => this.#weather('replay', this.#random.next() * 0.5),
    'slow-network': () => {
      const most = this.#ms(5, 400);
      this.#group.network.weather.delayMs = [1, most];
      this.#later(this.#ms(500, 4000), () => (this.#group.network.weather.delayMs = [1, 3]));
      return `messages take up to ${most} ms`;
    },
    'slow-disk': () => {
      const { hardware, name } = this.#machine();
      hardware.diskMs = this.#ms(10, 400);
      this.#later(this.#ms(500, 4000), () => (hardware.diskMs = 3));
      return `the disk of ${name} takes ${hardware.diskMs} ms`;
    },
    'stalled-disk': () => {
      const { hardware, name } = this.#machine();
      const ms = this.#ms(500, 5000);
      hardware.stalledUntilMs = this.#group.agenda.nowMs + ms;
      return `the disk of ${name} hangs for ${ms} ms`;
    },
    'failed-write': () => {
      const machine = this.#machine();
      machine.hardware.failsNextWrite = true;
      this.#bootLater(machine);
      return `the next write of ${machine.name} fails`;
    },
    'lost-tail': () => {
      const machine = this.#machine();
      if (machine.isBooting || (!this.#canSpare(machine) && this.#random.chance(0.9))) return undefined;
      this.#group.kill(machine.name);
      this.#bootLater(machine);
      // The leader may be the only other one that has what is lost here.
      const leader = this.#leaders()[0];
      if (leader && this.#random.chance(0.3)) this.#downFor(this.#group.machine(machineOf(leader.id)), 'killed');
      const count = 1 + this.#random.below(10);
      const { disk } = machine;
      const isLost =
        disk instanceof StoredDisk ? loseEntries(disk, count) : disk.loseTail(count, this.#random.chance(0.5));
      return isLost ? `${machine.name} loses ${count} entries` : 'nothing';
    },
    'lost-tail-everywhere': () => {
      if (this.#random.chance(0.9)) return undefined;
      for (const machine of this.#group.machines) {
        this.#group.kill(machine.name);
        this.#bootLater(machine);
        const { disk } = machine;
        if (machine.isBooting || !this.#random.chance(0.7)) continue;
        const count = 1 + this.#random.below(5);
        if (disk instanceof StoredDisk) loseEntries(disk, count);
        else disk.loseTail(count, this.#random.chance(0.5));
      }
      return 'a power cut loses the tails of most disks';
    },
    wipe: () => {
      const machine = this.#machine();
      if (!this.#canSpare(machine)) return undefined;
      const { incarnation, name } = machine;
      const disk = this.#group.wipe(name);
      this.#damage.attic.push({ machine: name, incarnation, disk });
      this.#bootLater(machine);
      return `${name} gets an empty disk`;
    },
    'old-disk': () => {
      const old = this.#damage.attic.pop();
      if (!old) return undefined;
      const machine = this.#group.machine(old.machine);
      const now = { incarnation: machine.incarnation, disk: machine.disk };
      this.#group.kill(old.machine);
      Object.assign(machine, { incarnation: old.incarnation, disk: old.disk });
      this.#group.boot(old.machine);
      this.#later(this.#ms(200, 3000), () => {
        this.#group.kill(old.machine);
        Object.assign(machine, now);
        this.#group.boot(old.machine);
      });
      return `${old.machine} starts from the disk that was taken out of it`;
    },
    'odd-clock': () => {
      const { hardware, name } = this.#machine();
      hardware.tickMs = this.#ms(15, 150);
      this.#later(this.#ms(500, 5000), () => (hardware.tickMs = 50));
      return `the clock of ${name} ticks every ${hardware.tickMs} ms`;
    },
    'slow-apply': () => {
      const { hardware, name } = this.#machine();
      hardware.applyMs = this.#ms(20, 1000);
      this.#later(this.#ms(500, 3000), () => (hardware.applyMs = 2));
      return `${name} takes ${hardware.applyMs} ms to apply`;
    },
    campaign: () => this.#tell((member) => [`${member.id} campaigns`, () => member.do((raft) => raft.campaign())]),
    transfer: () => {
      const to = this.#peer();
      return this.#tellLeader(`leadership goes to ${to}`, (member) => member.do((raft) => raft.transferTo(to)));
    },
    'forget-leader': () =>
      this.#tell((member) => [`${member.id} forgets its leader`, () => member.do((raft) => raft.forgetLeader())]),
    unreachable: () => {
      const peer = this.#peer();
      return this.#tellLeader(`${peer} is unreachable`, (member) => member.do((raft) => raft.reportUnreachable(peer)));
    },
    change: () => this.#change(),
    snapshots: () => {
      const { hardware, name } = this.#machine();
      hardware.snapshotEvery = 1 + this.#random.below(40);
      hardware.keptEntries = this.#random.below(10);
      return `${name} makes a snapshot every ${hardware.snapshotEvery} entries`;
    },
    'bit-rot': () =>
      this.#damageDisk('one bit of $ is another', ({ medium }) =>
        this.#random.chance(0.5)
          ? medium.database('raft').flipBit()
          : medium.directory(this.#random.pick(['raft', 'history'])).flipBit(),
      ),
    'misdirected-write': () =>
      this.#damageDisk('a record of $ stands in the place of another', ({ medium }) =>
        medium.database('raft').misdirect(),
      ),
    'lost-record': () => this.#damageDisk('a record of $ is gone', ({ medium }) => medium.database('raft').lose()),
    'lost-file': () =>
      this.#damageDisk('a file of $ is gone', ({ medium }) =>
        this.#random.chance(0.6)
          ? medium.directory(this.#random.pick(['raft', 'history'])).lose()
          : (medium.database('raft').wipe(), true),
      ),
    // Sealed segments rot unseen, under whoever lives on them.
    'rotten-history': () => {
      const { disk, name } = this.#machine();
      if (!(disk instanceof StoredDisk)) return undefined;
      const history = disk.medium.directory('history');
      const sealed = history.image().filter(([file]) => segmentNamed(file)?.state === 'segment');
      if (sealed.length === 0) return undefined;
      const [file] = this.#random.pick(sealed);
      return history.flipBit(file) ? `one bit of ${file} of ${name} is another` : undefined;
    },
    'power-cut': () => {
      const machine = this.#machine();
      const { disk } = machine;
      if (!(disk instanceof StoredDisk) || machine.isBooting) return undefined;
      this.#group.kill(machine.name);
      disk.medium.crash('power');
      this.#bootLater(machine);
      return `${machine.name} loses power`;
    },
    'full-disk': () => this.#failStored('$ is full', (disk) => disk.medium.failNextWrite('ENOSPC')),
    'failed-sync': () => this.#failStored('$ cannot sync', (disk) => disk.medium.failNextSync()),
  };

  /** Of a machine that is down, and that the others can do without. */
  #damageDisk(what: string, damage: (disk: StoredDisk) => boolean): string | undefined {
    const machine = this.#machine();
    const { disk, name } = machine;
    if (!(disk instanceof StoredDisk) || machine.isBooting || !this.#canSpare(machine)) return undefined;
    this.#group.kill(name);
    this.#bootLater(machine);
    return damage(disk) ? what.replace('$', name) : undefined;
  }

  #failStored(what: string, fail: (disk: StoredDisk) => void): string | undefined {
    const { disk, name, isBooting } = this.#machine();
    if (!(disk instanceof StoredDisk) || isBooting) return undefined;
    fail(disk);
    return what.replace('$', name);
  }

  #change(): string | undefined {
    const change = this.#drawChange();
    return this.#tellLeader(`asks for ${JSON.stringify(change)}`, (member) =>
      member.do((raft) => void raft.proposeChange(change, noBytes)),
    );
  }

  /** Mostly sensible ones: never so many at once that those who are there could not decide any more. */
  #drawChange(): Change {
    const configuration = this.configuration();
    if (configuration.outgoing.length > 0 && this.#random.chance(0.8)) return leaveJoint;
    const gone = votersOf(configuration).find((peer) => !this.#isPresent(peer));
    if (gone && this.#random.chance(0.7)) return { steps: [{ do: 'remove', peer: gone }], transition: 'auto' };
    const steps: ChangeStep[] = [];
    for (let count = 1 + this.#random.below(3); count > 0; count--) {
      const machine = this.#machine();
      const peer = peerOf(machine.name, machine.incarnation);
      if (steps.some((step) => step.peer === peer)) continue;
      const what = this.#random.pick(['add-voter', 'add-voter', 'add-learner', 'remove'] as const);
      if (what === 'add-voter' || !isVoter(configuration, peer) || configuration.voters.length - steps.length > 2)
        steps.push({ do: what, peer });
    }
    return { steps, transition: this.#random.pick(['auto', 'implicit', 'explicit'] as const) };
  }

  /** Without it the others could still decide, in the newest configuration that anybody applied or may apply soon. */
  #canSpare(machine: Machine): boolean {
    const peer = peerOf(machine.name, machine.incarnation);
    return this.#group.members.every((member) => {
      const { configuration } = member.raft.status;
      return [configuration.voters, configuration.outgoing].every((half) => {
        if (!half.includes(peer)) return true;
        const others = half.filter((other) => other !== peer && this.#isPresent(other) && !this.#isSuspect(other));
        return others.length > half.length / 2;
      });
    });
  }

  #isPresent(peer: PeerId): boolean {
    const machine = this.#group.machine(machineOf(peer));
    return peerOf(machine.name, machine.incarnation) === peer;
  }

  #isSuspect(peer: PeerId): boolean {
    return this.#group.machine(machineOf(peer)).disk.isSuspect;
  }

  #cut(ways: 1 | 2): string {
    const [from, to] = [this.#machine().name, this.#machine().name];
    this.#group.network.cut(from, to);
    if (ways === 2) this.#group.network.cut(to, from);
    return this.#healLater(ways === 2 ? `${from} and ${to} are cut off` : `${from} cannot reach ${to}`);
  }

  #weather(what: 'loss' | 'replay', chance: number): string {
    this.#group.network.weather[what] = chance;
    this.#later(this.#ms(500, 4000), () => (this.#group.network.weather[what] = 0));
    return `${what} of ${Math.round(chance * 100)} %`;
  }

  #downFor(machine: Machine, how: string): string | undefined {
    if (!machine.member?.isAlive) return undefined;
    this.#group.kill(machine.name);
    this.#bootLater(machine);
    return `${machine.name} is ${how}`;
  }

  #bootLater({ name }: Machine): void {
    this.#later(this.#ms(20, 3000), () => this.#group.boot(name));
  }

  #healLater(what: string): string {
    const ms = this.#ms(100, 4000);
    this.#later(ms, () => this.#group.network.heal());
    return `${what} for ${ms} ms`;
  }

  #tell(what: (member: Member) => readonly [said: string, act: () => void]): string | undefined {
    const { members } = this.#group;
    if (members.length === 0) return undefined;
    const [said, act] = what(this.#random.pick(members));
    act();
    return said;
  }

  #tellLeader(said: string, act: (member: Member) => void): string | undefined {
    const leaders = this.#leaders();
    if (leaders.length === 0) return undefined;
    const leader = this.#random.pick(leaders);
    act(leader);
    return `${leader.id}: ${said}`;
  }

  #leaders(): readonly Member[] {
    return this.#group.members.filter((member) => member.raft.status.role.name === 'leader');
  }

  #later(ms: number, run: () => void): void {
    this.#group.agenda.in(ms, run);
  }

  #ms(least: number, most: number): number {
    return least + this.#random.below(most - least);
  }

  #machine(): Machine {
    return this.#random.pick(this.#group.machines);
  }

  #peer(): PeerId {
    const { name, incarnation } = this.#machine();
    return peerOf(name, incarnation);
  }

  #names(): readonly string[] {
    return this.#group.machines.map(({ name }) => name);
  }
}

/** The newest of the log. @returns whether there was one */
function loseEntries({ medium, lastIndex, snapshot }: StoredDisk, count: number): boolean {
  let isLost = false;
  for (let index = lastIndex; index > Math.max(snapshot.index, lastIndex - count); index--)
    isLost = medium.database('raft').lose(entryKey(index)) || isLost;
  return isLost;
}

/** @param committed as far as anybody knows */
function canElectByAll(disks: readonly (ModelDisk | undefined)[], committed: number): boolean {
  const present = disks.filter((disk) => disk !== undefined);
  const marks = present.flatMap(({ suspicion }) => suspicion ?? []);
  const mayLead = (disk: ModelDisk): boolean => !disk.isSuspect || !disk.hasChangeAfter(committed);
  return (
    present.length === disks.length &&
    present.some((disk) => mayLead(disk) && marks.every((mark) => isUpToDate(disk, mark)))
  );
}
