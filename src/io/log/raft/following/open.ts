/** Puts together what makes a log go on as a member of the group or by following another node, as it comes. */
import type { PeerId } from '#events/raft/entry.ts';
import type { Clock } from '../../../devices/clock/port.ts';
import type { Directory } from '../../../stores/directory.ts';
import type { FoundHistory } from '../engine/open.ts';
import type { MemberChannel } from '../member/channel.ts';
import { EitherChannel } from './either.ts';
import { Follower } from './follower.ts';
import { Lookout } from './lookout.ts';
import { FollowMark } from './mark.ts';
import type { Neighbours } from './neighbours.ts';
import type { Whose } from './sight.ts';
import type { FollowTiming } from './timing.ts';

export interface FollowingOptions {
  readonly self: PeerId;
  readonly whose: Whose;
  readonly neighbours: Neighbours;
  readonly clock: Clock;
  readonly timing: FollowTiming;
  /** Of the mark alone. */
  openMark(): Promise<Directory>;
  /** Ids of all nodes of the lab. */
  nodes(): readonly string[];
  /** Label `zone` of a node. */
  zoneOf(node: string): string | null;
  note(message: string, details: Readonly<Record<string, unknown>>): void;
  onBroken(error: unknown): void;
}

/**
 * @param startMember starts the member of this node. It is told what that itself has applied, at least
 * @throws what it throws
 */
export async function followOrTakePart<T extends { readonly channel: MemberChannel }>(
  options: FollowingOptions,
  found: Pick<FoundHistory, 'applied' | 'keeper' | 'snapshots'>,
  startMember: (applied: FoundHistory['applied']) => Promise<T>,
): Promise<T & { readonly channel: EitherChannel }> {
  const { openMark, ...parts } = options;
  const { keeper, snapshots } = found;
  const mark = await FollowMark.open(await openMark());
  const lookout = new Lookout(parts);
  const follower = new Follower({ ...parts, lookout, keeper, snapshots });
  try {
    const started = await startMember(mark.ownOf(found.applied));
    const channel = new EitherChannel({ ...parts, member: started.channel, follower, lookout, mark, keeper });
    return { ...started, channel };
  } catch (error) {
    await mark.close();
    throw error;
  }
}
