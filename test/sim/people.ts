/**
 * Those who ask, and remember what they were told. Whoever gets no answer, because the daemon died or the line broke,
 * asks the same once more with the same command id; some who were answered do so too. What was acknowledged has
 * happened once and where it was said to have happened; what was refused has not happened.
 */
import type { LabEvent, StreamId } from '#events/envelope.ts';
import type { RunResult } from '#io/lab/port.ts';
import type { RunningLab } from '#io/lab/running.ts';
import type { Ask } from './swarm.ts';

interface Asked {
  readonly id: string;
  readonly ask: Ask;
  answer?: Answer;
}

type Answer = { readonly at: number } | { readonly nothing: string };

/** So many of those who were answered last ask once more when the daemon is back: the answer was lost on its way. */
const unsure = 3;

export class People {
  readonly #asked: Asked[] = [];
  readonly #tell: (line: string) => void;
  readonly #begun: (ask: Ask, id: string, transfer: StreamId<'transfer'>) => void;
  #wrong: string[] = [];

  /** @param begun is told of files that are on their way now, for whoever brings or fetches them */
  constructor(
    tell: (line: string) => void,
    begun: (ask: Ask, id: string, transfer: StreamId<'transfer'>) => void = () => {},
  ) {
    this.#tell = tell;
    this.#begun = begun;
  }

  /** @returns asks the same once more, or hangs up and asks once more */
  ask(lab: RunningLab, ask: Ask, isUp: () => boolean): (hangsUp: boolean) => void {
    const asked: Asked = { id: `ask-${this.#asked.length}`, ask };
    this.#asked.push(asked);
    const line = new AbortController();
    this.#send(lab, asked, line.signal, isUp);
    return (hangsUp) => {
      // A refusal is not remembered: asked again, the same may be possible.
      if (asked.answer && 'nothing' in asked.answer) return;
      if (hangsUp) line.abort();
      this.#send(lab, asked, new AbortController().signal, isUp);
    };
  }

  /** The daemon is back. */
  askAgain(lab: RunningLab, isUp: () => boolean): void {
    const open = this.#asked.filter(({ answer }) => answer === undefined);
    const done = this.#asked.filter(({ answer }) => answer && 'at' in answer).slice(-unsure);
    for (const { id, ask } of open) this.#tell(`${id} ${ask.name} is asked again`);
    for (const asked of [...done, ...open]) this.#send(lab, asked, new AbortController().signal, isUp);
  }

  #send(lab: RunningLab, asked: Asked, signal: AbortSignal, isUp: () => boolean): void {
    const { id, ask } = asked;
    const request = { id, name: ask.name, input: ask.input, by: 'user:admin' } as const;
    lab.run(request, signal).then(
      (result) => {
        // A process that has just died says nothing any more.
        if (isUp()) this.#hear(asked, result);
      },
      (error: unknown) => {
        this.#tell(`${id} ${ask.name} unanswered: ${String(error)}`);
        if (isUp() && !signal.aborted)
          this.#wrong.push(`command ${id} (${ask.name}) was not carried out: ${String(error)}`);
      },
    );
  }

  #hear(asked: Asked, result: RunResult): void {
    const answer = answerOf(result);
    const { id, ask, answer: before } = asked;
    this.#tell(`${id} ${ask.name} ${JSON.stringify(ask.input).slice(0, 60)} ${JSON.stringify(answer)}`);
    const transfer = 'events' in result ? result.events.find(({ type }) => type === 'transfer.requested') : undefined;
    if (transfer && !before) this.#begun(ask, id, transfer.stream as StreamId<'transfer'>);
    asked.answer ??= answer;
    if (before && JSON.stringify(before) !== JSON.stringify(answer))
      this.#wrong.push(
        `command ${id} (${ask.name}) was answered ${JSON.stringify(before)}, then ${JSON.stringify(answer)}`,
      );
  }

  /** @param index up to which the lab is folded */
  check(index: number): string[] {
    const wrong = this.#wrong;
    this.#wrong = [];
    for (const { id, answer } of this.#asked) {
      if (answer && 'at' in answer && answer.at > index)
        wrong.push(`command ${id} was acknowledged at ${answer.at}, and the lab is at ${index}`);
    }
    return wrong;
  }

  /** Once all has come to rest. @param events all that the log holds */
  checkAll(events: readonly LabEvent[]): string[] {
    const ends = new Map(events.map(({ command, index }) => [command, index]));
    return this.#asked.flatMap(({ id, ask, answer }) => {
      const end = ends.get(id);
      const where = end === undefined ? 'nowhere in the log' : `at ${end}`;
      if (!answer) return [`command ${id} (${ask.name}) was never answered, and is ${where}`];
      if ('at' in answer && answer.at !== end)
        return [`command ${id} (${ask.name}) was acknowledged at ${answer.at}, and is ${where}`];
      if ('nothing' in answer && end !== undefined)
        return [`command ${id} (${ask.name}) was answered ${answer.nothing}, and is ${where}`];
      return [];
    });
  }

  /** What everybody was told, for the trace. */
  get answers(): readonly (Answer | undefined)[] {
    return this.#asked.map(({ answer }) => answer);
  }
}

function answerOf(result: RunResult): Answer {
  if ('rejected' in result) return { nothing: result.rejected.code };
  return result.unchanged ? { nothing: 'unchanged' } : { at: result.index };
}
