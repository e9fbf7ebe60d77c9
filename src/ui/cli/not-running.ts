/** An app without containers, told to whoever wants something of one. */
import type { AppRow } from '#projections/views/apps.ts';
import { isResting } from '#ui/client/address.ts';
import { CliError } from './errors.ts';

export function notRunning(app: Pick<AppRow, 'name' | 'state'>): CliError {
  const { name, state } = app;
  const how = state === 'failed' ? 'failed' : `is ${state}`;
  const hint = isResting(app) ? `floatlab app start ${name}` : `floatlab app show ${name} shows how far it is.`;
  return new CliError('NOT_RUNNING', 5, `App ${name} ${how}: nothing of it runs.`, hint);
}
