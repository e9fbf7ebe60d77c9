/**
 * One reading of the compose files of one app: where findings are collected and variables are looked up. Readers of keys
 * take a `Place` (a value and its path) and report what is wrong there; they return undefined then, and go on elsewhere,
 * so that a person sees everything that is wrong at once.
 *
 * A place tells by its offset in which file it is: findings, variables and relative paths follow that file.
 *
 * Messages quote the file as it is written, never a value after interpolation: those may be secrets.
 */
import { interpolate, maxExpandedChars, type InterpolationProblem } from './interpolate.ts';
import { frameAt, positionOf, quoted } from './locate.ts';
import type { Finding, HandedIn } from './model.ts';
import { Sources, startScope, type ProjectSource } from './project/sources.ts';
import { startParsing, type Node, type Parsing, type ScalarNode } from './tree.ts';

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
  /** The first file, which all the others are found from. */
  readonly main: ProjectSource;
  readonly sources: Sources;
  readonly parsing: Parsing;
  /** Characters of the env files that were read so far. */
  envFileChars: number;
  /** The files that were handed in, by normalized path. */
  readonly files: ReadonlyMap<string, HandedIn>;
  /** Their paths, and those of the folders that hold them. */
  readonly present: ReadonlySet<string>;
  /** Paths beside the first file that any file names, whether they were handed in or not. */
  readonly named: Set<string>;
  /** Binds of paths of a node. */
  readonly hosts: { readonly place: Pick<Place, 'path' | 'at'>; readonly host: string; readonly readOnly: boolean }[];
  /** What holds for the file in which this place is. */
  sourceAt(at: number): ProjectSource;
  /** Reports a finding. @returns undefined, for `return report(…)` */
  report(place: Pick<Place, 'path' | 'at'>, message: string, hint?: Hint): undefined;
  note(place: Pick<Place, 'path' | 'at'>, message: string, hint?: Hint): void;
  /** Reports a line of another file. No frame: such files hold secrets. */
  reportIn(file: string, line: number, message: string, hint: string): void;
  /** @returns the text with its variables replaced, or undefined after a report */
  expand(place: Place, scalar: ScalarNode): string | undefined;
  /** The same for looking at a value before it is read: as it is written where it cannot be expanded, no report. */
  peek(scalar: ScalarNode): string;
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

/** All texts after interpolation, together. */
const maxExpandedTotal = 16 * 2 ** 20;

export function startReading(fileName: string, text: string, files: Reading['files']): Reading {
  const reports: Report[] = [];
  const noted: Report[] = [];
  const elsewhere: Finding[] = [];
  const sources = new Sources();
  const main = sources.add({ fileName, text, folder: '.', scope: startScope() });
  let expandedTotal = 0;

  const expanded = (scalar: ScalarNode): string | InterpolationProblem => {
    if (!scalar.text.includes('$')) return scalar.text;
    const { variables } = sources.at(scalar.at).scope;
    return interpolate(scalar.text, (name) => variables.get(name));
  };

  const reading: Reading = {
    main,
    sources,
    parsing: startParsing(),
    envFileChars: 0,
    files,
    present: new Set([...files.keys()].flatMap(withParents)),
    named: new Set(),
    hosts: [],
    sourceAt: (at) => sources.at(at),
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
      const found = expanded(scalar);
      if (typeof found !== 'string') {
        const at = offsetInside(sources.at(scalar.at), scalar, found.at);
        return reading.report({ path: place.path, at }, ...explain(found, sources.at(scalar.at)));
      }
      expandedTotal += found.length;
      if (expandedTotal > maxExpandedTotal) {
        return reading.report(place, 'With its variables written out the file is longer than 16 MiB.');
      }
      return found;
    },
    peek(scalar) {
      if (expandedTotal > maxExpandedTotal) return scalar.text;
      const found = expanded(scalar);
      if (typeof found !== 'string') return scalar.text;
      expandedTotal += found.length;
      return found;
    },
    failed: () => reports.length + elsewhere.length > 0,
    findings: () => [...located(sources, reports), ...sortedByPlace(elsewhere)].slice(0, maxFindings),
    notes: () => located(sources, noted),
  };
  return reading;
}

/** `a/b/c` → `a/b/c`, `a/b`, `a`, `.` */
export function withParents(path: string): readonly string[] {
  const parts = path.split('/');
  return [...parts.map((_, index) => parts.slice(0, parts.length - index).join('/')), '.'];
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function located(sources: Sources, reports: readonly Report[]): Finding[] {
  const seen = new Set<string>();
  const findings: Finding[] = [];
  const sorted = reports.toSorted((a, b) => a.at - b.at || compare(a.path, b.path) || compare(a.message, b.message));
  for (const { path, at, message, hint } of sorted) {
    // A value that several aliases bring in is wrong once.
    if (seen.has(`${at} ${message}`)) continue;
    seen.add(`${at} ${message}`);
    const found = typeof hint === 'function' ? hint() : hint;
    const source = sources.at(at);
    const offset = at - source.base;
    findings.push({
      path,
      file: source.fileName,
      ...positionOf(source, offset),
      message,
      ...(found === undefined ? {} : { hint: found }),
      frame: frameAt(source, offset),
    });
    if (findings.length === maxFindings) break;
  }
  return findings;
}

/** A file that is read in several scopes is wrong once. */
function sortedByPlace(findings: readonly Finding[]): readonly Finding[] {
  const known = new Map(findings.map((finding) => [`${finding.file}:${finding.line} ${finding.message}`, finding]));
  return [...known.values()].toSorted((a, b) => compare(a.file, b.file) || a.line - b.line);
}

/** The place of one character of a scalar, where it stands in the file as it is in the value; else its start. */
function offsetInside({ text, base }: ProjectSource, scalar: ScalarNode, at: number): number {
  const found = text.slice(scalar.at - base, scalar.end - base).indexOf(scalar.text);
  return found === -1 ? scalar.at : scalar.at + found + at;
}

function explain(
  { kind, name, written }: InterpolationProblem,
  { folder }: ProjectSource,
): [message: string, hint: string] {
  const where = folder === '.' ? 'the file .env beside the compose file' : `the file .env, or ${folder}/.env`;
  switch (kind) {
    case 'syntax':
      return ['This `$` does not begin a variable.', 'Write `${NAME}` for a variable, or `$$` for a dollar sign.'];
    case 'depth':
      return ['These defaults nest too deeply.', 'Put a value into the .env file instead.'];
    case 'unset':
      return [
        `Variable ${quoted(name)} is not set.`,
        `Write ${name}=… into ${where}, or give a default: \${${name}:-value}.`,
      ];
    case 'required':
      return [
        `Variable ${quoted(name)} is not set${written === '' ? '' : `: ${quoted(written).slice(1, -1)}`}.`,
        `Write ${name}=… into ${where}.`,
      ];
    case 'length':
      return [`This is longer than ${maxExpandedChars / 1024} KiB.`, 'Put it into a file and mount that.'];
  }
}
