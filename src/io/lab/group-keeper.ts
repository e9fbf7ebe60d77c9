/**
 * Keeps the consensus group as the lab wants it (`actors/placement/{learners,voters}.ts`), while this node leads: one
 * change at a time, and what it has become is recorded in the history. Whoever leaves the lab gives up its vote, then its
 * place in the group, and is out of the lab only then: its links are cut by that, and its answer may be needed until then.
 * A witness that leads hands leadership on, and so does whoever is not to vote any more.
 */
import { clusterStream } from '#actors/cluster/stream.ts';
import { electorsOf, type Contact } from '#actors/placement/electors.ts';
import { chooseLearners } from '#actors/placement/learners.ts';
import { chooseVoters, mayVote, type Elector } from '#actors/placement/voters.ts';
import { idOf, streamOf, type StreamId } from '#events/envelope.ts';
import type { ChangeStep, Configuration } from '#events/raft/configuration.ts';
import { isJoint } from '#events/raft/configuration.ts';
import { asPeer } from '#events/raft/entry.ts';
import type { Logger } from 'pino';
import type { Clock, Timer } from '../devices/clock/port.ts';
import type { Random } from '../devices/random/port.ts';
import { nodeOf, peerOf } from '../log/raft/engine/peer.ts';
import type { RaftLog } from '../log/raft/engine/raft-log.ts';
import type { MemberStatus } from '../log/raft/member/protocol.ts';
import { LogError } from '../log/port.ts';
import { contactNow, nearlyAll } from './contact.ts';
import type { Commander } from './commander.ts';
import type { Others } from './others.ts';
import type { RunningLab } from './running.ts';

export interface GroupKeeperParts {
  readonly lab: Pick<RunningLab, 'view' | 'index' | 'leadership' | 'voterClocks'> & {
    readonly commander: Pick<Commander, 'now' | 'run'>;
  };
  readonly eventLog: Pick<RaftLog, 'status' | 'change' | 'transfer'>;
  readonly others: Pick<Others, 'self' | 'reachable'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /**
   * Fetches what the lab cannot do without, and only somebody who goes may have: keys, files. Asked for before a node is
   * let go. @returns whether all of it is here
   */
  secure(signal: AbortSignal): Promise<boolean>;
}

/** Of a fetch of what is on a node that goes: then it is tried again. */
const secureMs = 60_000;
const everyMs = 1000;
/** What the group has become is told meanwhile. */
const afterChangeMs = 100;
const noNote = new Uint8Array(0);
const by = 'policy:group' as const;

export class GroupKeeper {
  readonly #parts: GroupKeeperParts;
  /** Since when a node is reachable, or is not; log time. Known from this leader's own term on. */
  readonly #contacts = new Map<StreamId<'node'>, { readonly reachable: boolean; readonly since: number }>();
  #timer: Timer | undefined;
  #term = 0;
  #recorded = '';
  readonly #stop = new AbortController();

  constructor(parts: GroupKeeperParts) {
    this.#parts = parts;
    this.#lookIn(everyMs);
  }

  stop(): void {
    this.#stop.abort();
    if (this.#timer) this.#parts.clock.clearTimeout(this.#timer);
  }

  #lookIn(ms: number): void {
    this.#timer = this.#parts.clock.setTimeout(() => {
      void this.#look().then((hasChanged) => {
        if (!this.#stop.signal.aborted) this.#lookIn(hasChanged ? afterChangeMs : everyMs);
      });
    }, ms);
  }

  /** Never rejects. @returns whether it changed the group: then the next change may be due */
  async #look(): Promise<boolean> {
    const { lab, eventLog, log } = this.#parts;
    const { status } = eventLog;
    if (lab.leadership?.mine !== true || status?.role !== 'leader') return false;
    try {
      if (this.#term !== status.term) {
        this.#term = status.term;
        this.#contacts.clear();
        // Others may have recorded other groups since this node led.
        this.#recorded = '';
      }
      return await this.#keep(status);
    } catch (error) {
      // Somebody else leads by now, or the next look does better.
      if (!(error instanceof LogError)) log.warn({ error: String(error) }, 'the group could not be changed');
      return false;
    }
  }

  async #keep(status: MemberStatus): Promise<boolean> {
    const { lab, eventLog, log } = this.#parts;
    const { configuration } = status;
    const nodes = electorsOf(lab.view, (node) => this.#contactOf(node, status));
    // A node that has just recovered its lab is another peer than the history says, until that is recorded.
    const isKnown = nodes.some(({ node, incarnation }) => peerOf(idOf(node), incarnation) === status.peer);
    if (isJoint(configuration) || !isKnown) return false;
    await this.#record(configuration, status.term);
    await this.#letGo(nodes, configuration);
    const learner = chooseLearners({ nodes, configuration, now: lab.commander.now() });
    if (learner) {
      log.info({ change: learner.do, peer: learner.peer, why: learner.why }, 'the group changes');
      const step = { do: learner.do, peer: asPeer(learner.peer) };
      await eventLog.change({ steps: [step], transition: 'auto' }, noNote, status.term);
      return true;
    }
    if (this.#resign(nodes, status)) return false;
    const voters = chooseVoters({ nodes, configuration, leader: status.peer, now: lab.commander.now() });
    if (voters) {
      const steps: ChangeStep[] = [
        ...voters.add.map((peer) => ({ do: 'add-voter' as const, peer: asPeer(peer) })),
        ...voters.demote.map((peer) => ({ do: 'add-learner' as const, peer: asPeer(peer) })),
        ...voters.remove.map((peer) => ({ do: 'remove' as const, peer: asPeer(peer) })),
      ];
      log.info({ steps, why: voters.why }, 'the group changes');
      await eventLog.change({ steps, transition: 'auto' }, noNote, status.term);
      return true;
    }
    this.#handOn(status);
    return false;
  }

  /** Those who are out of the group, and were to leave the lab, are out of that, too. */
  async #letGo(nodes: readonly Elector[], { voters, learners }: Configuration): Promise<void> {
    const { lab, random, log, secure } = this.#parts;
    const members = new Set([...voters, ...learners].map(nodeOf));
    const going = nodes.filter(({ node, departing }) => departing && !members.has(idOf(node)));
    if (going.length === 0 || !(await secure(AbortSignal.any([this.#stop.signal, AbortSignal.timeout(secureMs)]))))
      return;
    for (const { node, name } of going) {
      const request = { id: random.id(), since: lab.index, name: 'finish-departure', input: { node }, by };
      const result = await lab.commander.run(request, this.#stop.signal);
      if (!('rejected' in result)) log.info({ name }, 'a node is out of the group, and of the lab');
    }
  }

  /** A leader that is to give up its vote lets somebody lead who keeps it. @returns whether it has asked somebody to */
  #resign(nodes: readonly Elector[], status: MemberStatus): boolean {
    const { eventLog, log } = this.#parts;
    const voting = new Map(nodes.map((elector) => [peerOf(idOf(elector.node), elector.incarnation), elector]));
    const self = voting.get(status.peer);
    if (!self || mayVote(self)) return false;
    const staying = this.#heirs(status).filter(({ peer }) => {
      const elector = voting.get(asPeer(peer));
      return elector !== undefined && mayVote(elector);
    });
    const heir = staying.find(({ peer }) => voting.get(asPeer(peer))?.role !== 'witness') ?? staying[0];
    if (!heir) return false;
    log.info({ to: heir.peer }, 'this node is not to vote any more: leadership is handed on');
    eventLog.transfer(heir.peer);
    return true;
  }

  #contactOf(node: StreamId<'node'>, status: MemberStatus): Contact {
    const { lab, others } = this.#parts;
    const { incarnation = null, downSince = null } = lab.view.get(node)?.context ?? {};
    const { reachable, caughtUp } = contactNow(idOf(node), incarnation ?? '', status, others.reachable);
    const now = lab.commander.now();
    const known = this.#contacts.get(node);
    if (known?.reachable !== reachable) {
      // A leader that has just begun has heard of nobody: an outage counts from what the history says of it.
      const since = !reachable && !known && downSince !== null ? downSince : now;
      this.#contacts.set(node, { reachable, since });
    }
    const { since } = this.#contacts.get(node) ?? { since: now };
    return { reachable, since, caughtUp };
  }

  /** In the history, whenever it is another one. */
  async #record({ voters, learners }: Configuration, term: number): Promise<void> {
    const { lab, random } = this.#parts;
    const cluster = lab.view.get(clusterStream);
    if (!cluster) return;
    const { generation } = cluster.context;
    const input = { voters: [...voters], learners: [...learners], generation, term };
    const group = JSON.stringify([voters, learners, generation]);
    if (group === this.#recorded) return;
    const request = { id: random.id(), since: lab.index, name: 'record-members', input, by };
    const result = await lab.commander.run(request, this.#stop.signal);
    if (!('rejected' in result)) this.#recorded = group;
  }

  /** A witness decides, and runs nothing: whoever runs apps leads better. And no clock leads that most voters do not share. */
  #handOn(status: MemberStatus): void {
    const { lab, eventLog, log, others } = this.#parts;
    const { peer: self } = status;
    const roleOf = (of: string) => lab.view.get(streamOf('node', nodeOf(asPeer(of))))?.context.role;
    const clock = lab.voterClocks?.agreed();
    const isOutlier = clock !== undefined && !clock.by.includes(others.self);
    if (!isOutlier && roleOf(self) !== 'witness') return;
    const heirs = this.#heirs(status);
    const heir = heirs.find(({ peer }) => roleOf(peer) !== 'witness') ?? (isOutlier ? heirs[0] : undefined);
    if (!heir) return;
    const why = isOutlier ? 'the clock of this node is not what most voters say' : 'a witness leads';
    if (isOutlier)
      log.warn({ to: heir.peer, clock: new Date(clock.now).toISOString() }, `${why}: leadership is handed on`);
    else log.info({ to: heir.peer }, `${why}: leadership is handed on`);
    eventLog.transfer(heir.peer);
  }

  /** Voters that could lead now: they answer and have nearly everything. */
  #heirs({ peers, configuration, committed }: MemberStatus): MemberStatus['peers'] {
    const clock = this.#parts.lab.voterClocks?.agreed();
    return peers.filter(
      ({ peer, isActive, match }) =>
        isActive &&
        configuration.voters.includes(peer) &&
        match + nearlyAll >= committed &&
        // Else a witness would hand it back to the clock that handed it over.
        (clock === undefined || clock.by.includes(nodeOf(peer))),
    );
  }
}
