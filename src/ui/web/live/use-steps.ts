/** Several commands, one after the other: the next one is given once the lab has said that the one before is done. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { RestoreStep } from '../format/restore-app.ts';
import { rest } from './clients.tsx';
import { troubleOf, type Trouble } from './use-command.ts';

interface Steps {
  /** That are taken; undefined before the first. */
  readonly steps: readonly RestoreStep[] | undefined;
  /** Which one is taken now; as many as there are once all are done. */
  readonly at: number;
  readonly trouble: Trouble | undefined;
  readonly isRunning: boolean;
  /** Goes on where it failed. */
  start(steps: readonly RestoreStep[]): Promise<void>;
}

export function useSteps(): Steps {
  const [state, setState] = useState<Omit<Steps, 'start'>>({
    ...{ steps: undefined, at: 0, trouble: undefined, isRunning: false },
  });
  const waiting = useRef<AbortController>(undefined);
  const reached = useRef(0);
  useEffect(() => () => waiting.current?.abort(), []);
  const start = useCallback(async (steps: readonly RestoreStep[]) => {
    const abort = new AbortController();
    waiting.current = abort;
    try {
      for (; reached.current < steps.length; reached.current++) {
        setState({ steps, at: reached.current, trouble: undefined, isRunning: true });
        const step = steps[reached.current];
        if (step) await take(step, abort.signal);
      }
      setState({ steps, at: reached.current, trouble: undefined, isRunning: false });
    } catch (error) {
      if (abort.signal.aborted) return;
      const trouble = error instanceof StepFailed ? error.trouble : troubleOf(error);
      setState({ steps, at: reached.current, trouble, isRunning: false });
    }
  }, []);
  return { ...state, start };
}

async function take({ command, input }: RestoreStep, signal: AbortSignal): Promise<void> {
  const { operation } = await rest.run(command, input, { signal });
  if (operation === undefined) return;
  const { problem } = await rest.waitOperation(operation, { signal });
  if (problem) throw new StepFailed({ title: problem.message, hint: problem.hint, problem: undefined });
}

/** The lab took the command, and could not do what it asks for. */
class StepFailed extends Error {
  readonly trouble: Trouble;

  constructor(trouble: Trouble) {
    super(trouble.title);
    this.trouble = trouble;
  }
}
