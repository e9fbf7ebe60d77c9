/**
 * Giving a command from the web app. Nothing is shown before the lab has said so: the button waits for the answer, the
 * rows change when the lab's rows do, and the tray follows the operation.
 */
import { useCallback, useState } from 'react';
import type { CommandInputs, CommandName } from '#actors/commands.ts';
import type { CommandAnswer } from '#io/contract/routes.ts';
import type { Problem } from '#io/contract/problem.ts';
import { ApiError, UnreachableError } from '#ui/client/errors.ts';
import { notify } from '../components/toasts.tsx';
import { rest } from './clients.tsx';

/** What went wrong, as one sentence, and what to do about it. */
export interface Trouble {
  readonly title: string;
  readonly hint: string | undefined;
  readonly problem: Problem | undefined;
}

export function troubleOf(error: unknown): Trouble {
  if (error instanceof ApiError) {
    const { problem } = error;
    return { title: problem.detail, hint: problem.hint, problem };
  }
  if (error instanceof UnreachableError) {
    return {
      title: error.maybeSent ? 'The lab did not answer: nobody knows yet what came of it.' : 'The lab does not answer.',
      hint: error.maybeSent ? 'Look into Activity before you try again.' : 'Try again when it is back.',
      problem: undefined,
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { title: `The web app failed: ${message}`, hint: 'Reload the page.', problem: undefined };
}

export interface CommandRunner {
  /** @returns the answer, or undefined when it was refused, which was said */
  run<N extends CommandName>(name: N, input: CommandInputs[N]): Promise<CommandAnswer | undefined>;
  readonly isRunning: boolean;
}

export function useCommand(): CommandRunner {
  const [running, setRunning] = useState(0);
  const run = useCallback(async <N extends CommandName>(name: N, input: CommandInputs[N]) => {
    setRunning((n) => n + 1);
    try {
      const answer = await rest.run(name, input);
      const last = answer.events.at(-1);
      if (answer.unchanged) notify({ tone: 'off', title: 'Nothing to do: it is so already.' });
      else if (answer.operation === undefined && last) notify({ tone: 'running', title: last.words });
      return answer;
    } catch (error) {
      const { title, hint } = troubleOf(error);
      notify({ tone: 'failed', title, hint });
      return undefined;
    } finally {
      setRunning((n) => n - 1);
    }
  }, []);
  return { run, isRunning: running > 0 };
}
