/** Names of members: a node whose disk was lost or replaced is another member, so its incarnation is part of the name. */
import { asPeer, type PeerId } from '#events/raft/entry.ts';

export const peerOf = (node: string, incarnation: string): PeerId => asPeer(`${node}.${incarnation}`);

/** @returns the node that a member is, or was */
export const nodeOf = (peer: PeerId): string => peer.slice(0, peer.lastIndexOf('.'));

export const incarnationOf = (peer: PeerId): string => peer.slice(peer.lastIndexOf('.') + 1);
