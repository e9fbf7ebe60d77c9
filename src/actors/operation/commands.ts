import { problem } from '#events/values/metadata.ts';
import * as z from 'zod';

export const operationCommands = {
  'finish-operation': z.strictObject({
    operation: z.templateLiteral(['operation:', z.string()]),
    problem: problem.exactOptional(),
  }),
};
