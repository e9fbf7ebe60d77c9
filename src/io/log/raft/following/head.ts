/** The history as of a source's last entry, for a node that is far behind: what a snapshot would hold. */
import { Buffer } from 'node:buffer';
import { checkHead, unpackHead } from '../history/head.ts';
import { fingerprintOf, segmentsFingerprint } from './fingerprint.ts';
import { garbled, maxFrameBytes } from './frames.ts';
import { asks, type Neighbours } from './neighbours.ts';

export interface FetchedHead {
  /** Of its last entry. */
  readonly index: number;
  readonly fingerprint: string;
  /** Its segments lie behind this entry, */
  readonly floor: number;
  /** and are these: `segmentsFingerprint`. */
  readonly segments: string;
  /** As one row of a snapshot. */
  readonly row: Uint8Array;
}

/** Checked in itself; whether it is that of the group the leader has to say. @throws with a code; LogError DAMAGED, TOO_NEW */
export async function fetchHead(neighbours: Neighbours, source: string, signal: AbortSignal): Promise<FetchedHead> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of neighbours.read(source, asks.head, null, signal)) {
    size += chunk.length;
    if (size > maxFrameBytes) throw garbled('a history as of an entry that is too large');
    parts.push(chunk);
  }
  const row = Buffer.concat(parts);
  const head = unpackHead(row);
  const index = checkHead(head);
  const floor = head.manifest.floor.index;
  const segments = segmentsFingerprint(head.manifest, floor);
  return { index, fingerprint: fingerprintOf(head.tail), floor, segments, row };
}
