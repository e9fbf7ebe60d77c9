/** An app without containers, told to whoever wants something of one. */
import { unknownState } from '#projections/unheard.ts';
import type { AppRow } from '#projections/views/apps.ts';
import { isResting } from '#ui/client/address.ts';
import { CliError } from './errors.ts';

/** `failed`, `is stopping`. */
export const howItIs = ({ state }: Pick<AppRow, 'state'>): string => {
  if (state === unknownState) return 'is on a node that is down';
  return state === 'failed' ? 'failed' : `is ${state}`;
};

export function notRunning(app: Pick<AppRow, 'name' | 'state' | 'delay'>): CliError {
  const { name, state, delay } = app;
  // It names the node, and says whether it was stopped or fell silent.
  if (state === unknownState && delay) return new CliError('NOT_RUNNING', 5, delay.message, delay.hint);
  const how = howItIs(app);
  const hint = isResting(app) ? `floatlab app start ${name}` : `floatlab app show ${name} shows how far it is.`;
  return new CliError('NOT_RUNNING', 5, `App ${name} ${how}: nothing of it runs.`, hint);
}
