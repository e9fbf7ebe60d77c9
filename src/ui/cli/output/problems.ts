/** Errors on stderr, everywhere in the same form: what and where with its code, what to do, and places in a file. */
import type { Finding } from '#actors/compose/model.ts';
import { ApiError, UnreachableError } from '#ui/client/errors.ts';
import { CliError } from '../errors.ts';
import { exitCodeOf } from '../exit-codes.ts';
import type { Printer } from './printer.ts';
import { safe, safeLines } from './safe.ts';

interface Shown {
  readonly message: string;
  readonly code: string;
  readonly hint?: string | undefined;
  readonly findings?: readonly Finding[] | undefined;
  readonly fields?: readonly { readonly path: string; readonly message: string }[] | undefined;
  readonly exitCode: number;
}

/** @returns the exit code */
export function printError(printer: Printer, error: unknown): number {
  const shown = shownOf(error);
  // Whoever pressed Ctrl-C knows it.
  if (shown.code === 'INTERRUPTED') return shown.exitCode;
  const { bold, bad } = printer.talkStyle;
  const message = shown.message.replace(/[.\s]+$/, '');
  printer.labelled('error: ', `${message} (${shown.code})`, (label) => bold(bad(label)));
  // One wrong field is in the message already.
  if (shown.fields && shown.fields.length > 1) {
    for (const { path, message: why } of shown.fields) printer.labelled('       ', `${path}: ${why}`);
  }
  printFindings(printer, shown.findings ?? []);
  if (shown.hint !== undefined) printer.labelled('hint:  ', shown.hint, bold);
  return shown.exitCode;
}

export function printFindings(printer: Printer, findings: readonly Finding[]): void {
  for (const { file, line, column, path, message, hint, frame } of findings) {
    printer.talk('');
    const where = `${file}:${line}:${column}${path === '' ? '' : ` ${path}`}`;
    printer.talkPainted(printer.talkStyle.bold(safe(where)));
    printer.labelled('  ', message);
    if (frame !== '') printer.talkPainted(safeLines(frame));
    if (hint !== undefined) printer.labelled('  hint: ', hint);
  }
  if (findings.length > 0) printer.talk('');
}

function shownOf(error: unknown): Shown {
  if (error instanceof ApiError) {
    const { detail, code, hint, findings, fields } = error.problem;
    return {
      message: detail,
      code,
      hint: hint ?? hints[error.kind],
      findings,
      fields,
      exitCode: exitCodeOf[error.kind],
    };
  }
  if (error instanceof UnreachableError) {
    return { message: error.message, code: error.code, hint: unreachableHint(error), exitCode: 8 };
  }
  if (error instanceof CliError) {
    const { message, code, hint, findings, exitCode } = error;
    return { message, code, hint, findings, exitCode };
  }
  return {
    message: `floatlab itself failed: ${error instanceof Error ? error.message : String(error)}`,
    code: 'BUG',
    hint: 'Please report this with the command that you gave.',
    exitCode: 1,
  };
}

const hints: Readonly<Record<string, string | undefined>> = {
  unauthenticated: 'Sign in: floatlab login',
  unavailable: 'Wait a moment and try again; floatlab status shows how the lab is.',
};

const unreachableHint = ({ message, server }: UnreachableError): string =>
  message.includes('certificate')
    ? `Sign in again to look at its authority: floatlab login ${server}`
    : 'Does floatlabd run there? Another lab: --server URL, or floatlab context use NAME.';
