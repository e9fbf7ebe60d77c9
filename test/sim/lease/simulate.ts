/**
 * One seed of a lab's leases: real cores of consensus and real leases, on machines whose clocks are as wrong as they may
 * be, that stand still, lose their processes or their power, and hear one another badly or in one direction. After every
 * step:
 *
 * - whoever the newest leader says holds no lease holds none;
 * - whoever the group has agreed to take for dead holds none, until it has agreed to take it back;
 * - who would start things knows everything that was agreed on about itself.
 *
 * Then the storm ends. Everybody must get a lease, a node that hears nothing must lose it, and get it again when it
 * hears.
 */
import { defaultLeaseSettings, waitMs, type LeaseSettings } from '#events/lease/settings.ts';
import type { Entry } from '#events/raft/entry.ts';
import { defaultSettings } from '#events/raft/settings.ts';
import { seededRandom, type SeededRandom } from '#io/devices/random/sim.ts';
import { Agenda } from '#io/world/consensus/agenda.ts';
import { Group } from '#io/world/consensus/group.ts';
import type { Member, Observer } from '#io/world/consensus/member.ts';
import { machineOf } from '#io/world/consensus/network.ts';
import { Faults } from '../raft/faults.ts';
import type { FaultKind } from '../raft/swarm.ts';
import { BootClock } from './clock.ts';
import { LeaseMachine } from './machine.ts';
import { LeaseNetwork } from './network.ts';
import { LeasePolicy } from './policy.ts';
import { unpackRuling, type Ruling } from './rulings.ts';

export interface LeaseSimOptions {
  readonly seed: number;
  /** Hears every line of the trace. */
  readonly log?: (line: string) => void;
}

export interface LeaseSimResult {
  readonly wrong: readonly string[];
  /** Grants that reached their node, nodes that were taken for dead, terms with a leader. */
  readonly grants: number;
  readonly fenced: number;
  readonly terms: number;
}

/** A tenth of the real ones, so that a storm sees many leases and elections; the unit of the clock as it is. */
const settings: LeaseSettings = {
  ...defaultLeaseSettings,
  leaseMs: 1000,
  killMs: 200,
  longestMs: 1000,
  gatherMs: 20,
};
const longLeaseMs = 3000;
const stormMs = 14_000;
const aLongTimeMs = 30_000;

export function simulateLeases({ seed, log }: LeaseSimOptions): LeaseSimResult {
  return new LeaseSimulation(seededRandom(seed), log).run();
}

const groupFaults: readonly FaultKind[] = [
  'kill',
  'kill-all',
  'pause',
  'cut-one-way',
  'cut-both-ways',
  'isolate',
  'split',
  'clog',
  'loss',
  'slow-network',
  'stalled-disk',
  'slow-disk',
  'odd-clock',
  'slow-apply',
  'campaign',
  'transfer',
  'forget-leader',
];

class LeaseSimulation {
  readonly #random: SeededRandom;
  readonly #log: ((line: string) => void) | undefined;
  readonly #agenda = new Agenda();
  readonly #group: Group;
  readonly #faults: Faults;
  readonly #network: LeaseNetwork;
  readonly #machines = new Map<string, LeaseMachine>();
  readonly #members: readonly string[];
  readonly #policy: LeasePolicy;
  /** By those who are no members: of whom they hear who leads. */
  readonly #believed = new Map<string, string>();
  readonly #wrong: string[] = [];
  /** By what was agreed on, first applied anywhere. */
  readonly #fenced = new Set<string>();
  readonly #lastFence = new Map<string, number>();
  #applied = 0;
  #newestTerm = 0;
  #isStormy = true;
  /** How long folding an entry may take. */
  #foldMs = 0;
  #counts = { grants: 0, fenced: 0, terms: 0 };

  constructor(random: SeededRandom, log: ((line: string) => void) | undefined) {
    this.#random = random;
    this.#log = log;
    const voters = random.pick([1, 3, 3, 5]);
    this.#members = Array.from({ length: voters }, (_, at) => String.fromCharCode(97 + at));
    const others = Array.from({ length: 1 + random.below(3) }, (_, at) => `n${at + 1}`);
    this.#network = new LeaseNetwork(this.#agenda, random.fork('leases'));
    this.#policy = new LeasePolicy(
      random.fork('policy'),
      [...this.#members, ...others],
      (line) => this.#say(line),
      (node) => this.#wantsStill(node),
    );
    for (const name of [...this.#members, ...others]) this.#machines.set(name, this.#newMachine(name));
    this.#group = new Group({
      agenda: this.#agenda,
      machines: this.#members,
      voters,
      settings: { ...defaultSettings, heartbeatTicks: 2, preVote: random.chance(0.8), checkQuorum: random.chance(0.5) },
      random: random.fork('group'),
      observer: this.#observer(),
    });
    for (const { hardware } of this.#group.machines) hardware.snapshotEvery = Number.POSITIVE_INFINITY;
    this.#faults = new Faults(this.#group, random.fork('faults'));
    for (const machine of this.#machines.values()) this.#tick(machine);
  }

  run(): LeaseSimResult {
    this.#storm();
    this.#mend();
    this.#policy.isCalm = true;
    this.#until(
      () => this.#leaseless().length === 0,
      aLongTimeMs,
      () => `${this.#leaseless().join(', ')} gets no lease`,
    );
    this.#oneWay();
    return { wrong: this.#wrong, ...this.#counts };
  }

  #newMachine(name: string): LeaseMachine {
    const random = this.#random.fork(name);
    const clock = new BootClock(this.#agenda, random.fork('clock'), settings);
    return new LeaseMachine(name, clock, settings, random, {
      ask: (member, request) => {
        if (!member) return;
        // Too many read at this moment.
        if (this.#random.chance(0.02)) return void this.#agenda.in(0, () => this.#living(member).failed(request));
        this.#agenda.in(0, () => member.do((raft) => raft.read(request)));
      },
      renew: (from, { leader, renewal }) => {
        if (this.#isStormy && this.#random.chance(0.03)) return from.process?.holder.unsent();
        this.#network.carry(from.name, leader, () =>
          this.#machines.get(leader)?.takeRenewal({ node: from.name, incarnation: '1' }, renewal),
        );
      },
      answer: (from, to, answer) =>
        this.#network.carry(from.name, to.node, () => {
          if (answer.type === 'grant') this.#counts.grants++;
          this.#machines.get(to.node)?.takeAnswer(from.name, answer);
        }),
    });
  }

  #observer(): Observer {
    const nothing = (): void => undefined;
    return {
      sent: nothing,
      stored: nothing,
      effect: nothing,
      installed: nothing,
      stepped: nothing,
      leadership: (member, { term, role }) => {
        const machine = this.#living(member);
        if (role === 'leader' && term > this.#newestTerm) {
          this.#newestTerm = term;
          this.#counts.terms++;
          this.#say(`${machine.name} leads in term ${term}`);
        }
        machine.leads(role === 'leader' ? term : undefined);
      },
      applied: (member, entries) => {
        for (const entry of entries) {
          const ruling = entry.type === 'data' ? unpackRuling(entry.data) : undefined;
          this.#agreed(entry.index, ruling);
          this.#fold(member, entry, ruling);
        }
      },
      read: (member, request, index) => this.#living(member).confirmed(request, index),
      readRefused: (member, request) => this.#living(member).failed(request),
      died: (member, error) => this.#complain(`${member.id} ends: ${String(error)}`),
    };
  }

  /** What leases have to know of the log they learn when it is folded: later than the member, in order. */
  #fold(member: Member, { index, term }: Entry, ruling: Ruling | undefined): void {
    const machine = this.#living(member);
    const { process } = machine;
    if (!process) return;
    process.foldedAtMs = Math.max(process.foldedAtMs, this.#agenda.nowMs + this.#foldMs * this.#random.next());
    this.#agenda.in(process.foldedAtMs - this.#agenda.nowMs, () => {
      if (machine.process !== process) return;
      const { status } = member.raft;
      const isOwn = status.role.name === 'leader' && status.term === term;
      machine.applied(index, ruling, longLeaseMs, isOwn ? term : undefined);
    });
  }

  /** The machine of a member, with the process in which it lives. */
  #living(member: Member): LeaseMachine {
    const machine = this.#machine(machineOf(member.id));
    if (machine.process?.member !== member) machine.start(member);
    return machine;
  }

  #machine(name: string): LeaseMachine {
    const machine = this.#machines.get(name);
    if (!machine) throw new Error(`there is no machine ${name}`);
    return machine;
  }

  #agreed(index: number, ruling: Ruling | undefined): void {
    if (index <= this.#applied) return;
    this.#applied = index;
    if (!ruling) return;
    this.#say(`it is agreed to ${ruling.do} ${ruling.node}`);
    if (ruling.do === 'fence') {
      this.#counts.fenced++;
      this.#fenced.add(ruling.node);
      this.#lastFence.set(ruling.node, index);
    } else if (ruling.do === 'allow') this.#fenced.delete(ruling.node);
  }

  #tick(machine: LeaseMachine): void {
    this.#agenda.in(20 + this.#random.next() * 40, () => this.#tick(machine));
    const { name } = machine;
    if (this.#members.includes(name)) {
      const { member } = this.#group.machine(name);
      if (!member?.isAlive) machine.kill();
      else machine.tick(nameOf(this.#living(member).process?.member?.raft.status.leader));
    } else {
      // It hears of some member who leads, and follows the log as well as it can.
      const { process } = machine;
      if (process && this.#random.chance(0.2)) this.#follow(machine);
      machine.tick(nameOf(this.#leaderAsHeardBy(name)));
    }
    if (this.#random.chance(0.02)) machine.want(this.#random.pick([0, longLeaseMs, longLeaseMs, 60_000]));
    this.#policy.act(machine);
  }

  /** It believes one member, for a while, even one that nobody else hears. */
  #leaderAsHeardBy(name: string): string | undefined {
    const believed = this.#group.members.find(({ id }) => machineOf(id) === this.#believed.get(name));
    if (believed && !this.#random.chance(0.02)) return believed.raft.status.leader;
    const { members } = this.#group;
    if (members.length > 0) this.#believed.set(name, machineOf(this.#random.pick(members).id));
    return believed?.raft.status.leader;
  }

  #follow(machine: LeaseMachine): void {
    const from = machine.process?.applied ?? 0;
    const upTo = this.#isStormy ? from + this.#random.below(this.#applied - from + 1) : this.#applied;
    machine.applied(upTo, undefined, longLeaseMs, undefined);
  }

  #storm(): void {
    const everyMs = this.#random.pick([150, 400, 1000]);
    const kinds = groupFaults.filter(() => this.#random.chance(0.5));
    const strikes = [...this.#strikes].filter(() => this.#random.chance(0.7));
    for (const { process, name } of [...this.#machines].map(([name, { process }]) => ({ process, name })))
      if (!process && !this.#members.includes(name)) this.#machine(name).start(undefined);
    this.#until(() => false, 1500);
    for (let left = stormMs; left > 0 && this.#wrong.length === 0;) {
      const ms = 2 * everyMs * this.#random.next();
      left -= ms;
      this.#until(() => false, ms);
      const kind = this.#random.chance(0.5) && kinds.length > 0 ? this.#random.pick(kinds) : undefined;
      const said = kind ? this.#faults.strike(kind) : strikes.length > 0 ? this.#random.pick(strikes)() : undefined;
      if (said !== undefined) this.#say(`── ${kind ?? 'lease'}: ${said}`);
    }
  }

  readonly #strikes: readonly (() => string | undefined)[] = [
    () => {
      const { name, clock } = this.#any();
      clock.drift();
      return `the clock of ${name} is wrong in another way`;
    },
    () => {
      const [from, to] = [this.#any().name, this.#any().name];
      this.#network.cut(from, to);
      if (this.#random.chance(0.3)) this.#network.cut(to, from);
      this.#later(() => this.#network.mend());
      return `${to} does not hear ${from}`;
    },
    () => {
      const { weather } = this.#network;
      weather.loss = this.#random.next() * 0.5;
      this.#later(() => this.#network.mend());
      return `every ${(1 / weather.loss).toFixed(1)}th is lost`;
    },
    () => {
      const { weather } = this.#network;
      weather.repeat = 0.5;
      weather.delayMs = [1, 10 + this.#random.below(1500)];
      this.#later(() => this.#network.mend());
      return `it takes up to ${weather.delayMs[1]} ms, or twice`;
    },
    () => {
      const machine = this.#any();
      const { process, clock, name } = machine;
      if (!process) return undefined;
      const isSuspended = this.#random.chance(0.5);
      machine.pause();
      if (isSuspended) clock.suspend();
      if (isSuspended) process.member?.pause();
      this.#later(() => {
        if (isSuspended) clock.resume();
        if (isSuspended) process.member?.resume();
        machine.resume();
      });
      return `${name} ${isSuspended ? 'is suspended' : 'does nothing about leases'}`;
    },
    () => this.#deposeUnnoticed(),
    () => {
      this.#foldMs = this.#random.pick([50, 500, 2500]);
      this.#later(() => (this.#foldMs = 0));
      return `folding takes up to ${this.#foldMs} ms`;
    },
    () => {
      const { name } = this.#any();
      if (this.#members.includes(name)) return undefined;
      const machine = this.#machine(name);
      machine.kill();
      // What the process before was told comes to the next one.
      this.#network.weather.repeat = 0.5;
      this.#later(() => this.#network.mend());
      this.#agenda.in(10 + this.#random.next() * 1500, () => {
        if (!machine.process) machine.start(undefined);
      });
      return `the process of ${name} is killed`;
    },
    () => {
      const machine = this.#any();
      const { name } = machine;
      if (this.#members.includes(name)) this.#group.kill(name);
      machine.powerOff();
      this.#agenda.in(200 + this.#random.next() * 1500, () => {
        if (this.#members.includes(name)) this.#group.boot(name);
        else if (!machine.process) machine.start(undefined);
      });
      return `${name} loses power`;
    },
  ];

  /** The worst moment to want a long lease, and to lose the leader: when the log is about to say that there are none. */
  #wantsStill(node: string): void {
    if (!this.#isStormy || !this.#random.chance(0.5)) return;
    this.#machine(node).want(longLeaseMs);
    const leader = this.#leader()?.name;
    if (leader !== undefined) this.#agenda.in(this.#random.next() * 200, () => this.#group.kill(leader));
    this.#later(() => {
      if (leader !== undefined) this.#group.boot(leader);
    });
  }

  /** The leader is heard no more, and what the others have answered reaches it when they have another one. */
  #deposeUnnoticed(): string | undefined {
    const leader = this.#leader()?.name;
    const others = this.#members.filter((name) => name !== leader);
    if (leader === undefined || others.length === 0) return undefined;
    const { network } = this.#group;
    for (const name of this.#machines.keys()) if (this.#random.chance(0.7)) this.#believed.set(name, leader);
    for (const [at, other] of others.entries()) {
      if (at % 2 === 0) network.clog(other, leader);
      else network.cut(other, leader);
      this.#agenda.in(20 + this.#random.next() * 100, () => network.cut(leader, other));
    }
    const heir = this.#random.pick(others);
    this.#agenda.in(150 + this.#random.next() * 100, () => {
      this.#group.machine(heir).member?.do((raft) => raft.campaign());
    });
    this.#agenda.in(500 + this.#random.next() * 1500, () => network.heal());
    return `${leader} is deposed, and hears it late`;
  }

  #any(): LeaseMachine {
    return this.#random.pick([...this.#machines.values()]);
  }

  #later(run: () => void): void {
    this.#agenda.in(100 + this.#random.next() * 3000, run);
  }

  #mend(): void {
    this.#say('── the storm is over');
    this.#isStormy = false;
    this.#until(() => false, 4000);
    this.#faults.mend();
    this.#network.mend();
    this.#foldMs = 0;
    for (const [name, machine] of this.#machines) {
      machine.clock.resume();
      machine.resume();
      machine.want(0);
      if (!machine.process && !this.#members.includes(name)) machine.start(undefined);
    }
  }

  #leaseless(): readonly string[] {
    return [...this.#machines].filter(([, machine]) => !machine.startsThings).map(([name]) => name);
  }

  /** What the leader sends to one node is lost for good, and nothing else. */
  #oneWay(): void {
    const leader = this.#leader();
    const deaf = [...this.#machines.values()].find((machine) => machine !== leader);
    if (!leader || !deaf || this.#wrong.length > 0) return;
    this.#say(`── ${deaf.name} does not hear ${leader.name} any more`);
    this.#network.cut(leader.name, deaf.name);
    const says = (): boolean => leader.process?.grantor.mayBeHeld(deaf.name, leader.clock.nowMs) === false;
    const mostMs = 1.2 * (settings.leaseMs + waitMs(settings, longLeaseMs) + 1000);
    const isSame = (): boolean => this.#leader() === leader;
    this.#until(
      () => says() || !isSame(),
      mostMs,
      () => `${leader.name} goes on granting what does not arrive`,
    );
    if (!isSame()) return;
    this.#network.mend();
    const isBack = (): boolean => deaf.startsThings || !isSame();
    this.#until(isBack, aLongTimeMs, () => `${deaf.name} hears again, and gets no lease`);
  }

  #leader(): LeaseMachine | undefined {
    const leading = [...this.#machines.values()].filter(
      ({ process }) => process?.member?.isAlive && process.grantor.term === this.#newestTerm,
    );
    return leading[0];
  }

  #until(condition: () => boolean, ms: number, otherwise?: () => string): void {
    const untilMs = this.#agenda.nowMs + ms;
    while (this.#wrong.length === 0) {
      if (condition()) return;
      if (!this.#agenda.step(untilMs)) break;
      this.#check();
    }
    if (otherwise && this.#wrong.length === 0 && !condition()) this.#complain(`${otherwise()} for ${ms} ms`);
  }

  #check(): void {
    const leader = this.#leader();
    for (const machine of this.#machines.values()) {
      const { name, mayRun } = machine;
      if (mayRun && this.#fenced.has(name)) this.#complain(`${name} was fenced, and may still run things`);
      if (mayRun && leader && leader.process?.grantor.mayBeHeld(name, leader.clock.nowMs) === false)
        this.#complain(`${leader.name} says that ${name} holds no lease, and it may still run things`);
      const fence = this.#lastFence.get(name);
      if (fence !== undefined && (machine.process?.applied ?? 0) < fence && machine.startsThings)
        this.#complain(`${name} would start things, and does not know that it was fenced`);
    }
  }

  #complain(what: string): void {
    this.#say(`WRONG ${what}`);
    if (this.#wrong.length < 5) this.#wrong.push(what);
  }

  #say(line: string): void {
    this.#log?.(`${this.#agenda.nowMs.toFixed(1).padStart(9)} ${line}`);
  }
}

const nameOf = (peer: string | undefined): string | undefined =>
  peer === undefined ? undefined : peer.slice(0, peer.indexOf('@'));
