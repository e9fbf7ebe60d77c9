/**
 * The law of the durable log: whoever opens it gets exactly what was acknowledged, or a suspect that says how far it
 * went, or a refusal. Never less, silently.
 */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { asPeer, type Entry } from '#events/raft/entry.ts';
import { Raft } from '#events/raft/raft.ts';
import { defaultSettings } from '#events/raft/settings.ts';
import { LogError } from '#io/log/port.ts';
import type { Opened } from '#io/log/raft/storage.ts';
import { StoreError } from '#io/stores/port.ts';
import type { Known } from './member.ts';

export type Outcome = 'exact' | 'suspect' | 'refused';

/**
 * @param acknowledged what every call that resolved has stored
 * @param possible what a call under way may have stored as well
 */
export function judgeOpened(opened: Opened, acknowledged: Known, possible: readonly Known[] = []): Outcome {
  checkSound(opened);
  const allowed = [acknowledged, ...possible];
  const differences = allowed.map((known) => differenceOf(opened, known));
  if (differences.includes(undefined)) return 'exact';
  const { suspect } = opened.start;
  // Nothing is missing; it only fears so, or did before.
  if (suspect && allowed.some((known) => differenceOf(opened, { ...known, suspicion: suspect }) === undefined))
    return 'suspect';
  checkSuspect(opened, acknowledged, differences);
  return 'suspect';
}

/** @returns `refused`, if the error tells a person what to do */
export function judgeRefusal(error: unknown): Outcome {
  if (!(error instanceof StoreError || error instanceof LogError)) throw error;
  expect(error.hint).toMatch(/\w/);
  return 'refused';
}

/** Whatever was found, a member can start with it. */
function checkSound({ start, identity }: Opened): void {
  const raft = new Raft({ ...start, id: asPeer(identity.incarnation) }, defaultSettings, () => 0.5);
  expect(raft.status.lastIndex).toBe(lastOf(start).index);
}

/** What of the acknowledged state is not there as it was; undefined when it all is. */
export function differenceOf({ start, identity, findings }: Opened, known: Known): string | undefined {
  const { hardState, snapshot, entries, suspect } = start;
  const last = lastOf(start);
  if (identity.incarnation === '') return 'identity';
  if (!isDeepStrictEqual(suspect, known.suspicion)) return `suspicion (${JSON.stringify(findings)})`;
  if (hardState.term !== known.hardState.term) return `term ${hardState.term} instead of ${known.hardState.term}`;
  if (hardState.vote !== known.hardState.vote) return `vote ${hardState.vote} instead of ${known.hardState.vote}`;
  if (!suspect && hardState.commit > Math.max(known.hardState.commit, snapshot.index))
    return `commit ${hardState.commit}`;
  if (last.index !== known.last.index || last.term !== known.last.term)
    return `log to ${last.index} (${last.term}) instead of ${known.last.index} (${known.last.term})`;
  for (const entry of entries) {
    const expected = known.entries.get(entry.index);
    if (expected && !isSame(entry, expected)) return `entry ${entry.index}`;
  }
  if (snapshot.index === known.start.index) {
    if (!isDeepStrictEqual(snapshot, known.start)) return 'snapshot';
  } else {
    // An older start is as good, if all entries after it are there.
    if (snapshot.index > known.start.index) return `snapshot ${snapshot.index} instead of ${known.start.index}`;
    for (let index = snapshot.index + 1; index <= known.start.index; index++)
      if (!known.entries.has(index)) return `entry ${index}, which only a snapshot held`;
  }
  return undefined;
}

/** A suspect knows how far it had gone, and claims nothing about what is committed. */
function checkSuspect({ start, findings }: Opened, known: Known, differences: readonly unknown[]): void {
  const { suspect } = start;
  const where = `differences: ${differences.join('; ')}`;
  if (!suspect) throw new Error(`something is lost, and nobody is told. ${where}`);
  expect(findings.length, where).toBeGreaterThan(0);
  expect(suspect.term, `term of the suspect, ${where}`).toBeGreaterThanOrEqual(known.hardState.term);
  const reaches =
    suspect.lastTerm > known.last.term ||
    (suspect.lastTerm === known.last.term && suspect.lastIndex >= known.last.index);
  expect(reaches, `the suspect knows of entry ${suspect.lastIndex} (${suspect.lastTerm}), ${where}`).toBe(true);
  expect(start.hardState.commit).toBe(start.snapshot.index);
}

const lastOf = ({ entries, base, snapshot }: Opened['start']): { readonly index: number; readonly term: number } => {
  const { index, term } = entries.at(-1) ?? base ?? snapshot;
  return { index, term };
};

/** Bytes as text: they may come as views of larger buffers. */
const isSame = (one: Entry, other: Entry): boolean => isDeepStrictEqual(plain(one), plain(other));
const plain = (entry: Entry) => ({ ...entry, data: Buffer.from(entry.data).toString('hex') });
