/**
 * One seed of a group's life: clients ask, faults strike, checkers judge after every step; then the storm ends, and the
 * group must come to life again. The same seed gives the same trace, to the last byte.
 */
import { asPeer, type PeerId } from '#events/raft/entry.ts';
import { defaultSettings, type RaftSettings } from '#events/raft/settings.ts';
import { seededRandom, type SeededRandom } from '#io/devices/random/sim.ts';
import { Agenda } from '#io/world/consensus/agenda.ts';
import { AgendaClock } from '#io/world/consensus/agenda-clock.ts';
import { Group, type GroupOptions } from '#io/world/consensus/group.ts';
import { DiskFailed, type Observer } from '#io/world/consensus/member.ts';
import { StoredDisk } from '#io/world/consensus/stored-disk.ts';
import { StoreError } from '#io/stores/port.ts';
import type { SimMediumOptions } from '#io/stores/sim-medium.ts';
import type { Checker } from './checkers/checker.ts';
import { checkCommits } from './checkers/commits.ts';
import { checkConfigurations } from './checkers/configurations.ts';
import { checkElections } from './checkers/elections.ts';
import { checkFlow } from './checkers/flow.ts';
import { explainHistory } from './checkers/linearizable.ts';
import { checkLogs } from './checkers/logs.ts';
import { checkStates } from './checkers/states.ts';
import { Clients } from './clients.ts';
import { Faults } from './faults.ts';
import { Histories } from './histories.ts';
import { drawPlan, type Plan } from './swarm.ts';
import { newTruth, type Truth } from './truth.ts';
import { Trace } from './trace.ts';

export interface RaftSimOptions {
  readonly seed: number;
  /** Of the storm. */
  readonly stormMs?: number;
  /** Hears every line of the trace. */
  readonly log?: (line: string) => void;
}

export interface RaftSimResult {
  readonly seed: number;
  readonly plan: Plan;
  readonly steps: number;
  /** Operations that were answered. */
  readonly answered: number;
  readonly commitIndex: number;
  /** Committed entries that the group gave up, by everybody's vote. The run ends there. */
  readonly lost: number;
  /** Whether the end demanded life: it does not where a majority is gone for good. */
  readonly mustLive: boolean;
  readonly wrong: readonly string[];
  readonly trace: number;
  /** Segments of the history that came from other members, and those that were verified in the end. */
  readonly segments: { readonly fetched: number; readonly verified: number };
}

const defaultStormMs = 8000;
/** Many elections' time. */
const recoveryMs = 40_000;

export function simulateRaft({ seed, stormMs = defaultStormMs, log }: RaftSimOptions): RaftSimResult {
  const random = seededRandom(seed);
  const plan = drawPlan(random, false);
  const simulation = new Simulation(seed, plan, random, log);
  const life = simulation.life(stormMs);
  while (!life.next().done);
  return simulation.result;
}

/** The same with the real storage under each member, whose disks are damaged for real. Slower: it has promises. */
export async function simulateStored({ seed, stormMs = defaultStormMs, log }: RaftSimOptions): Promise<RaftSimResult> {
  const random = seededRandom(seed);
  const plan = drawPlan(random, true);
  const simulation = new Simulation(seed, plan, random, log);
  const life = simulation.life(stormMs);
  do {
    await quiet();
  } while (!life.next().done);
  await simulation.proveHistories();
  return simulation.result;
}

/** All promise callbacks that are ready have run. */
const quiet = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class Simulation {
  readonly #seed: number;
  readonly #plan: Plan;
  readonly #random: SeededRandom;
  readonly #wrong: string[] = [];
  readonly #trace: Trace;
  readonly #group: Group;
  readonly #truth: Truth;
  readonly #clients: Clients;
  readonly #faults: Faults;
  readonly #histories: Histories;
  readonly #agenda = new Agenda();
  #isStormy = true;
  #steps = 0;
  #mustLive = false;

  constructor(seed: number, plan: Plan, random: SeededRandom, log: ((line: string) => void) | undefined) {
    this.#seed = seed;
    this.#plan = plan;
    this.#random = random;
    this.#trace = new Trace(() => this.#group.agenda.nowMs, log);
    this.#truth = newTruth(
      () => this.#group,
      (what) => {
        if (this.#wrong.length < 5) this.#wrong.push(what);
        this.#trace.say(`WRONG ${what}`);
      },
    );
    const settings = settingsOf(plan);
    const checkers: Checker[] = [
      this.#trace.checker,
      checkElections(this.#truth),
      checkLogs(this.#truth),
      checkCommits(this.#truth),
      checkStates(this.#truth),
      checkFlow(this.#truth, settings),
      checkConfigurations(this.#truth),
      { died: (member, error) => this.#died(member.id, error) },
    ];
    const machines = Array.from({ length: plan.machines }, (_, at) => String.fromCharCode(97 + at));
    this.#group = new Group({
      agenda: this.#agenda,
      machines,
      voters: plan.voters,
      settings,
      random: random.fork('group'),
      observer: everybody(checkers),
      ...(plan.isStored ? this.#stored() : {}),
    });
    this.#clients = new Clients(this.#group, this.#truth, plan.clients, random.fork('clients'));
    checkers.push(this.#clients.checker);
    this.#faults = new Faults(this.#group, random.fork('faults'));
    const say = (line: string): void => this.#trace.say(line);
    this.#histories = new Histories(this.#group, this.#truth, random.fork('histories'), say);
  }

  /** Step by step: it yields after each. */
  *life(stormMs: number): Generator<void, void> {
    this.#trace.say(`${this.#plan.voters} voters of ${this.#plan.machines} machines: ${this.#plan.faults.join(' ')}`);
    yield* this.#storm(stormMs);
    this.#isStormy = false;
    if (this.#goesOn) this.#mustLive = yield* this.#recover();
    if (this.#goesOn) {
      const unexplained = explainHistory(this.#clients.history, '');
      if (unexplained !== undefined) this.#truth.complain(unexplained);
    }
  }

  get result(): RaftSimResult {
    return {
      seed: this.#seed,
      plan: this.#plan,
      steps: this.#steps,
      answered: this.#clients.answered,
      commitIndex: this.#truth.commitIndex,
      lost: this.#truth.lost,
      mustLive: this.#mustLive,
      wrong: this.#wrong,
      trace: this.#trace.hash,
      segments: { fetched: this.#histories.fetched, verified: this.#histories.verified },
    };
  }

  /** After its life, when nothing is under way any more. */
  async proveHistories(): Promise<void> {
    if (this.#goesOn) await this.#histories.prove();
  }

  *#storm(stormMs: number): Generator<void, void> {
    const { faults, everyMs } = this.#plan;
    const calmMs = 1500;
    yield* this.#until(() => false, calmMs);
    for (let left = stormMs; left > 0 && this.#goesOn;) {
      const ms = everyMs * 2 * this.#random.next();
      left -= ms;
      yield* this.#until(() => false, ms);
      if (faults.length === 0) continue;
      const kind = this.#random.pick(faults);
      const said = this.#faults.strike(kind);
      if (said !== undefined) this.#trace.say(`── ${kind}: ${said}`);
    }
  }

  /** @returns whether life was demanded */
  *#recover(): Generator<void, boolean> {
    this.#faults.mend();
    this.#trace.say('── the storm is over');
    // What was under way may still change who belongs to the group.
    yield* this.#until(() => false, 5000);
    this.#faults.mend();
    yield* this.#until(() => false, 5000);
    if (this.#truth.lost > 0 || !this.#faults.canDecide()) return false;
    const target = this.#truth.commitIndex + 3;
    const answered = this.#clients.answered + 3;
    const lives = yield* this.#until(
      () => this.#truth.commitIndex >= target && this.#clients.answered >= answered,
      recoveryMs,
    );
    if (this.#truth.lost > 0) return false;
    if (!lives) this.#truth.complain(`nothing is committed and answered any more, long after the storm`);
    this.#clients.stop();
    const upTo = this.#truth.commitIndex;
    const agree = yield* this.#until(() => this.#laggards(upTo).length === 0, recoveryMs);
    if (!this.#goesOn) return true;
    if (!agree) this.#truth.complain(`${this.#laggards(upTo).join(', ')} never reached entry ${upTo}`);
    if (!agree) return true;
    const isTold = yield* this.#until(() => this.#clients.forgottenReads().length === 0, recoveryMs);
    if (!isTold) this.#truth.complain(`nobody ever heard of ${this.#clients.forgottenReads().join(', ')}`);
    yield* this.#repairIdle();
    return true;
  }

  /** Nobody asks for anything any more: nevertheless a follower gets back what its disk loses now. */
  *#repairIdle(): Generator<void, void> {
    const upTo = this.#truth.commitIndex;
    const machine = this.#faults.loseOneTail();
    if (!machine) return;
    this.#trace.say(`── ${machine.name} loses its tail, and nobody asks for anything`);
    const isWhole = yield* this.#until(() => machine.disk.lastIndex >= upTo, recoveryMs);
    if (!isWhole) this.#truth.complain(`${machine.name} never got back what its disk lost`);
  }

  /** Members of the group that have not applied this yet. */
  #laggards(upTo: number): readonly string[] {
    const { voters, learners } = this.#faults.configuration();
    return [...voters, ...learners].filter((peer) => {
      const member = this.#group.memberOf(asPeer(peer));
      return member !== undefined && member.raft.status.applied < upTo;
    });
  }

  *#until(condition: () => boolean, ms: number): Generator<void, boolean> {
    const untilMs = this.#group.agenda.nowMs + ms;
    while (this.#goesOn) {
      if (condition()) return true;
      if (!this.#group.agenda.step(untilMs)) return condition();
      this.#steps++;
      yield;
    }
    return false;
  }

  /** Real storage on simulated media; a disk that cannot be opened any more is replaced, as a person would. */
  #stored(): Pick<GroupOptions, 'newDisk' | 'refused'> {
    const random = this.#random.fork('media');
    const clock = new AgendaClock(this.#agenda);
    // With every second seed each call on a medium takes a while of its own, so that a process may be killed within a
    // job, within the writing of a segment, while it opens its log.
    const latencyMs = this.#seed % 2 === 0 ? 1 : 0;
    const isStormy = (): boolean => this.#isStormy;
    const newMedium = (peer: PeerId): SimMediumOptions => ({
      clock,
      random: random.fork(peer),
      get latencyMs() {
        return isStormy() ? latencyMs : 0;
      },
    });
    return {
      newDisk: (peer, first) => new StoredDisk(peer, first, newMedium(peer)),
      refused: ({ name }, error) => {
        this.#trace.say(`${name} cannot open its log: ${error instanceof Error ? error.message : String(error)}`);
        this.#group.wipe(name);
        this.#group.boot(name);
      },
    };
  }

  /** Nothing is wrong, and nothing was given up. */
  get #goesOn(): boolean {
    return this.#wrong.length === 0 && this.#truth.lost === 0;
  }

  #died(member: string, error: unknown): void {
    if (error instanceof DiskFailed || error instanceof StoreError) {
      this.#trace.say(`${member} ends: ${error.message}`);
      const { name } = this.#group.machine(member.slice(0, member.indexOf('@')));
      this.#group.agenda.in(500, () => this.#group.boot(name));
    } else this.#truth.complain(`${member} ends: ${error instanceof Error ? error.stack : String(error)}`);
  }
}

function settingsOf({ preVote, checkQuorum, narrow }: Plan): RaftSettings {
  const settings = { ...defaultSettings, heartbeatTicks: 2, preVote, checkQuorum };
  return narrow
    ? {
        ...settings,
        maxAppendBytes: 200,
        maxInflight: 2,
        maxInflightBytes: 500,
        maxUncommittedBytes: 1500,
        maxApplyBytes: 300,
        maxPendingReads: 1,
      }
    : settings;
}

/** Everybody hears everything, in order. */
function everybody(checkers: readonly Checker[]): Observer {
  return {
    sent: (...about) => checkers.forEach((checker) => checker.sent?.(...about)),
    stored: (...about) => checkers.forEach((checker) => checker.stored?.(...about)),
    applied: (...about) => checkers.forEach((checker) => checker.applied?.(...about)),
    effect: (...about) => checkers.forEach((checker) => checker.effect?.(...about)),
    installed: (...about) => checkers.forEach((checker) => checker.installed?.(...about)),
    leadership: (...about) => checkers.forEach((checker) => checker.leadership?.(...about)),
    read: (...about) => checkers.forEach((checker) => checker.read?.(...about)),
    readRefused: (...about) => checkers.forEach((checker) => checker.readRefused?.(...about)),
    stepped: (...about) => checkers.forEach((checker) => checker.stepped?.(...about)),
    died: (...about) => checkers.forEach((checker) => checker.died?.(...about)),
  };
}
