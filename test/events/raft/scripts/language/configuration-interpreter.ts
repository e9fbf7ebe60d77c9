/** The commands of scripts about one configuration and how it changes. */
import { changed, configurationOf, noMembers, problemOf, type Configuration } from '#events/raft/configuration.ts';
import { changeOf } from './changes.ts';
import { configurationLine } from './print.ts';
import type { Interpreter } from './script.ts';
import { Words } from './words.ts';

export function configurationInterpreter(): Interpreter {
  let now: Configuration = noMembers;

  return (line) => {
    const words = new Words(line);
    if (words.verb === 'start') {
      now = configurationOf(words.peersNamed('voters') ?? [], words.peersNamed('learners'));
      words.end();
      return [configurationLine(now)];
    }
    if (words.verb !== 'change') throw new Error(`there is no command ${words.verb}`);
    const change = changeOf(words);
    words.end();
    const before = JSON.stringify(now);
    const next = changed(now, change);
    if (JSON.stringify(now) !== before) throw new Error('the configuration before was touched');
    if ('refused' in next) return [`refused: ${next.refused}`];
    const problem = problemOf(next);
    if (problem !== undefined) throw new Error(`became unsound: ${problem}`);
    now = next;
    return [configurationLine(now)];
  };
}
