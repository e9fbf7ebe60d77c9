/** How a node sees the group at a moment: what it tells whoever follows it, or looks for somebody to follow. */
import * as z from 'zod';
import { isMember, membersOf, type Configuration } from '#events/raft/configuration.ts';
import { asPeer, type PeerId } from '#events/raft/entry.ts';
import type { History } from '../history/history.ts';
import type { MemberStatus } from '../member/protocol.ts';

const index = z.int().min(0);
const peer = z.string().max(256).transform(asPeer);
const peers = z.array(peer).max(64);
const configuration = z.object({
  voters: peers,
  outgoing: peers,
  learners: peers,
  learnersNext: peers,
  autoLeave: z.boolean(),
});

/** A sealed segment by its end. Equal hashes mean equal histories up to there. */
const sealed = z.object({ last: index, sha256: z.string().regex(/^[0-9a-f]{64}$/) });

export const sightSchema = z.object({
  /** Of the lab, which a recovery raises: nobody follows what is of another one. */
  cluster: z.string().max(256),
  generation: index,
  /** Who tells it. */
  peer,
  /** It takes part in consensus, so it can be followed. */
  isPeer: z.boolean(),
  term: index,
  leader: peer.nullable(),
  configuration,
  /** Entry up to which it knows everything to be agreed on, */
  committed: index,
  /** and up to which its history has it; nothing up to the floor. */
  last: index,
  floor: index,
  /** Its newest sealed segment. */
  sealed: sealed.nullable(),
  /** Ids of the nodes that follow it. */
  serves: z.array(z.string().max(256)).max(1024),
});

export type Sight = z.infer<typeof sightSchema>;

/** Whose log it is. */
export interface Whose {
  readonly cluster: string;
  readonly generation: number;
}

export interface Seen {
  readonly whose: Whose;
  readonly status: MemberStatus;
  readonly isPeer: boolean;
  readonly history: History;
  readonly serves: Iterable<string>;
}

export function sightOf({ whose, status, isPeer, history, serves }: Seen): Sight {
  const { cluster, generation } = whose;
  const { peer: self, term, leader, committed, configuration: group } = status;
  const { voters, outgoing, learners, learnersNext, autoLeave } = group;
  const newest = history.manifest().at(-1);
  return {
    cluster,
    generation,
    peer: self,
    isPeer,
    term,
    leader: leader ?? null,
    configuration: {
      voters: [...voters],
      outgoing: [...outgoing],
      learners: [...learners],
      learnersNext: [...learnersNext],
      autoLeave,
    },
    // The history is written a moment later than that is told, or, of what is told once in a while, earlier.
    committed: Math.max(committed, history.last),
    last: history.last,
    floor: history.floor.index,
    sealed: newest ? { last: newest.last, sha256: newest.sha256 } : null,
    serves: [...new Set(serves)].toSorted(),
  };
}

export const includes = (group: Configuration, self: PeerId): boolean => isMember(group, self);

export const sizeOf = (group: Configuration): number => membersOf(group).length;
