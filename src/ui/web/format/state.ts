/**
 * The five looks of a state, each a shape and a colour, so that nobody has to tell colours apart:
 * ● running, ◐ changing, ▲ needs attention, ■ failed, ○ off.
 */
import type { PoolRow } from '#projections/views/pools.ts';

export type Tone = 'running' | 'changing' | 'attention' | 'failed' | 'off';

export const tones: readonly Tone[] = ['failed', 'attention', 'changing', 'running', 'off'];

const byState: Readonly<Record<string, Tone>> = {
  // things that are well
  active: 'running',
  available: 'running',
  healthy: 'running',
  online: 'running',
  ready: 'running',
  running: 'running',
  succeeded: 'running',
  up: 'running',
  // things that need somebody
  degraded: 'attention',
  unhealthy: 'attention',
  // a person has to say yes or no; nobody has heard of it
  waiting: 'attention',
  unknown: 'attention',
  // things that are broken
  down: 'failed',
  exited: 'failed',
  failed: 'failed',
  unavailable: 'failed',
  missing: 'failed',
  // things that rest
  completed: 'off',
  deleted: 'off',
  discarded: 'off',
  halted: 'off',
  off: 'off',
  removed: 'off',
  stopped: 'off',
  suspended: 'off',
};

/** Every other state is on its way somewhere. */
export const toneOf = (state: string): Tone => byState[state] ?? 'changing';

/** An operation is the one thing whose `running` means that it is not done. */
export const operationTone = (state: string): Tone => (state === 'running' ? 'changing' : toneOf(state));

const words: Readonly<Record<string, string>> = {
  copying: 'being copied',
  stopped: 'off',
  'rolling-back': 'rolling back',
  discarded: 'deleted',
};

export const stateWords = (state: string): string => words[state] ?? state.replaceAll('-', ' ');

/** An app or a volume: what it waits for is in `delay`. */
interface Delayable {
  readonly state: string;
  readonly delay: object | null;
}

/** What should go on and cannot yet is worth a look, although nothing failed. */
const isWaiting = ({ state, delay }: Delayable): boolean => delay !== null && toneOf(state) === 'changing';

export const thingTone = (thing: Delayable): Tone => (isWaiting(thing) ? 'attention' : toneOf(thing.state));
export const thingWords = (thing: Delayable): string => (isWaiting(thing) ? 'waiting' : stateWords(thing.state));

/** A pool that calls itself online may be unwell all the same. */
export function poolTone({ state, problems }: Pick<PoolRow, 'state' | 'problems'>): Tone {
  if (problems.some(({ severity }) => severity === 'faulty')) return state === 'unavailable' ? 'failed' : 'attention';
  return problems.length > 0 && toneOf(state) === 'running' ? 'attention' : toneOf(state);
}
export const poolStateWords = ({ state, problems }: Pick<PoolRow, 'state' | 'problems'>): string =>
  state === 'online' && problems.length > 0 ? 'unwell' : stateWords(state);

/** Nothing is shown as well that only was so when it was last heard of. */
export const lastKnown = (tone: Tone): Tone => (tone === 'running' || tone === 'changing' ? 'off' : tone);
