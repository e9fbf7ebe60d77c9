/** What a node has to do with leases besides holding one: to grant them when it leads, and to tell people about them. */
import type { LeaseRow } from '#events/lease/grantor.ts';
import type { ClusterMember, MemberLease } from '#io/contract/cluster.ts';
import type { RunningLab } from '../../lab/running.ts';
import type { NodeLeases } from '../../lease/node-leases.ts';
import { abortable } from '../../log/abortable.ts';
import { isClosed, type EventLog } from '../../log/port.ts';

export interface GrantingParts {
  readonly eventLog: Pick<EventLog, 'leadership' | 'head'>;
  readonly lab: { readonly replica: Pick<RunningLab['replica'], 'applied'> };
  readonly leases: Pick<NodeLeases, 'open'>;
  onBroken(error: unknown): void;
}

/** A leader grants once it has folded everything that was decided before it led. @returns the way out */
export function grantWhileLeading({ eventLog, lab, leases, onBroken }: GrantingParts): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  const follow = async (): Promise<void> => {
    for await (const { term, mine } of eventLog.leadership(signal)) {
      if (!mine) continue;
      await abortable(lab.replica.applied(eventLog.head), signal);
      leases.open(term);
    }
  };
  follow().catch((error: unknown) => {
    // A leader that granted no leases any more would go on to lead.
    if (!signal.aborted && !isClosed(error)) onBroken(error);
  });
  return () => stop.abort();
}

/** With what this node knows of their leases: of its own, and of all while it leads. */
export function withLeases(
  members: readonly ClusterMember[],
  { own, granted, nowMs }: Pick<NodeLeases, 'own' | 'granted' | 'nowMs'>,
): readonly ClusterMember[] {
  const rows = new Map(granted?.map((row) => [row.node, row]));
  return members.map((member) => {
    const row = rows.get(member.node);
    if (member.isSelf) return { ...member, lease: lasting(own.state, own.untilMs, nowMs) };
    if (granted === undefined) return member;
    return { ...member, lease: row ? leaseOf(row, nowMs) : { state: 'none' } };
  });
}

function leaseOf({ isRefused, grantedUntilMs, expiresByMs }: LeaseRow, nowMs: number): MemberLease {
  if (isRefused) return { state: 'refused' };
  if (grantedUntilMs === undefined) return { state: 'none' };
  if (nowMs < grantedUntilMs) return lasting('held', grantedUntilMs, nowMs);
  return nowMs < expiresByMs ? lasting('ending', expiresByMs, nowMs) : { state: 'lapsed' };
}

const lasting = (state: MemberLease['state'], untilMs: number | undefined, nowMs: number): MemberLease =>
  untilMs === undefined || state === 'lapsed' ? { state } : { state, leftMs: Math.max(0, Math.round(untilMs - nowMs)) };
