/**
 * A simulated machine as far as leases are concerned: its clock, the process that renews (and grants, where a member of
 * the group lives), and what outlives the process: the guard, which lets things run until the lease is over.
 */
import { LeaseGrantor, type GrantorEffect, type Renewer } from '#events/lease/grantor.ts';
import { LeaseHolder, type Outgoing } from '#events/lease/holder.ts';
import type { Answer, Renewal } from '#events/lease/message.ts';
import type { LeaseSettings } from '#events/lease/settings.ts';
import type { SeededRandom } from '#io/devices/random/sim.ts';
import type { Member } from '#io/world/consensus/member.ts';
import type { BootClock } from './clock.ts';
import type { Ruling } from './rulings.ts';

export interface Wires {
  ask(member: Member | undefined, request: string): void;
  renew(from: LeaseMachine, outgoing: Outgoing): void;
  answer(from: LeaseMachine, to: Renewer, answer: Answer): void;
}

/** One life of the process. */
export interface Process {
  readonly holder: LeaseHolder;
  readonly grantor: LeaseGrantor;
  /** What it knows of the log: who is fenced, who may have longer leases, as of which entry. */
  readonly fenced: Set<string>;
  readonly longer: Set<string>;
  applied: number;
  /** When the newest entry on its way will be known. */
  foldedAtMs: number;
  /** In which it has begun to grant. */
  openTerm: number | undefined;
  /** Of the group's member that lives in it, if any. */
  readonly member: Member | undefined;
}

export class LeaseMachine {
  readonly name: string;
  readonly clock: BootClock;
  readonly settings: LeaseSettings;
  readonly #random: SeededRandom;
  readonly #wires: Wires;
  /** Lets things run until then, whatever becomes of the process. */
  #guardUntilMs = Number.NEGATIVE_INFINITY;
  #process: Process | undefined;
  #isPaused = false;
  #missed: (() => void)[] = [];

  constructor(name: string, clock: BootClock, settings: LeaseSettings, random: SeededRandom, wires: Wires) {
    this.name = name;
    this.clock = clock;
    this.settings = settings;
    this.#random = random;
    this.#wires = wires;
  }

  get process(): Process | undefined {
    return this.#process;
  }

  /** Whether something may be running here that needs the lease: until the guard has killed it. */
  get mayRun(): boolean {
    return this.clock.exactMs < this.#guardUntilMs + this.settings.killMs;
  }

  /** Whether it would start things now. */
  get startsThings(): boolean {
    const { process } = this;
    return process !== undefined && process.holder.isSafeToStart(process.applied, this.clock.nowMs);
  }

  start(member: Member | undefined): void {
    this.#missed = [];
    this.#isPaused = false;
    this.#process = {
      holder: new LeaseHolder(this.settings, 1 + this.#random.below(2 ** 31)),
      grantor: new LeaseGrantor(this.settings, `${this.name}-${this.#random.id()}`),
      fenced: new Set(),
      longer: new Set(),
      applied: 0,
      foldedAtMs: 0,
      openTerm: undefined,
      member,
    };
  }

  /** The process is gone; the guard goes on. */
  kill(): void {
    this.#process = undefined;
  }

  /** Everything is gone. */
  powerOff(): void {
    this.kill();
    this.#guardUntilMs = Number.NEGATIVE_INFINITY;
    this.clock.boot();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const missed = this.#missed;
    this.#missed = [];
    for (const run of missed) run();
  }

  /** Whatever happens to the process: later while it is paused, never when it has ended. */
  #when(run: (process: Process, nowMs: number) => void): void {
    const process = this.#process;
    if (!process) return;
    const act = (): void => {
      if (this.#process !== process || process.member?.isAlive === false) return;
      run(process, this.clock.nowMs);
      const { untilMs } = process.holder.status(this.clock.nowMs);
      this.#guardUntilMs = Math.max(this.#guardUntilMs, untilMs ?? Number.NEGATIVE_INFINITY);
    };
    if (this.#isPaused || process.member?.isPaused) this.#missed.push(act);
    else act();
  }

  tick(leader: string | undefined): void {
    if (this.#isPaused || this.#process?.member?.isPaused) return;
    this.resume();
    this.#when((process, nowMs) => {
      this.#send(process.holder.setLeader(leader, nowMs));
      this.#send(process.holder.tick(nowMs));
      this.#carryOut(process, process.grantor.tick(nowMs));
    });
  }

  /** Now and then it wants longer leases, whether or not it may have them. */
  want(lengthMs: number): void {
    this.#when((process, nowMs) => this.#send(process.holder.want(lengthMs, nowMs)));
  }

  takeAnswer(from: string, answer: Answer): void {
    this.#when((process, nowMs) => this.#send(process.holder.received(answer, from, nowMs)));
  }

  takeRenewal(from: Renewer, renewal: Renewal): void {
    this.#when((process, nowMs) => this.#carryOut(process, process.grantor.received(from, renewal, nowMs)));
  }

  leads(term: number | undefined): void {
    this.#when((process, nowMs) => {
      if (term === undefined) process.grantor.deposed();
      else process.grantor.elected(term, nowMs);
    });
  }

  confirmed(request: string, index: number): void {
    this.#when((process, nowMs) => this.#carryOut(process, process.grantor.confirmed(request, index, nowMs)));
  }

  failed(request: string): void {
    this.#when((process) => process.grantor.failed(request));
  }

  /** @param ownTerm the entry is of the term in which this member leads */
  applied(index: number, ruling: Ruling | undefined, longMs: number, ownTerm: number | undefined): void {
    this.#when((process, nowMs) => {
      process.applied = Math.max(process.applied, index);
      if (ruling) rule(process, ruling, longMs);
      if (ownTerm === undefined) return;
      process.openTerm = ownTerm;
      this.#carryOut(process, process.grantor.open(ownTerm, nowMs));
    });
  }

  #send(outgoing: Outgoing | undefined): void {
    if (outgoing) this.#wires.renew(this, outgoing);
  }

  #carryOut(process: Process, effects: readonly GrantorEffect[]): void {
    for (const effect of effects) {
      if (effect.do === 'ask-round') this.#wires.ask(process.member, effect.request);
      else this.#wires.answer(this, effect.to, effect.answer);
    }
  }
}

function rule({ fenced, longer, grantor }: Process, { do: what, node }: Ruling, longMs: number): void {
  if (what === 'fence') fenced.add(node);
  else if (what === 'allow') fenced.delete(node);
  else if (what === 'lengthen') longer.add(node);
  else longer.delete(node);
  grantor.know({ fenced: new Set(fenced), longest: new Map([...longer].map((one) => [one, longMs])) });
}
