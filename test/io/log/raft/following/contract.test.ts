/** A node that follows keeps the promises of an event log, when what is appended goes to the leader, as commands do. */
import type { Entry } from '#events/envelope.ts';
import type { EventLog } from '#io/log/port.ts';
import { eventLogContract } from '#test/contracts/event-log.ts';
import type { TestMember } from '../engine/group.ts';
import { FollowedGroup } from './lab.ts';

class Followed implements EventLog {
  readonly #lab: FollowedGroup;
  readonly #log: TestMember['log'];
  readonly #underWay = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(lab: FollowedGroup, { log }: TestMember) {
    this.#lab = lab;
    this.#log = log;
  }

  get head(): EventLog['head'] {
    return this.#log.head;
  }

  append(entry: Entry, signal: AbortSignal): ReturnType<EventLog['append']> {
    if (this.#isClosed) return this.#log.append(entry, signal);
    const leader = this.#lab.peers.find(({ leads }) => leads) as TestMember;
    const appending = leader.log.append(entry, signal).then(async (outcome) => {
      // Whoever asked here reads here next: what it did, or what it was judged against.
      const upTo = 'index' in outcome ? outcome.index : leader.log.head;
      await this.#lab.group.until(() => this.head >= upTo, 'what was appended');
      return outcome;
    });
    this.#underWay.add(appending);
    void appending.catch(() => undefined).finally(() => this.#underWay.delete(appending));
    return appending;
  }

  read: EventLog['read'] = (after, upTo) => this.#log.read(after, upTo);
  follow: EventLog['follow'] = (after, signal) => this.#log.follow(after, signal);
  readIndex: EventLog['readIndex'] = (signal, term) => this.#log.readIndex(signal, term);
  leadership: EventLog['leadership'] = (signal) => this.#log.leadership(signal);

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#underWay);
    await this.#log.close();
  }
}

eventLogContract('A node that follows', async () => {
  let lab: FollowedGroup | undefined;
  return {
    open: async () => {
      const known = lab;
      lab ??= await FollowedGroup.make(3, 1);
      const [follower] = lab.followers as [TestMember];
      if (known) await follower.restart();
      await lab.group.leader();
      await lab.follows(follower);
      return new Followed(lab, follower);
    },
    dispose: async () => lab?.stop(),
  };
});
