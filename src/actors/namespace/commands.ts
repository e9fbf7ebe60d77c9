import { name } from '#events/values/name.ts';
import * as z from 'zod';
import { labelsInput } from '../drafting.ts';

export const namespaceCommands = {
  'create-namespace': z.strictObject({ name, labels: labelsInput }),
  'delete-namespace': z.strictObject({ name }),
};
