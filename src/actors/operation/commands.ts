import { problem } from '#events/values/metadata.ts';
import { z } from 'zod';

export const operationCommands = {
  'finish-operation': z.strictObject({
    operation: z.templateLiteral(['operation:', z.string()]),
    problem: problem.exactOptional(),
  }),
};
