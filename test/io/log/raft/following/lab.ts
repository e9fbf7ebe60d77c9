/** Groups with nodes beside them that follow, for tests. */
import { asIndex, type LabEvent } from '#events/envelope.ts';
import type { ChangeStep } from '#events/raft/configuration.ts';
import type { PeerId } from '#events/raft/entry.ts';
import { peerOf } from '#io/log/raft/engine/peer.ts';
import { entryFor, never } from '#test/io/log/entries.ts';
import { expect } from 'vitest';
import { TestGroup, type GroupOptions, type TestMember } from '../engine/group.ts';

export class FollowedGroup {
  readonly group: TestGroup;
  readonly peers: readonly TestMember[];
  readonly followers: readonly TestMember[];

  private constructor(group: TestGroup, peers: readonly TestMember[], followers: readonly TestMember[]) {
    this.group = group;
    this.peers = peers;
    this.followers = followers;
  }

  /** @param before entries that the group has when the others come */
  static async make(peers: number, followers: number, options: GroupOptions = {}, before = 0): Promise<FollowedGroup> {
    const group = new TestGroup(options);
    const members = await group.start(peers);
    await appendMany(await group.leader(), before);
    const isStored = ({ log, opened }: TestMember): boolean =>
      log.head >= before && opened.keeper.history.last >= log.applied;
    await group.until(() => members.every(isStored), 'all peers having that');
    const others: TestMember[] = [];
    for (let n = 1; n <= followers; n++) others.push(await group.add(peerOf(`other${n}`, 'a')));
    return new FollowedGroup(group, members, others);
  }

  get all(): readonly TestMember[] {
    return [...this.peers, ...this.followers];
  }

  memberAt(node: string): TestMember {
    return this.group.members.get(peerOf(node, 'a')) as TestMember;
  }

  /** @returns node that it follows */
  follows(member: TestMember): Promise<string> {
    return this.group.until(() => member.follows, `${member.peer} following somebody`);
  }

  have(members: readonly TestMember[], head: number): Promise<true> {
    return this.group.until(() => members.every(({ log }) => log.head >= head), `everybody having event ${head}`);
  }

  stop(): Promise<void> {
    return this.group.stop();
  }
}

export const append = (member: TestMember, stream: `volume:${string}` = 'volume:a') =>
  member.log.append(entryFor([stream]), never);

/** An entry each: what is appended in one turn would be one entry (`engine/batch.ts`). */
/** A few in each turn: those become one entry. */
export async function appendMany(member: TestMember, count: number): Promise<void> {
  const each = 5;
  for (let n = 0; n < count; n += each)
    await Promise.all(Array.from({ length: Math.min(each, count - n) }, (_, at) => append(member, `volume:${at}`)));
}

async function eventsOf(member: TestMember): Promise<readonly LabEvent[]> {
  const events: LabEvent[] = [];
  for await (const slice of member.log.read(asIndex(0), member.log.head)) events.push(...slice);
  return events;
}

/** Events, and the files that they stand in. */
export async function expectAlike(members: readonly TestMember[]): Promise<void> {
  const [first, ...others] = await Promise.all(members.map(eventsOf));
  for (const events of others) expect(events).toEqual(first);
  const [segments, ...more] = members.map(({ opened }) => opened.keeper.history.manifest());
  for (const one of more) expect(one).toEqual(segments);
  for (const { opened } of members) expect(await opened.keeper.history.verify()).toBeUndefined();
}

export const change = (leader: TestMember, step: ChangeStep['do'], peer: PeerId): Promise<void> =>
  leader.log.change({ steps: [{ do: step, peer }], transition: 'auto' }, new Uint8Array(0), leader.status?.term ?? 0);
