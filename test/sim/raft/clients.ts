/**
 * Clients of a group: each has one operation under way, asks whichever member it believes to lead, and asks again, with
 * the same number, when it hears nothing. What it never hears of is unknown, not failed.
 */
import type { PeerId } from '#events/raft/entry.ts';
import type { SeededRandom } from '#io/devices/random/sim.ts';
import type { Group } from '#io/world/consensus/group.ts';
import type { Member } from '#io/world/consensus/member.ts';
import { packCommand, type Command, type Result } from '#io/world/consensus/registers.ts';
import type { Checker } from './checkers/checker.ts';
import type { Operation } from './checkers/linearizable.ts';
import type { Truth } from './truth.ts';

const keys = ['a', 'b', 'c'];
const retryMs = 700;
/** Then it takes the outcome for unknown and goes on under another name. */
const tries = 6;

type Asked =
  | { readonly kind: 'command'; readonly command: Command }
  | { readonly kind: 'read'; readonly key: string; request: string };

interface UnderWay {
  readonly asked: Asked;
  readonly start: number;
  tries: number;
  /** Reads: what was acknowledged when it was asked (this time). */
  acknowledged: number;
}

export class Clients {
  readonly history: Operation[] = [];
  readonly checker: Checker;
  readonly #group: Group;
  readonly #truth: Truth;
  readonly #clients: readonly Client[];
  /** `member index term` → whose command stands there. */
  readonly #proposed = new Map<string, { readonly client: Client; readonly command: Command }>();
  /** Reads that a member was asked and has said nothing of, by their names, which are never used twice. */
  readonly #reads = new Map<string, Member>();
  #moment = 0;

  constructor(group: Group, truth: Truth, count: number, random: SeededRandom) {
    this.#group = group;
    this.#truth = truth;
    this.#clients = Array.from({ length: count }, (_, at) => new Client(`c${at}`, this, random.fork(`client ${at}`)));
    this.checker = {
      applied: (member, entries, results) => {
        for (const [at, { index, term }] of entries.entries()) {
          const key = `${member.id} ${index} ${term}`;
          const proposed = this.#proposed.get(key);
          if (!proposed) continue;
          this.#proposed.delete(key);
          proposed.client.answered(proposed.command, results[at], index);
        }
      },
      read: (member, request, index) => {
        if (!this.#reads.delete(request)) truth.complain(`${member.id} answers read ${request} twice`);
        for (const client of this.#clients) client.readAnswered(member, request, index);
      },
      readRefused: (member, request) => {
        if (!this.#reads.delete(request)) truth.complain(`${member.id} refuses read ${request}, which it has answered`);
      },
    };
    for (const client of this.#clients) client.next();
  }

  /** How many operations have an answer. */
  get answered(): number {
    return this.history.filter(({ end }) => end !== Number.POSITIVE_INFINITY).length;
  }

  get group(): Group {
    return this.#group;
  }

  get truth(): Truth {
    return this.#truth;
  }

  moment(): number {
    return ++this.#moment;
  }

  propose(client: Client, member: Member, command: Command): void {
    member.do((raft) => {
      const proposed = raft.propose([packCommand(command)]);
      if ('refused' in proposed) return;
      this.#proposed.set(`${member.id} ${proposed.firstIndex} ${proposed.term}`, { client, command });
    });
  }

  read(member: Member, request: string): void {
    member.do((raft) => {
      this.#reads.set(request, member);
      raft.read(request);
    });
  }

  /** Reads of which nobody heard yet, at processes that did not end. */
  forgottenReads(): readonly string[] {
    const forgotten = [...this.#reads].filter(([name, member]) => member.isAlive && !member.knowsIndexOf(name));
    return forgotten.map(([name, { id }]) => `read ${name} at ${id}`);
  }

  /** Nothing more begins. */
  stop(): void {
    for (const client of this.#clients) client.stop();
  }
}

class Client {
  readonly #name: string;
  readonly #clients: Clients;
  readonly #random: SeededRandom;
  /** How many sessions it has had, */
  #lives = 0;
  /** and the present one: the index of the entry that opened it. */
  #session = 0;
  #sequence = 0;
  #values = 0;
  #reads = 0;
  #underWay: UnderWay | undefined;
  #leader: PeerId | undefined;
  #isStopped = false;

  constructor(name: string, clients: Clients, random: SeededRandom) {
    this.#name = name;
    this.#clients = clients;
    this.#random = random;
  }

  stop(): void {
    this.#isStopped = true;
  }

  next(): void {
    const { agenda } = this.#clients.group;
    agenda.in(this.#random.next() * 60, () => {
      if (this.#isStopped) return;
      this.#underWay = { asked: this.#draw(), start: this.#clients.moment(), tries: 0, acknowledged: 0 };
      this.#try(this.#underWay);
    });
  }

  answered(command: Command, result: Result | undefined, index: number): void {
    const underWay = this.#underWay;
    if (underWay?.asked.kind !== 'command' || underWay.asked.command !== command) return;
    const { truth } = this.#clients;
    if (result === 'outdated')
      truth.complain(`command ${command.client}/${this.#sequence} is outdated for its own client`);
    if (result === 'expired') {
      this.#end(underWay, undefined);
      this.#forget();
      return;
    }
    if (command.do === 'open') this.#session = index;
    truth.acknowledged = Math.max(truth.acknowledged, index);
    this.#end(underWay, { done: result === 'done', read: '' });
  }

  readAnswered(member: Member, request: string, index: number): void {
    const underWay = this.#underWay;
    if (underWay?.asked.kind !== 'read' || underWay.asked.request !== request) return;
    if (index < underWay.acknowledged)
      this.#clients.truth.complain(
        `${member.id} reads as of entry ${index}; entry ${underWay.acknowledged} was acknowledged before it was asked`,
      );
    this.#end(underWay, { done: true, read: member.registers.get(underWay.asked.key) });
  }

  #draw(): Asked {
    if (this.#sequence === 0) return { kind: 'command', command: { client: this.#id, do: 'open' } };
    const key = this.#random.pick(keys);
    if (this.#random.chance(0.5)) return { kind: 'read', key, request: '' };
    const numbered = { client: this.#id, session: this.#session, sequence: this.#sequence };
    const value = `${this.#name}.${++this.#values}`;
    const from = this.#random.chance(0.5)
      ? ''
      : `${this.#random.pick(['c0', 'c1', 'c2'])}.${Math.max(1, this.#values - 1)}`;
    return this.#random.chance(0.3)
      ? { kind: 'command', command: { ...numbered, do: 'cas', key, from, to: value } }
      : { kind: 'command', command: { ...numbered, do: 'write', key, value } };
  }

  get #id(): string {
    return `${this.#name}#${this.#lives}`;
  }

  #try(underWay: UnderWay): void {
    if (this.#underWay !== underWay) return;
    if (underWay.tries++ >= tries) {
      this.#end(underWay, undefined);
      this.#forget();
      return;
    }
    const { group, truth } = this.#clients;
    const member = this.#pick();
    if (member) {
      underWay.acknowledged = truth.acknowledged;
      const { asked } = underWay;
      if (asked.kind === 'command') this.#clients.propose(this, member, asked.command);
      else {
        asked.request = `${this.#id}/${++this.#reads}`;
        this.#clients.read(member, asked.request);
      }
    }
    group.agenda.in(retryMs * (0.5 + this.#random.next()), () => this.#try(underWay));
  }

  /** Whom a member calls the leader; now and then anybody. */
  #pick(): Member | undefined {
    const { members } = this.#clients.group;
    if (members.length === 0) return undefined;
    const any = this.#random.pick(members);
    if (this.#random.chance(0.2)) return any;
    // As often as not it keeps to the leader that it knows, who may have been deposed meanwhile.
    if (this.#random.chance(0.5)) this.#leader = any.raft.status.leader ?? this.#leader;
    return (this.#leader && this.#clients.group.memberOf(this.#leader)) ?? any;
  }

  /** @param answer undefined when it is unknown whether the operation took effect */
  #end(underWay: UnderWay, answer: { readonly done: boolean; readonly read: string } | undefined): void {
    this.#underWay = undefined;
    const { asked, start } = underWay;
    const end = answer ? this.#clients.moment() : Number.POSITIVE_INFINITY;
    const { history } = this.#clients;
    if (asked.kind === 'read') {
      if (answer) history.push({ client: this.#name, key: asked.key, start, end, do: { read: answer.read } });
    } else {
      const { command } = asked;
      if (command.do === 'write')
        history.push({ client: this.#name, key: command.key, start, end, do: { write: command.value } });
      else if (command.do === 'cas') {
        const { key, from, to } = command;
        history.push({ client: this.#name, key, start, end, do: { from, to, done: answer?.done } });
      }
      if (answer) this.#sequence++;
    }
    this.next();
  }

  /** Its session is gone, or the fate of its last command unknown: it goes on as another. */
  #forget(): void {
    this.#lives++;
    this.#sequence = 0;
  }
}
