/** Who this node is among the nodes of its lab, whom it lets in, and what it knows of the one at the other end. */
import type { KeyPair } from '../pki/ca.ts';

export interface ProtocolRange {
  readonly min: number;
  readonly max: number;
}

/** What a node shows and says of itself. Immutable: a renewed certificate or a new generation is a new identity. */
export interface LinkIdentity {
  /** Id of the lab. */
  readonly cluster: string;
  /** Raised by recovery and restore: who missed one is not let in. */
  readonly generation: number;
  readonly node: string;
  /** Of its disk: another one after that was lost. */
  readonly incarnation: string;
  /** Of this run of the program, chosen at its start, the same in all its threads: tells two copies of a node apart. */
  readonly run: string;
  /** Of the program, for people. */
  readonly version: string;
  readonly protocol: ProtocolRange;
  /** PEM: this node's certificate alone, and its private key. */
  readonly certificate: KeyPair;
  /** PEM of the lab's authority. */
  readonly caCert: string;
}

/** What the lab has admitted a node with. */
export interface Admitted {
  /** SHA-256 of its public key (SPKI), hex. */
  readonly keySha256: string;
  /** If given, no other one is let in. */
  readonly incarnation?: string;
}

/** Asked at every handshake. @returns undefined for who is not, or no longer, a node of the lab */
export type Admission = (node: string) => Admitted | undefined;

/** The other end of a link, as it was proven at the handshake. */
export interface Peer {
  readonly node: string;
  readonly incarnation: string;
  readonly run: string;
  readonly version: string;
  /** The highest that both speak. */
  readonly protocol: number;
}
