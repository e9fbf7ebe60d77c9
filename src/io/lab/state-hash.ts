/**
 * What the lab is, in a few bytes: equal on two nodes that folded the same events to the same states, and by all odds on no
 * others. One checksum for each actor, added up; an actor that did not change since the last time is not looked at again.
 * It finds mistakes, and nobody who makes them on purpose.
 */
import { crc32 } from 'node:zlib';
import type { ActorState, LabView } from '#actors/actor.ts';
import { foldVersion } from '#actors/machines.ts';
import { foldVersionIn } from '#actors/libraries.ts';
import { kinds, type StreamId } from '#events/envelope.ts';
import { stored } from './state.ts';

/** Sums stay exact. */
const modulus = 2 ** 48;

export class StateHash {
  /** Of each actor as it was the last time. */
  #known: ReadonlyMap<StreamId, Known> = new Map();

  of(lab: LabView): string {
    const known = new Map<StreamId, Known>();
    let sum = 0;
    for (const kind of kinds) {
      for (const actor of lab.list(kind)) {
        const before = this.#known.get(actor.stream);
        const now = before?.actor === actor ? before : { actor, sum: crc32(textOf(stored(actor))) };
        known.set(actor.stream, now);
        sum = (sum + now.sum) % modulus;
      }
    }
    this.#known = known;
    return `${known.size}-${sum.toString(16)}`;
  }
}

interface Known {
  readonly actor: ActorState;
  readonly sum: number;
}

/** By what it was folded: only what was folded by the same can be compared. */
export const foldedBy = (lab: LabView): string => `${foldVersionIn(lab)}.${foldVersion}`;

/** The same text for the same values, in whatever order an object got its keys. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return String(value);
  let text = '';
  if (Array.isArray(value)) {
    for (const one of value) text += `${textOf(one)},`;
    return `[${text}]`;
  }
  for (const key of Object.keys(value).toSorted()) {
    const one = (value as Readonly<Record<string, unknown>>)[key];
    if (one !== undefined) text += `${key}:${textOf(one)},`;
  }
  return `{${text}}`;
}
