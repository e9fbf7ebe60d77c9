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
  TAG_RESOLVE_FAILED: ['FloatLab does not read YAML tags such as `!reset`.', 'Remove the tag.'],
  BAD_ALIAS: ['This alias or anchor is not valid.', 'Give it a name of letters and digits.'],
};

/** @returns whether there was any */
export function reportErrors(errors: readonly YamlProblem[], report: ReportAt): boolean {
  if (errors.some(({ code }) => code === 'RESOURCE_EXHAUSTION')) {
    tooDeep(report);
    return true;
  }
  const sorted = errors.toSorted((a, b) => a.pos[0] - b.pos[0]);
  for (const { code, message, pos } of sorted.slice(0, 100)) {
    const [what, hint] = advice[code] ?? [`This is not valid YAML: ${firstSentence(message)}.`, undefined];
    report(pos[0], what, hint);
  }
  return errors.length > 0;
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
