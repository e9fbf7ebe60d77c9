/** `floatlab why`: what something is, what it waits for, what is wrong with what repairs it, and what led here. */
import type { Happened, WhyAnswer } from '#io/contract/why.ts';
import { evidenceLines } from '#projections/evidence-words.ts';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { usageError } from '../errors.ts';
import { momentsOf } from '../moments.ts';
import { examples, namespaceOption, outputOptions, type LabOptions } from '../options.ts';
import { formatOf, isStructured, printStructured, type OutputOptions } from '../output/formats.ts';
import { safe } from '../output/safe.ts';
import { wrap } from '../output/width.ts';
import { briefMoment } from '../output/words.ts';

interface WhyOptions extends LabOptions, OutputOptions {
  readonly namespace?: string;
}

export function addWhyCommand(program: Command, cli: Cli): void {
  const why = program
    .command('why')
    .description('why something is as it is: what it waits for, what repairs it, and what led here')
    .argument('<item...>', 'its name, with its kind before it where several are called so: app photos');
  why.action((words: readonly string[], options: WhyOptions) => tellWhy(cli, options, words));
  examples(namespaceOption(outputOptions(why)), 'floatlab why app photos', 'floatlab why photos-db@before-upgrade');
}

async function tellWhy(cli: Cli, options: WhyOptions, words: readonly string[]): Promise<void> {
  const [item, kind] = words.length === 1 ? [words[0]] : [words[1], words[0]];
  if (item === undefined || words.length > 2) throw usageError('Say one thing: floatlab why app photos.');
  const lab = await cli.lab(options);
  const namespace = lab.namespace(options);
  const answer = await lab.rest.why({ item, kind, namespace }, { signal: cli.world.interrupt });
  const format = formatOf(options);
  if (options.quiet) return cli.print.data(answer.state);
  if (isStructured(format)) return printStructured(cli.print, format, answer);
  for (const { indent, text } of linesOf(answer, cli)) {
    for (const [n, line] of wrap(safe(text), cli.print.width - indent.length).entries()) {
      cli.print.data(`${n === 0 ? indent : ' '.repeat(indent.length)}${line}`);
    }
  }
}

/** What stands in one line, or in several below one another where that is too narrow. */
interface Line {
  readonly indent: string;
  readonly text: string;
}

function linesOf(answer: WhyAnswer, cli: Cli): readonly Line[] {
  const now = cli.world.now();
  const part = (title: string, lines: readonly Line[]): readonly Line[] =>
    lines.length === 0 ? [] : [{ indent: '', text: title }, ...lines];
  const advised = ({ message, hint }: { readonly message: string; readonly hint: string | null }): readonly Line[] => [
    { indent: '  ', text: message },
    ...(hint === null ? [] : [{ indent: '    ', text: cli.advise(hint, answer.namespace) }]),
  ];
  const { waits, work, troubles, because, lately } = answer;
  return [
    { indent: '', text: standing(answer, momentsOf(cli, {}).since(answer.since)) },
    ...part('it waits for', waits ? advised(waits) : []),
    ...part(
      'now',
      work.map((one) => ({ indent: '  ', text: `${one.node}: ${one.work.replaceAll('-', ' ')}, ${one.text}` })),
    ),
    ...part('what is wrong', troubles.flatMap(advised)),
    ...part(
      'because',
      because.flatMap((one) => [one, ...one.ledBy].flatMap((led, depth) => happenedLines(led, depth, now))),
    ),
    ...part(
      'lately',
      lately.flatMap((one) => happenedLines({ ...one, because: null }, 0, now)),
    ),
  ];
}

/** `app photos is running on atlas (epoch 812), for 3 d` */
function standing({ kind, name, state, node, epoch }: WhyAnswer, since: string): string {
  const where = node === null ? '' : ` on ${node}${epoch === null ? '' : ` (epoch ${epoch})`}`;
  return `${kind.replaceAll('-', ' ')} ${name} is ${state.replaceAll('-', ' ')}${where}, for ${since}`;
}

/** An event, and what was known when it was decided; what led to it stands below it, further in. */
function happenedLines({ at, words, who, because }: Happened, depth: number, now: number): readonly Line[] {
  const evidence = because === null ? [] : evidenceLines(because);
  return [
    { indent: depth === 0 ? '  ' : `${' '.repeat(2 * depth)}└ `, text: `${briefMoment(at, now)}  ${words} (${who})` },
    ...evidence.map(([key, value]) => ({ indent: ' '.repeat(2 * depth + 4), text: `${key}: ${value}` })),
  ];
}
