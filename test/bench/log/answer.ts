/** In a process that a benchmark started: answers the calls of whoever started it (`remote.ts`), and ends with it. */
import '../../../bin/v8.js';

export interface Question {
  readonly id: number;
  readonly method: string;
  readonly input: unknown;
}

export type Answer = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });

/** For the process: what it answers to. @param end is called when whoever started it is gone, or wants it to end */
export function answerCalls(
  methods: Readonly<Record<string, (input: never) => Promise<unknown>>>,
  end: () => Promise<void>,
): void {
  process.on('message', ({ id, method, input }: Question) => {
    const answer = methods[method];
    const done = answer ? answer(input as never) : Promise.reject(new Error(`nothing answers to ${method}`));
    done.then(
      (value) => process.send?.({ id, value }),
      (error: unknown) =>
        process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.on('disconnect', () => {
    void end().finally(() => process.exit(0));
  });
}
