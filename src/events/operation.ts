/** What a person asked for and may wait for: begun with the command, ended when its target settles. */
import * as z from 'zod';
import { event } from './define.ts';
import { kinds } from './envelope.ts';
import { metadata, problem } from './values/metadata.ts';

const streamRef = z.templateLiteral([z.enum(kinds), ':', z.string()]);

export const operationEvents = {
  'operation.started': event(
    1,
    z.strictObject({ metadata, command: z.string().max(64), target: streamRef, targetName: z.string().max(255) }),
  ),
  'operation.succeeded': event(1, z.strictObject({})),
  'operation.failed': event(1, z.strictObject({ problem })),
};
