/**
 * Any mixture of what can happen to a small group: messages in any order, lost or repeated; disks that answer late;
 * crashes; snapshots; members that come and go; leaders that hand on. The group judges every step (`group.ts`); here
 * besides: no read is stale, and when the storm is over all members come to the same state. A failure prints the shortest
 * way to it. Long runs, and disks that lose what they had, are the simulation's (`test/sim/raft`).
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { membersOf, type Change, type ChangeStep } from '#events/raft/configuration.ts';
import { asPeer } from '#events/raft/entry.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { bytes, Group, type Member } from './group.ts';

const ids = ['a', 'b', 'c', 'd', 'e'];
const who = fc.constantFrom(...ids);
const step = fc.record({
  do: fc.constantFrom<ChangeStep['do']>('add-voter', 'add-learner', 'remove'),
  peer: fc.constantFrom(...ids.map(asPeer)),
});
const transition = fc.constantFrom<Change['transition']>('auto', 'implicit', 'explicit');

const happening = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({ deliver: fc.nat(1000), fate: fc.constantFrom('once', 'once', 'once', 'again', 'lost') }),
  },
  { weight: 6, arbitrary: fc.record({ deliverAll: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ tick: who, times: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 5, arbitrary: fc.record({ propose: fc.nat(999) }) },
  { weight: 8, arbitrary: fc.record({ store: who, jobs: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 4, arbitrary: fc.record({ apply: who }) },
  { weight: 2, arbitrary: fc.record({ slow: who, disk: fc.boolean(), applier: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ crash: who }) },
  { weight: 3, arbitrary: fc.record({ restart: who }) },
  { weight: 2, arbitrary: fc.record({ compact: who, keep: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ change: fc.array(step, { maxLength: 3 }), transition }) },
  { weight: 2, arbitrary: fc.record({ transfer: who }) },
  { weight: 4, arbitrary: fc.record({ read: who }) },
  { weight: 2, arbitrary: fc.record({ broken: who, of: who }) },
);

type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

class Storm {
  readonly group: Group;
  /** What must be readable since a read was asked, by its name. */
  readonly #asked = new Map<string, number>();
  #checked = new Map<Member, number>();

  constructor(seed: number, preVote: boolean) {
    const random = seededRandom(seed);
    this.group = new Group({
      voters: 'abc',
      learners: 'd',
      begins: { index: 1, term: 1 },
      settings: { preVote, maxInflight: 3, maxAppendBytes: 60, maxApplyBytes: 40, electionTicks: 4 },
      random: (id) => random.fork(id).next,
    });
    this.group.newcomer('e');
  }

  happen(one: Happening): void {
    const { group } = this;
    if ('deliver' in one) this.#carry(one.deliver, one.fate);
    else if ('deliverAll' in one) group.deliver();
    else if ('tick' in one) group.tick(one.tick, one.times);
    else if ('propose' in one) {
      if (group.leader) group.offer(group.leader.id, `${one.propose}`);
    } else if ('store' in one) group.store(one.store, one.jobs);
    else if ('apply' in one) group.apply(one.apply);
    else if ('slow' in one) {
      const member = group.at(one.slow);
      member.storesAtOnce = !one.disk;
      member.appliesAtOnce = !one.applier;
    } else if ('crash' in one) group.crash(one.crash);
    else if ('restart' in one) {
      if (!group.at(one.restart).isUp) group.restart(one.restart);
    } else if ('compact' in one) {
      const member = group.at(one.compact);
      if (member.isUp && !member.raft.log.installing) group.compact(one.compact, one.keep);
    } else if ('change' in one) {
      const change = { steps: one.change, transition: one.transition };
      if (group.leader) group.do(group.leader.id, (raft) => raft.proposeChange(change, bytes('')));
    } else if ('transfer' in one) {
      if (group.leader) group.do(group.leader.id, (raft) => raft.transferTo(asPeer(one.transfer)));
    } else if ('read' in one) this.#read(one.read);
    else
      group.do(one.of, (raft) => {
        raft.reportUnreachable(asPeer(one.broken));
        raft.reportSnapshot(asPeer(one.broken), false);
      });
    this.#judgeReads();
  }

  /** The storm is over: everything that is slow catches up, and whoever is away comes back. */
  calm(): void {
    const { group } = this;
    for (const id of ids) {
      const member = group.at(id);
      if (!member.isUp) group.restart(id);
      member.storesAtOnce = member.appliesAtOnce = true;
      group.store(id);
      group.apply(id);
    }
    for (let round = 0; round < 40; round++) {
      group.pass(3);
      for (const id of ids)
        group.do(id, (raft) => {
          for (const peer of ids) raft.reportSnapshot(asPeer(peer), false);
        });
    }
    const { leader } = group;
    if (!leader) throw new Error('nobody leads');
    expect(group.propose(leader.id, 'last')).not.toHaveProperty('refused');
    group.pass(6);
    this.#judgeReads();
    expect(leader.state.at(-1)).toBe('last');
    for (const id of membersOf(leader.status.configuration)) {
      expect(group.at(id).state).toEqual(leader.state);
      expect(group.at(id).status.configuration).toEqual(leader.status.configuration);
    }
  }

  #carry(number: number, fate: string): void {
    const { group } = this;
    if (group.wire.length === 0) return;
    const [message] = group.wire.splice(number % group.wire.length, 1);
    if (!message) return;
    if (fate === 'again') group.wire.push(message);
    if (fate !== 'lost' && group.members.get(message.to)?.isUp) group.step(message);
  }

  #read(id: string): void {
    const committed = Math.max(...[...this.group.members.values()].map((member) => member.appliedIndex));
    const request = `r${this.#asked.size}`;
    this.#asked.set(request, committed);
    this.group.do(id, (raft) => raft.read(request));
  }

  #judgeReads(): void {
    for (const member of this.group.members.values()) {
      for (const { request, index } of member.reads.slice(this.#checked.get(member) ?? 0))
        if (index < (this.#asked.get(request) ?? 0))
          throw new Error(`${member.id} reads at ${index}; ${this.#asked.get(request)} was applied before it asked`);
      this.#checked.set(member, member.reads.length);
    }
  }
}

test('a group goes through any storm, and comes out with one state', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.boolean(),
      fc.array(happening, { minLength: 30, maxLength: 300, size: 'max' }),
      (seed, preVote, all) => {
        const storm = new Storm(seed, preVote);
        storm.group.elect('a');
        for (const one of all) storm.happen(one);
        storm.calm();
      },
    ),
    // `STORMS=20000 npx vitest run --project unit test/events/raft/storm.test.ts`: as many others.
    process.env['STORMS'] ? { numRuns: Number(process.env['STORMS']) } : { numRuns: 60, seed: 1 },
  );
}, 600_000);
