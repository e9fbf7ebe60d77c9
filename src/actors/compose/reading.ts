/**
 * One reading of one compose file: where findings are collected and variables are looked up. Readers of keys take a
 * `Place` (a value and its path) and report what is wrong there; they return undefined then, and go on elsewhere, so
 * that a person sees everything that is wrong at once.
 *
 * Messages quote the file as it is written, never a value after interpolation: those may be secrets.
 */
import { interpolate, maxExpandedChars, type InterpolationProblem } from './interpolate.ts';
import { frameAt, positionOf, quoted, type Source } from './locate.ts';
import type { BundleFile, Finding } from './model.ts';
import type { Node, ScalarNode } from './tree.ts';

const maxFindings = 50;

/** A value, where it is in the structure, and where a caret belongs. */
export interface Place {
  readonly path: string;
  readonly at: number;
  readonly node: Node;
}

/** A hint that takes work to find is a function: only findings that are shown ask for it. */
type Hint = string | (() => string | undefined);

export interface Reading {
  readonly source: Source;
  /** The files that were handed in, by normalized path. */
  readonly files: ReadonlyMap<string, Omit<BundleFile, 'path'>>;
  /** Their paths, and those of the folders that hold them. */
  readonly present: ReadonlySet<string>;
  /** Paths beside the compose file that it names, whether they were handed in or not. */
  readonly named: Set<string>;
  /** From the `.env` file. */
  readonly variables: Map<string, string>;
  /** Reports a finding. @returns undefined, for `return report(…)` */
  report(place: Pick<Place, 'path' | 'at'>, message: string, hint?: Hint): undefined;
  note(place: Pick<Place, 'path' | 'at'>, message: string, hint?: Hint): void;
  /** Reports a line of another file. No frame: such files hold secrets. */
  reportIn(file: string, line: number, message: string, hint: string): void;
  /** @returns the text with its variables replaced, or undefined after a report */
  expand(place: Place, scalar: ScalarNode): string | undefined;
  failed(): boolean;
  /** Sorted by position, without duplicates, at most 50. */
  findings(): readonly Finding[];
  notes(): readonly Finding[];
}

interface Report {
  readonly path: string;
  readonly at: number;
  readonly message: string;
  readonly hint: Hint | undefined;
}

/** All texts of one file after interpolation, together. */
const maxExpandedTotal = 16 * 2 ** 20;

export function startReading(source: Source, files: Reading['files']): Reading {
  const reports: Report[] = [];
  const noted: Report[] = [];
  const elsewhere: Finding[] = [];
  const variables = new Map<string, string>();
  let expandedTotal = 0;

  const lookup = (name: string): string | undefined => variables.get(name);

  const reading: Reading = {
    source,
    files,
    present: new Set([...files.keys()].flatMap(withParents)),
    named: new Set(),
    variables,
    report({ path, at }, message, hint) {
      reports.push({ path, at, message, hint });
      return undefined;
    },
    note({ path, at }, message, hint) {
      noted.push({ path, at, message, hint });
    },
    reportIn(file, line, message, hint) {
      elsewhere.push({ path: '', file, line, column: 1, message, hint, frame: '' });
    },
    expand(place, scalar) {
      const expanded = interpolate(scalar.text, lookup);
      if (typeof expanded !== 'string') {
        const at = offsetInside(source.text, scalar, expanded.at);
        return reading.report({ path: place.path, at }, ...explain(expanded));
      }
      expandedTotal += expanded.length;
      if (expandedTotal > maxExpandedTotal) {
        return reading.report(place, 'With its variables written out the file is longer than 16 MiB.');
      }
      return expanded;
    },
    failed: () => reports.length + elsewhere.length > 0,
    findings: () => [...located(source, reports), ...sortedByPlace(elsewhere)].slice(0, maxFindings),
    notes: () => located(source, noted),
  };
  return reading;
}

/** `a/b/c` → `a/b/c`, `a/b`, `a`, `.` */
export function withParents(path: string): readonly string[] {
  const parts = path.split('/');
  return [...parts.map((_, index) => parts.slice(0, parts.length - index).join('/')), '.'];
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function located(source: Source, reports: readonly Report[]): Finding[] {
  const seen = new Set<string>();
  const findings: Finding[] = [];
  const sorted = reports.toSorted((a, b) => a.at - b.at || compare(a.path, b.path) || compare(a.message, b.message));
  for (const { path, at, message, hint } of sorted) {
    // A value that several aliases bring in is wrong once.
    if (seen.has(`${at} ${message}`)) continue;
    seen.add(`${at} ${message}`);
    const found = typeof hint === 'function' ? hint() : hint;
    findings.push({
      path,
      file: source.fileName,
      ...positionOf(source, at),
      message,
      ...(found === undefined ? {} : { hint: found }),
      frame: frameAt(source, at),
    });
    if (findings.length === maxFindings) break;
  }
  return findings;
}

const sortedByPlace = (findings: readonly Finding[]): readonly Finding[] =>
  findings.toSorted((a, b) => compare(a.file, b.file) || a.line - b.line);

/** The place of one character of a scalar, where it stands in the file as it is in the value; else its start. */
function offsetInside(text: string, scalar: ScalarNode, at: number): number {
  const found = text.slice(scalar.at, scalar.end).indexOf(scalar.text);
  return found === -1 ? scalar.at : scalar.at + found + at;
}

function explain({ kind, name, written }: InterpolationProblem): [message: string, hint: string] {
  switch (kind) {
    case 'syntax':
      return ['This `$` does not begin a variable.', 'Write `${NAME}` for a variable, or `$$` for a dollar sign.'];
    case 'depth':
      return ['These defaults nest too deeply.', 'Put a value into the .env file instead.'];
    case 'unset':
      return [
        `Variable ${quoted(name)} is not set.`,
        `Write ${name}=… into the file .env beside the compose file, or give a default: \${${name}:-value}.`,
      ];
    case 'required':
      return [
        `Variable ${quoted(name)} is not set${written === '' ? '' : `: ${quoted(written).slice(1, -1)}`}.`,
        `Write ${name}=… into the file .env beside the compose file.`,
      ];
    case 'length':
      return [`This is longer than ${maxExpandedChars / 1024} KiB.`, 'Put it into a file and mount that.'];
  }
}
