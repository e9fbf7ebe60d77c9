/** Which backups stay: by the grammar of retention, for each volume of each lab by itself. And what goes, goes. */
import type { KeepRule } from '#events/values/keep.ts';
import { decideRetention, type Verdict } from '#actors/retention/decide.ts';
import { manifestKey, type Manifest } from './format/manifest.ts';
import type { Repository } from './repository.ts';

/**
 * @param nowMs the time of the lab: a backup of a snapshot from after that stays, and nothing is counted back from it
 * @param protectedIds stay whatever the rules say, with the reason
 */
export function decideBackups(
  manifests: readonly Manifest[],
  rules: readonly KeepRule[],
  nowMs: number,
  protectedIds: ReadonlyMap<string, string> = new Map(),
): readonly Verdict[] {
  const groups = new Map<string, Manifest[]>();
  for (const manifest of manifests) {
    const of = JSON.stringify([manifest.subject.lab, manifest.subject.volume]);
    groups.set(of, [...(groups.get(of) ?? []), manifest]);
  }
  return [...groups.values()].flatMap((group) =>
    decideRetention(
      rules,
      group.map(({ id, subject }) => {
        const reason = protectedIds.get(id);
        return { id, takenAt: subject.snapshot.takenAt, ...(reason === undefined ? {} : { protected: reason }) };
      }),
      nowMs,
    ),
  );
}

/** From now on there are no such backups; their data goes with the next prune. Without effect for what is not there. */
export async function forget({ options }: Repository, ids: readonly string[], signal: AbortSignal): Promise<void> {
  for (const id of ids) await options.store.delete(manifestKey(id), signal);
}
