/**
 * Machines whose consensus group is kept by the keeper of whoever leads, in virtual time. The log is a fake: it agrees at
 * once on what a majority of the old and of the new voters would agree on, and is broken by anything else.
 */
import { pino } from 'pino';
import { changed, configurationOf, noMembers, type Change, type Configuration } from '#events/raft/configuration.ts';
import { asPeer, type PeerId } from '#events/raft/entry.ts';
import { idOf, type LabEvent } from '#events/envelope.ts';
import type { NodeRole } from '#events/values/peer.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import type { AgreedClock } from '#io/lab/agreed-clock.ts';
import { GroupKeeper, type GroupKeeperParts } from '#io/lab/group-keeper.ts';
import { LogError } from '#io/log/port.ts';
import { nodeOf } from '#io/log/raft/engine/peer.ts';
import type { MemberStatus } from '#io/log/raft/member/protocol.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { Door } from '#test/actors/door.ts';
import { TestLab } from '#test/actors/test-lab.ts';

const committed = 5000;

interface Machine {
  isUp: boolean;
  /** Entries that it lacks. */
  behind: number;
  /** What only it has is at whoever leads. */
  isSecured: boolean;
}

export class KeptGroup {
  readonly clock = new VirtualClock(Date.UTC(2026, 5, 1));
  readonly door: Door;
  readonly machines = new Map<string, Machine>();
  /** Every change of the group, as its steps. */
  readonly changes: string[] = [];
  /** Who made the last one. */
  changedBy: string | undefined;
  configuration: Configuration = noMembers;
  leader = 'atlas';
  term = 1;
  /** Whose clocks agree; undefined: nobody has asked. */
  clocks: readonly string[] | undefined;
  readonly #keepers: GroupKeeper[] = [];
  /** What must never happen. */
  readonly #faults: unknown[] = [];
  #joined = 0;

  /** @param voters and the first of them leads */
  constructor(...voters: readonly string[]) {
    this.door = new Door(new TestLab());
    this.door.lab.now = this.clock.now();
    this.door.lab.run('create-lab', { name: 'home', timeZone: 'UTC' }, 'system:start');
    for (const name of voters) this.join(name);
    this.configuration = configurationOf(voters.map((name) => this.peer(name)));
    this.leader = voters[0] ?? 'atlas';
  }

  /** A machine joins the lab: not yet its group. */
  join(name: string, more: { readonly role?: NodeRole; readonly zone?: string } = {}): void {
    const { role, zone } = more;
    this.door.lab.now = this.clock.now();
    this.door.member(name, String((this.#joined += 1)), {
      ...(role === undefined ? {} : { role }),
      ...(zone === undefined ? {} : { labels: { zone } }),
    });
    this.machines.set(name, { isUp: true, behind: 0, isSecured: true });
    this.#keepers.push(new GroupKeeper(this.#partsOf(name)));
  }

  peer(name: string): PeerId {
    return asPeer(`${name}.${name}-disk-1`);
  }

  machine(name: string): Machine {
    const machine = this.machines.get(name);
    if (!machine) throw new Error(`there is no machine ${name}`);
    return machine;
  }

  lead(name: string): void {
    this.leader = name;
    this.term += 1;
  }

  get voters(): readonly string[] {
    return this.configuration.voters.map(nodeOf);
  }
  get learners(): readonly string[] {
    return this.configuration.learners.map(nodeOf);
  }
  /** What the history says of the group. */
  get recorded(): readonly string[] {
    return this.door.lab.lab.get('cluster:lab')?.context.members?.voters.map((peer) => nodeOf(asPeer(peer))) ?? [];
  }

  /** @throws when something has happened that must not */
  async seconds(count: number): Promise<void> {
    this.#elect();
    await this.clock.run(count * 1000);
    if (this.#faults.length > 0) throw this.#faults[0];
  }

  /** Somebody leads, where most of the voters answer. */
  #elect(): void {
    if (this.#isUp(this.leader) && this.voters.includes(this.leader)) return;
    const heir = this.voters.find((voter) => this.#isUp(voter));
    if (this.hasMajority && heir !== undefined) this.lead(heir);
  }

  get hasMajority(): boolean {
    const { voters } = this;
    return voters.filter((voter) => this.#isUp(voter)).length > voters.length / 2;
  }

  stop(): void {
    for (const keeper of this.#keepers) keeper.stop();
  }

  #leads(name: string): boolean {
    return this.leader === name && this.#isUp(name) && this.hasMajority;
  }

  #isUp(name: string): boolean {
    return this.machines.get(name)?.isUp === true;
  }

  #statusOf(name: string): MemberStatus {
    const { configuration, leader, term } = this;
    const { voters, learners } = configuration;
    const isLeader = this.#leads(name);
    return {
      peer: this.peer(name),
      term,
      role: isLeader ? 'leader' : 'follower',
      leader: this.peer(leader),
      configuration,
      lastIndex: committed,
      committed,
      isSuspect: false,
      peers: isLeader
        ? [...voters, ...learners]
            .filter((peer) => nodeOf(peer) !== name)
            .map((peer) => {
              const { isUp = false, behind = 0 } = this.machines.get(nodeOf(peer)) ?? {};
              return { peer, match: committed - behind, state: 'replicate', isActive: isUp };
            })
        : [],
    };
  }

  #partsOf(name: string): GroupKeeperParts {
    const { door, clock } = this;
    const lab = {
      view: door.lab.lab,
      get index() {
        return door.lab.lab.index;
      },
      commander: {
        now: () => clock.now(),
        run: async ({ name: command, input, by }) => {
          door.lab.now = clock.now();
          const { events, rejected } = door.lab.run(command as 'finish-departure', input as never, by);
          for (const event of events) this.#check(event);
          return rejected ? { rejected } : ({ events } as never);
        },
      },
    } as Pick<GroupKeeperParts['lab'], 'view' | 'index' | 'commander'>;
    const leadership = () => ({ term: this.term, leader: this.leader, mine: this.#leads(name) });
    const agreed = (): AgreedClock | undefined => this.clocks && { now: clock.now(), by: this.clocks };
    const status = (): MemberStatus => this.#statusOf(name);
    const reachable = (): string[] => [...this.machines.keys()].filter((other) => other !== name && this.#isUp(other));
    return {
      lab: {
        ...lab,
        get leadership() {
          return leadership();
        },
        get voterClocks() {
          return { agreed } as never;
        },
      },
      eventLog: {
        get status() {
          return status();
        },
        change: (change, _, term) => this.#change(change, term),
        transfer: (to) => {
          if (this.#isUp(nodeOf(to)) && this.configuration.voters.includes(to)) this.lead(nodeOf(to));
        },
      },
      others: {
        self: name,
        get reachable() {
          return reachable();
        },
      },
      clock,
      random: seededRandom(name.length + this.#joined),
      log: pino({ level: 'silent' }),
      secure: async () => [...this.machines.values()].every(({ isSecured }) => isSecured),
    };
  }

  async #change(change: Change, term: number): Promise<void> {
    if (term !== this.term) throw new LogError('NOT_LEADER', 'another one leads', '');
    let next = changed(this.configuration, change);
    if ('refused' in next) return this.#fail(next.refused);
    if (next.outgoing.length > 0) {
      next = changed(next, { steps: [], transition: 'auto' });
      if ('refused' in next) return this.#fail(next.refused);
    }
    this.#mustAgree(this.configuration);
    this.#mustAgree(next);
    this.changes.push(change.steps.map(({ do: act, peer }) => `${act} ${nodeOf(peer)}`).join(', '));
    this.changedBy = this.leader;
    this.configuration = next;
    const heir = next.voters.map(nodeOf).find((voter) => this.#isUp(voter));
    if (!next.voters.includes(this.peer(this.leader)) && heir !== undefined) this.lead(heir);
  }

  #mustAgree({ voters }: Configuration): void {
    const answering = voters.filter((peer) => this.#isUp(nodeOf(peer)));
    if (answering.length <= voters.length / 2) this.#fail(`of ${voters.join(', ')} too few answer: nobody leads`);
  }

  #fail(why: string): never {
    const fault = new Error(why);
    this.#faults.push(fault);
    throw fault;
  }

  /** Whoever is out of the lab is not heard any more: the others must be able to decide without it. */
  #check({ type, stream }: LabEvent): void {
    if (type !== 'node.left' && type !== 'node.removed') return;
    const name = idOf(stream);
    if (this.voters.includes(name) || this.learners.includes(name)) this.#fail(`${name} is still in the group`);
    this.machines.delete(name);
    this.#mustAgree(this.configuration);
  }
}
