/** How an event looks in a list: by what it says about its object, as far as its name tells. */
import type { Tone } from './state.ts';

const endings: readonly (readonly [RegExp, Tone])[] = [
  [/(?:\.|-)(?:failed|went-down)$/, 'failed'],
  [/(?:degraded|delayed|warned|filled|rollback-abandoned|removal-refused|found-gone|snapshots-lost)$/, 'attention'],
  [/(?:started|recovered|provisioned|taken|rolled-back|succeeded|came-up|joined|uncordoned|eased)$/, 'running'],
  [/(?:requested|assigned|placed|paused|resumed|updated|drained|retried|fired|created|changed|attached)$/, 'changing'],
];

/** `operation.started` and `app.created` begin something; what is left rests. */
export function toneOfEvent(type: string): Tone {
  if (type === 'operation.started') return 'changing';
  return endings.find(([ending]) => ending.test(type))?.[1] ?? 'off';
}
