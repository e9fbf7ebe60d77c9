/** What is said between the thread of consensus and the one that has the log. */
import type { Configuration } from '#events/raft/configuration.ts';
import type { RaftSettings } from '#events/raft/settings.ts';
import type { LeaseSettings } from '#events/lease/settings.ts';
import type { FromLeases, ToLeases } from '../../../lease/protocol.ts';
import type { LinkIdentity } from '../../../links/identity.ts';
import type { Target } from '../../../links/kept.ts';
import type { FromMember, ToMember } from '../member/protocol.ts';
import type { MemberTiming } from '../member/timing.ts';
import type { Finding, Identity, SnapshotPointer } from '../storage.ts';
import type { Position } from '../suspicion.ts';

export interface ThreadStart {
  readonly self: Identity;
  readonly folders: { readonly raft: string; readonly watermark: string; readonly snapshots: string };
  /** Makes a log that begins empty; without it there must be one. */
  readonly begin: Configuration | undefined;
  /** The last entry of the history. */
  readonly applied: Position | undefined;
  readonly listen: readonly { readonly host: string; readonly port: number }[];
  readonly identity: LinkIdentity;
  readonly peers: readonly ThreadPeer[];
  readonly settings: RaftSettings;
  readonly timing: MemberTiming;
  readonly leases: LeaseSettings;
  readonly logLevel: string;
}

/** Another member: where it is, and what it must prove. */
export interface ThreadPeer extends Target {
  readonly incarnation: string;
}

export type ToThread =
  | { readonly t: 'member'; readonly message: ToMember }
  | { readonly t: 'lease'; readonly message: ToLeases }
  | { readonly t: 'identity'; readonly identity: LinkIdentity }
  | { readonly t: 'peers'; readonly peers: readonly ThreadPeer[] }
  /** The main thread lives, and has nothing to say. */
  | { readonly t: 'beat' }
  | { readonly t: 'stop' };

export type FromThread =
  | {
      readonly t: 'opened';
      readonly identity: Identity;
      readonly snapshot: SnapshotPointer | undefined;
      /** It belongs to a group, or is to be its founder. */
      readonly isMember: boolean;
      readonly findings: readonly Finding[];
      /** It lost something that it had promised, and votes alone: nobody can bring that back. */
      readonly isLost: boolean;
    }
  | { readonly t: 'member'; readonly messages: readonly FromMember[] }
  | { readonly t: 'lease'; readonly message: FromLeases }
  | { readonly t: 'log'; readonly line: string }
  | { readonly t: 'failed'; readonly error: ThreadError }
  | { readonly t: 'stopped' };

/** An error as it travels between threads. */
export interface ThreadError {
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly hint: string | undefined;
  readonly stack: string | undefined;
}
