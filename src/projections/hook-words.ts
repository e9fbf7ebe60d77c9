/** What became of the commands of an app around a snapshot, where that needs saying. */
import type { HookOutcome, HookOutcomes } from '#events/snapshot.ts';

const hasFailed = (hook: HookOutcome | undefined): boolean => hook?.ended === 'failed' || hook?.ended === 'timed-out';

const howOf = ({ ended, exitCode }: HookOutcome): string =>
  ended === 'timed-out' ? 'did not end in time' : `ended with exit code ${exitCode ?? '?'}`;

/** @returns undefined when all went as it should */
export function hookTrouble(hooks: HookOutcomes | null | undefined): string | undefined {
  const { before, after } = hooks ?? {};
  if (before && hasFailed(before)) return `taken without its hook: in service ${before.service} it ${howOf(before)}`;
  if (after && hasFailed(after)) return `the hook after it, in service ${after.service}, ${howOf(after)}`;
  return undefined;
}
