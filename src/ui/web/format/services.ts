/** How many services of an app run, of those that should: one that has done its work and ended is not missing. */
import type { ServiceRow } from '#projections/views/apps.ts';
import { toneOf } from './state.ts';

/** `2/3`; `2/2, 1 finished`. */
export function servicesWords(services: Readonly<Record<string, Pick<ServiceRow, 'state'>>>): string {
  const states = Object.values(services).map(({ state }) => state);
  const finished = states.filter((state) => state === 'completed').length;
  const well = states.filter((state) => toneOf(state) === 'running').length;
  const running = `${well}/${states.length - finished}`;
  return finished === 0 ? running : `${running}, ${finished} finished`;
}
