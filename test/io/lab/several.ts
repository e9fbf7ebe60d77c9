/** A lab on several nodes in one process: each folds for itself, over a group with one log. */
import { pino } from 'pino';
import { nodeOf } from '#io/log/raft/engine/peer.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { RunningLab } from '#io/lab/running.ts';
import { StateDatabase } from '#io/lab/state.ts';
import { memoryBlobs } from '#io/stores/blobs.ts';
import { SimDisk } from '#io/stores/sim.ts';
import { TestGroup, type GroupOptions, type TestMember } from '#test/io/log/raft/engine/group.ts';
import { MemoryOthers } from './memory-others.ts';

const never = new AbortController().signal;

export interface LabNode {
  readonly node: string;
  readonly member: TestMember;
  readonly others: MemoryOthers;
  /** Why it cannot go on. */
  readonly broken: readonly unknown[];
  lab: RunningLab;
}

export class SeveralNodes {
  readonly group: TestGroup;
  readonly nodes: LabNode[] = [];
  readonly #network = new Map<string, MemoryOthers>();

  constructor(options: GroupOptions = {}) {
    this.group = new TestGroup(options);
  }

  async start(count: number): Promise<readonly LabNode[]> {
    const members = await this.group.start(count);
    for (const member of members) this.nodes.push(await this.open(member));
    const leader = await this.leader();
    await leader.lab.run(
      { id: 'begin', name: 'create-lab', input: { name: 'home', timeZone: 'UTC' }, by: 'system:start' },
      never,
    );
    return this.nodes;
  }

  async open(member: TestMember): Promise<LabNode> {
    const node = nodeOf(member.peer);
    const isCut = (from: string, to: string): boolean => this.group.cuts.has(`${from}.a>${to}.a`);
    const others = new MemoryOthers(node, this.#network, isCut);
    const random = seededRandom(node.length * 31 + Number(node.at(-1)));
    const state = new StateDatabase(new SimDisk({ clock: this.group.clock, random, latencyMs: 0 }).open(), 'boot');
    const broken: unknown[] = [];
    const lab = await RunningLab.open({
      eventLog: member.log,
      state,
      folded: await state.load(),
      blobs: memoryBlobs(),
      clock: this.group.clock,
      random,
      log: pino({ level: 'silent' }),
      others,
      onBroken: (error) => broken.push(error),
    });
    lab.lead();
    return { node, member, others, broken, lab };
  }

  /** The process dies. */
  async kill(node: LabNode): Promise<void> {
    this.nodes.splice(this.nodes.indexOf(node), 1);
    node.others.goes();
    await node.member.kill();
    void node.lab.close();
  }

  leader(): Promise<LabNode> {
    return this.group.until(() => this.nodes.find(({ lab }) => lab.leadership?.mine === true), 'a leader');
  }

  async stop(): Promise<void> {
    for (const { lab } of this.nodes) await lab.close();
    await this.group.stop();
  }
}
