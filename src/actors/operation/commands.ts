import { problem } from '#events/values/metadata.ts';
import * as z from 'zod';

export const operationCommands = {
  /** What is under way is called off, and undone. By its name (`op-7kq2wxyz`) or its id. */
  'cancel-operation': z.strictObject({ id: z.string().min(1).max(128) }),
  'finish-operation': z.strictObject({
    operation: z.templateLiteral(['operation:', z.string()]),
    problem: problem.exactOptional(),
  }),
};
