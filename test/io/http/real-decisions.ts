/** A server whose commands are decided by the real decisions, on a lab of the test. */
import { asIndex, type StreamId } from '#events/envelope.ts';
import type { CommandName } from '#actors/commands.ts';
import type { TestLab } from '#test/actors/test-lab.ts';
import { startServer, type Answer } from './test-server.ts';

/** What is asked of a route: its path, and a body if it takes one. */
export type Asked = readonly [path: string, body?: object];

export async function askOf(real: TestLab, method: string, [path, body]: Asked): Promise<Answer> {
  const { api, lab } = await startServer();
  lab.onRun = ({ name, input }) => {
    const { events, rejected } = real.run(name as CommandName, input as never);
    if (rejected) return { rejected };
    const operation = events.find(({ type }) => type === 'operation.started')?.stream as
      | StreamId<'operation'>
      | undefined;
    const told = events.map(({ stream, type, data }) => ({ stream, type, data, words: '' }));
    return { index: asIndex(real.index), unchanged: events.length === 0, operation, events: told };
  };
  return api(path, { method, ...(body === undefined ? {} : { body }) });
}
