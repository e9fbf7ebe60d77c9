/** A group of members and the network between them. Messages wait, in the order in which they left, until delivered. */
import type { PeerId } from '#events/raft/entry.ts';
import type { Message } from '#events/raft/message.ts';
import type { Disk } from './disk.ts';
import { Laws } from './laws.ts';
import { Member, type MemberOptions } from './member.ts';

export class Group {
  readonly #members = new Map<PeerId, Member>();
  #network: readonly Message[] = [];
  #laws = new Laws();

  /** Adds a member, or starts one anew on another disk. */
  add(id: PeerId, disk: Disk, options: MemberOptions): void {
    const post = (message: Message) => {
      this.#laws.checkLeaving(message, disk);
      this.#network = [...this.#network, message];
    };
    this.#laws.forget(id);
    this.#members.set(id, new Member(id, disk, options, post));
  }

  member(id: PeerId): Member {
    const member = this.#members.get(id);
    if (!member) throw new Error(`there is no ${id}`);
    return member;
  }

  get ids(): readonly PeerId[] {
    return [...this.#members.keys()];
  }

  get network(): readonly Message[] {
    return this.#network;
  }

  check(): void {
    this.#laws.check(this.#members.values());
  }

  /** Takes these messages out of the network. */
  take(wanted: (message: Message) => boolean): readonly Message[] {
    const taken = this.#network.filter((message) => wanted(message));
    this.#network = this.#network.filter((message) => !taken.includes(message));
    return taken;
  }

  /** @returns whether it arrived */
  deliver(message: Message): boolean {
    const raft = this.#members.get(message.to)?.raft;
    raft?.step(message);
    return raft !== undefined;
  }

  /** Until nothing is left to do among these members: what they have to do, then what they said to one another. */
  stabilize(ids: readonly PeerId[]): readonly string[] {
    const lines: string[] = [];
    for (let round = 0; round < 100; round++) {
      const before = lines.length;
      for (const id of ids) while (this.member(id).hasReady) lines.push(...this.member(id).ready());
      for (const id of ids) {
        if (this.member(id).hasJob) lines.push(...this.member(id).store(false));
        if (this.member(id).isApplying) lines.push(...this.member(id).apply());
      }
      // Nobody hears what is said to a member that is down.
      const messages = this.take(
        ({ from, to }) => ids.includes(from) && (ids.includes(to) || !this.#members.get(to)?.raft),
      );
      for (const message of messages) this.deliver(message);
      this.check();
      if (lines.length === before && messages.length === 0) return lines;
    }
    throw new Error('no rest after 100 rounds');
  }
}
