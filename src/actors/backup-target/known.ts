/** What everybody asks of a target: who can reach it, and when what failed is tried again. */
import type { StreamId } from '#events/envelope.ts';
import type { ActorState, Decision, LabView } from '../actor.ts';
import { systemNamespace, withNamed } from '../drafting.ts';
import { idFrom } from '../ids.ts';
import { isMember, membersOf } from '../node/known.ts';
import { reject } from '../rejection.ts';

type Target = ActorState<'backup-target'>;

export const withTarget = (lab: LabView, name: string, then: (target: Target) => Decision): Decision =>
  withNamed(lab, 'backup-target', { namespace: systemNamespace, name }, then);

/** The one node that has its folder; undefined: all nodes can reach it. */
export const homeOf = ({ context: { spec } }: Target): StreamId<'node'> | undefined =>
  spec.store.kind === 'directory' ? spec.store.node : undefined;

/**
 * Who works with it: its home, else the node that would be best, else any that is up.
 * @returns undefined while there is none
 */
export function keeperOf(target: Target, lab: LabView, best?: StreamId<'node'> | null): StreamId<'node'> | undefined {
  const isUp = (node: StreamId<'node'>): boolean => lab.get(node)?.state === 'up';
  const home = homeOf(target);
  if (home !== undefined) {
    const node = lab.get(home);
    return node && isMember(node) ? home : undefined;
  }
  if (best !== undefined && best !== null && isUp(best)) return best;
  return membersOf(lab).find(({ stream }) => isUp(stream))?.stream;
}

export function notReachable(target: Target): ReturnType<typeof reject> {
  const { name } = target.context.metadata;
  return reject(
    'NOT_NOW',
    `No node that can reach backup target ${name} is in the lab.`,
    `See: floatlab backup target show ${name}.`,
  );
}

const baseMs = 60_000;
const mostMs = 60 * 60_000;

/** What does not pass by itself: a person has to look. */
const personal: ReadonlySet<string> = new Set(['INVALID', 'PERMISSION', 'UNSUPPORTED', 'NOT_FOUND']);
export const waitsForPerson = (code: string): boolean => personal.has(code);

/** @param failures in a row, this one counted in @returns between half and the whole of 1 min × 2^(failures − 1), at most 1 h */
export function backoffOf(stream: StreamId, failures: number): number {
  const whole = Math.min(mostMs, baseMs * 2 ** Math.min(failures - 1, 20));
  // Drawn from nothing, so that every leader says the same; and not all targets are tried at the same moment.
  const chance = [...idFrom('backoff', stream, failures)].reduce(
    (sum, char) => (sum * 31 + char.charCodeAt(0)) % 9973,
    7,
  );
  return Math.round(whole * (0.5 + chance / 9973 / 2));
}
