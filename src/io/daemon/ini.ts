/**
 * The small, strict dialect of ini that the service writes for itself.
 *
 *   ; a comment, on a line of its own
 *   [section]
 *   key = value
 *
 * A value is the rest of its line without surrounding spaces; nothing is quoted or escaped, and nothing may appear
 * twice. What does not fit is an error with its line, never a guess.
 */
export interface IniValue {
  readonly value: string;
  /** From 1. */
  readonly line: number;
}

export interface IniSection {
  readonly line: number;
  readonly values: ReadonlyMap<string, IniValue>;
}

export type Ini = ReadonlyMap<string, IniSection>;

export class IniError extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.name = 'IniError';
    this.line = line;
  }
}

/** @throws IniError */
export function parseIni(text: string): Ini {
  const sections = new Map<string, { line: number; values: Map<string, IniValue> }>();
  let values: Map<string, IniValue> | undefined;
  for (const [i, raw] of text.split('\n').entries()) {
    const line = i + 1;
    const content = raw.trim();
    if (content === '' || content.startsWith(';')) continue;
    const header = /^\[([a-z][a-z_]*)\]$/.exec(content)?.[1];
    if (header !== undefined) {
      if (sections.has(header)) throw new IniError(line, `section [${header}] is there twice`);
      values = new Map();
      sections.set(header, { line, values });
      continue;
    }
    const [, key, value] = /^([a-z][a-z_]*) *=(.*)$/s.exec(content) ?? [];
    if (key === undefined || value === undefined) {
      throw new IniError(line, 'expected "[section]", "key = value" or "; comment"');
    }
    if (!values) throw new IniError(line, `"${key}" stands before the first [section]`);
    if (values.has(key)) throw new IniError(line, `"${key}" is there twice`);
    values.set(key, { value: value.trim(), line });
  }
  return sections;
}

/** The inverse of `parseIni`. Values must be one line without surrounding spaces. */
export function formatIni(
  comment: readonly string[],
  sections: Readonly<Record<string, Readonly<Record<string, string>>>>,
): string {
  const lines = comment.map((text) => `; ${text}`);
  for (const [section, values] of Object.entries(sections)) {
    lines.push('', `[${section}]`);
    for (const [key, value] of Object.entries(values)) {
      if (/[\r\n]/.test(value) || value !== value.trim())
        throw new Error(`the value of "${key}" does not fit one line`);
      lines.push(`${key} = ${value}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
