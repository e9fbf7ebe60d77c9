/** What the YAML parser complains about, in words for people who do not know its grammar. */
import { quoted } from './locate.ts';

export type ReportAt = (at: number, message: string, hint?: string) => void;

/** Of maps and lists inside each other. */
export const maxDepth = 64;

interface YamlProblem {
  readonly code: string;
  readonly message: string;
  readonly pos: readonly [number, number];
}

const advice: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  TAB_AS_INDENT: ['A tab cannot indent YAML.', 'Replace it with spaces.'],
  MULTIPLE_DOCS: ['The file holds more than one YAML document.', 'Keep one: remove `---` and what follows it.'],
  BAD_INDENT: ['This line is not indented like its neighbours.', 'Give keys of one map the same number of spaces.'],
  MULTILINE_IMPLICIT_KEY: ['A key cannot go over several lines.', 'Look for a missing `:` here.'],
  BLOCK_AS_IMPLICIT_KEY: [
    'A map cannot begin here.',
    'Look for a second `: ` on this line, and put the value into quotes.',
  ],
  TAG_RESOLVE_FAILED: ['FloatLab reads no YAML tags but `!reset` and `!override`.', 'Remove the tag.'],
  BAD_ALIAS: ['This alias or anchor is not valid.', 'Give it a name of letters and digits.'],
};

/**
 * What the parser says behind the first place that it did not understand is a guess, so that is not repeated: one
 * variable without quotes inside `{…}` would be sixteen problems.
 *
 * @returns whether there was any
 */
export function reportErrors(errors: readonly YamlProblem[], text: string, report: ReportAt): boolean {
  if (errors.some(({ code }) => code === 'RESOURCE_EXHAUSTION')) {
    tooDeep(report);
    return true;
  }
  const sorted = errors.toSorted((a, b) => a.pos[0] - b.pos[0]);
  for (const { code, message, pos } of sorted.slice(0, 100)) {
    const known = advice[code];
    if (known) {
      report(pos[0], ...known);
      continue;
    }
    const variable = variableAt(text, pos[0]);
    if (variable === undefined) report(pos[0], `This is not valid YAML: ${firstSentence(message)}.`);
    else
      report(
        variable.at,
        'Inside {…} and […] a variable has to stand in quotes.',
        `Put the whole value into quotes, like "${variable.text}".`,
      );
    break;
  }
  return errors.length > 0;
}

/** The `${…}` at this place, as far as it goes on its line. */
function variableAt(text: string, at: number): { readonly at: number; readonly text: string } | undefined {
  const lineAt = text.lastIndexOf('\n', at - 1) + 1;
  const [line = ''] = text.slice(lineAt, lineAt + 10_000).split('\n');
  for (const { index, 0: found } of line.matchAll(/\$\{[^{}]*\}/g)) {
    const from = lineAt + index;
    if (from <= at && at <= from + found.length) return { at: from, text: quoted(found).slice(1, -1) };
  }
  return undefined;
}

function firstSentence(message: string): string {
  const line = message.split('\n')[0] ?? '';
  return quoted(line)
    .slice(1, -1)
    .replace(/[.:]+$/, '');
}

/** At the start of the file, because where the parser gives up depends on its stack. */
export const tooDeep = (report: ReportAt): void =>
  report(0, `The file nests deeper than ${maxDepth} levels.`, 'Look for brackets that are never closed.');
