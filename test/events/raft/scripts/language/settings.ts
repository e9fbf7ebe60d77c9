/**
 * Settings in words: `pre-vote check-quorum async max-inflight=3`. Where a script says nothing: no pre-vote, no
 * check-quorum, three ticks to an election, so that a script shows what it is about and nothing besides.
 */
import { defaultSettings, type RaftSettings } from '#events/raft/settings.ts';
import type { MemberOptions } from './member.ts';
import type { Words } from './words.ts';

const quiet: RaftSettings = { ...defaultSettings, electionTicks: 3, preVote: false, checkQuorum: false };

const numbers = {
  'election-ticks': 'electionTicks',
  'heartbeat-ticks': 'heartbeatTicks',
  'max-append-bytes': 'maxAppendBytes',
  'max-inflight': 'maxInflight',
  'max-inflight-bytes': 'maxInflightBytes',
  'max-uncommitted-bytes': 'maxUncommittedBytes',
  'max-apply-bytes': 'maxApplyBytes',
} as const;

export function optionsOf(words: Words, before?: MemberOptions): MemberOptions {
  const settings = { ...(before?.settings ?? quiet) };
  const { preVote, checkQuorum } = settings;
  const changed: Record<string, number> = {};
  for (const [word, setting] of Object.entries(numbers)) {
    const value = words.numberNamed(word);
    if (value !== undefined) changed[setting] = value;
  }
  return {
    settings: {
      ...settings,
      ...changed,
      preVote: words.flag('pre-vote') || preVote,
      checkQuorum: words.flag('check-quorum') || checkQuorum,
    },
    isAsync: words.flag('async') || (before?.isAsync ?? false),
  };
}
