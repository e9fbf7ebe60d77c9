/** What a script learns from the exit code. Each class of problem has one; `docs/cli.md` shows the same table. */
import type { ProblemClass } from '#io/contract/problem.ts';

export const exitCodes = [
  [0, 'done'],
  [1, 'failed: what was asked for was tried and did not work'],
  [2, 'usage: the command, an option, a value or a compose file is not valid'],
  [3, 'not signed in, not allowed, or too many attempts'],
  [4, 'not found'],
  [5, 'conflict: not possible now, or the name is taken'],
  [6, 'refused: it would do harm, and the message says what'],
  [7, 'time-out or unknown outcome: look before you repeat it'],
  [8, 'no quorum, or the lab cannot be reached'],
  [130, 'interrupted with Ctrl-C'],
] as const;
export type ExitCode = (typeof exitCodes)[number][0];

export const exitCodeOf: Readonly<Record<ProblemClass, ExitCode>> = {
  invalid: 2,
  unauthenticated: 3,
  forbidden: 3,
  limited: 3,
  missing: 4,
  conflict: 5,
  refused: 6,
  unknown: 7,
  unavailable: 8,
  internal: 1,
};

/** Of whoever asks how the lab is, when it has no leader. */
export const noQuorumExit: ExitCode = exitCodeOf.unavailable;
