import type { Decisions } from '../commands.ts';
import { draft, drafts } from '../drafting.ts';
import { cancelDecisions } from './cancel.ts';
import type { operationCommands } from './commands.ts';

export const operationDecisions: Decisions<keyof typeof operationCommands> = {
  ...cancelDecisions,

  'finish-operation': {
    scope: () => ({ verb: 'govern', kind: 'operation' }),
    decide: ({ input }) =>
      drafts(
        input.problem === undefined
          ? draft(input.operation, 'operation.succeeded', {})
          : draft(input.operation, 'operation.failed', { problem: input.problem }),
      ),
  },
};
