/** What everybody asks of a target: who can reach it, and when what failed is tried again. */
import type { TargetStore } from '#events/backup-target.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, Decision, LabView } from '../actor.ts';
import { systemNamespace, withNamed } from '../drafting.ts';
import { idFrom } from '../ids.ts';
import { isMember, membersOf } from '../node/known.ts';
import { reject } from '../rejection.ts';

type Target = ActorState<'backup-target'>;

export const withTarget = (lab: LabView, name: string, then: (target: Target) => Decision): Decision =>
  withNamed(lab, 'backup-target', { namespace: systemNamespace, name }, then);

/** The one node that has its folder; undefined: all nodes can reach it. */
export const homeOf = ({ context: { spec } }: Target): StreamId<'node'> | undefined => homeOfStore(spec.store);

export const homeOfStore = (store: TargetStore): StreamId<'node'> | undefined =>
  store.kind === 'directory' || store.kind === 'pool' ? store.node : undefined;

/** Backups of this lab go there. */
export const isOurs = ({ context: { spec } }: Target): boolean => !spec.foreign && !spec.lent;

/** And it is this lab that thins them out. */
export function isThinnedHere(target: Target): boolean {
  const { store } = target.context.spec;
  return isOurs(target) && !(store.kind === 'lab' && store.appendOnly);
}

/** A backup beside what it is of goes with the same disks. @returns the refusal, of a volume that is in the pool of the target */
export function beside(volume: ActorState<'volume'>, target: Target): Problem | undefined {
  const { store } = target.context.spec;
  const { node, pool, metadata } = volume.context;
  if (store.kind !== 'pool' || store.node !== node || store.pool !== pool) return undefined;
  return {
    code: 'INVALID',
    message: `Backup target ${target.context.metadata.name} is in pool ${pool}, and so is volume ${metadata.name}: they would be lost together.`,
    hint: 'Back it up to a target in another pool, in a folder or in a bucket.',
  };
}

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
