/**
 * Files of `KEY=value` lines, read by the rules of compose: `export` and `:` are allowed, a comment begins after a
 * space, double quotes may span lines and know `\n`, single quotes take everything as it is, and `$NAME` is replaced
 * outside single quotes: by what the project's environment says (the `.env` file), and only else by a line above in
 * this file. Format `raw` takes every line as it is.
 *
 * These files hold secrets: a problem tells the line and nothing that stands in it, not even a key, because a line of
 * a pasted private key looks like one.
 * (The dotenv package cuts `a#b` at the `#`, skips lines it does not understand, and takes 20 s for 100 kB of empty
 * lines.)
 */
import { interpolate, maxExpandedChars } from './interpolate.ts';

export type EnvFormat = 'compose' | 'raw';

interface EnvProblem {
  /** From 1. */
  readonly line: number;
  readonly message: string;
  readonly hint: string;
}

export interface EnvFile {
  readonly variables: ReadonlyMap<string, string>;
  readonly problems: readonly EnvProblem[];
}

type Lookup = (name: string) => string | undefined;

interface State {
  readonly text: string;
  readonly lookup: Lookup;
  readonly variables: Map<string, string>;
  readonly problems: EnvProblem[];
  at: number;
  line: number;
}

const maxProblems = 50;

/** @param lookup variables from outside, for keys without a value and for `$NAME` */
export function readEnvFile(text: string, format: EnvFormat, lookup: Lookup): EnvFile {
  const state: State = {
    text: text.replaceAll('\r\n', '\n'),
    lookup,
    variables: new Map(),
    problems: [],
    at: 0,
    line: 1,
  };
  while (state.at < state.text.length && state.problems.length < maxProblems) {
    const ended = format === 'raw' ? readRawLine(state) : readStatement(state);
    if (!ended) break;
  }
  return { variables: state.variables, problems: state.problems };
}

const statementStart = /[ \t]*(?:#.*)?(?:\n|$)/y;
const keyAndSign = /[ \t]*(?:export[ \t]+)?([A-Za-z0-9_.-]+)[ \t]*(?:([=:])[ \t]*|(?=\n|$))/y;

function take(state: State, pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = state.at;
  const found = pattern.exec(state.text);
  if (found) state.at += found[0].length;
  return found;
}

/** Moves behind the end of the current line. */
function nextLine(state: State): void {
  const end = state.text.indexOf('\n', state.at);
  state.at = end === -1 ? state.text.length : end + 1;
  state.line++;
}

function refuse(state: State, message: string, hint: string, line = state.line): void {
  state.problems.push({ line, message: `Line ${line} ${message}`, hint });
}

/** @returns false when what follows cannot be understood either */
function readStatement(state: State): boolean {
  if (take(state, statementStart)) {
    state.line++;
    return true;
  }
  const start = take(state, keyAndSign);
  if (!start) {
    refuse(state, 'is not KEY=value.', 'Write KEY=value, or begin the line with # when it is a comment.');
    nextLine(state);
    return true;
  }
  const key = start[1] ?? '';
  if (start[2] === undefined) {
    inherit(state, key);
    nextLine(state);
    return true;
  }
  const quote = state.text[state.at];
  if (quote === '"' || quote === "'") return readQuoted(state, key, quote);
  const end = state.text.indexOf('\n', state.at);
  const rest = state.text.slice(state.at, end === -1 ? undefined : end);
  const signEndsInSpace = /[ \t]$/.test(start[0]);
  const comment = signEndsInSpace && rest.startsWith('#') ? 0 : rest.search(/[ \t]#/);
  expandInto(state, key, (comment === -1 ? rest : rest.slice(0, comment)).trimEnd(), state.line);
  nextLine(state);
  return true;
}

function readQuoted(state: State, key: string, quote: string): boolean {
  const from = state.line;
  let value = '';
  let at = state.at + 1;
  for (; at < state.text.length && state.text[at] !== quote; at++) {
    const char = state.text[at] ?? '';
    if (char === '\n') state.line++;
    if (char === '\\' && at + 1 < state.text.length) {
      const escaped = state.text[at + 1] ?? '';
      const meaning = quote === '"' ? doubleQuoted[escaped] : escaped === "'" ? "'" : undefined;
      if (meaning !== undefined) {
        value += meaning;
        at++;
        continue;
      }
    }
    value += char;
  }
  if (at >= state.text.length) {
    refuse(state, 'opens a quote that is never closed.', `Close it with ${quote} at the end of the value.`, from);
    return false;
  }
  state.at = at + 1;
  if (!take(state, statementStart)) {
    refuse(
      state,
      'goes on after the closing quote.',
      'Put the whole value into the quotes, and write a quote inside them as \\" or \\\'.',
    );
    nextLine(state);
    return true;
  }
  if (quote === '"') expandInto(state, key, value, from);
  else setValue(state, key, value, from);
  state.line++;
  return true;
}

/** `\$` becomes `$$`, which interpolation turns into a dollar sign. */
const doubleQuoted: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
  $: '$$',
};

function readRawLine(state: State): boolean {
  const end = state.text.indexOf('\n', state.at);
  const text = state.text.slice(state.at, end === -1 ? undefined : end);
  const equals = text.indexOf('=');
  const key = equals === -1 ? text : text.slice(0, equals);
  if (text.trim() !== '' && !text.trimStart().startsWith('#')) {
    if (!/^[^\s=]+$/.test(key)) {
      refuse(state, 'is not KEY=value.', 'Write KEY=value without spaces in the key.');
    } else if (equals === -1) {
      inherit(state, key);
    } else {
      setValue(state, key, text.slice(equals + 1), state.line);
    }
  }
  nextLine(state);
  return true;
}

function inherit(state: State, key: string): void {
  const value = state.lookup(key);
  if (value !== undefined) state.variables.set(key, value);
  else {
    refuse(
      state,
      'has a key without a value.',
      'Write KEY=value: the environment of your shell stays on your machine.',
    );
  }
}

function expandInto(state: State, key: string, value: string, line: number): void {
  const expanded = interpolate(value, (name) => state.lookup(name) ?? state.variables.get(name));
  if (typeof expanded === 'string') setValue(state, key, expanded, line);
  else if (expanded.kind === 'length') refuseLength(state, line);
  else {
    const what =
      expanded.kind === 'unset' || expanded.kind === 'required'
        ? 'names a variable that is not set'
        : 'has a $ that begins no variable';
    refuse(state, `${what}.`, 'Write $$ for a dollar sign, or put the value into single quotes.', line);
  }
}

function setValue(state: State, key: string, value: string, line: number): void {
  if (value.includes('\0')) {
    refuse(state, 'holds a NUL character.', 'Remove it: no environment can hold one.', line);
  } else if (value.length > maxExpandedChars) {
    refuseLength(state, line);
  } else {
    state.variables.set(key, value);
  }
}

const refuseLength = (state: State, line: number): void =>
  refuse(state, 'is longer than 128 KiB.', 'Put it into a file and mount that.', line);
