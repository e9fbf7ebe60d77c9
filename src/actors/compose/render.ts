/** Findings in words, and as text. */
import { printable } from './locate.ts';
import type { Finding } from './model.ts';

/**
 * ```text
 * compose.yaml:7:9: `80` does not say which port of the node: Docker would pick one.
 *     6 |     ports:
 *   > 7 |       - "80"
 *       |         ^
 *   hint: Write the port of the node in front: "8080:80".
 * ```
 */
export const renderFindings = (findings: readonly Finding[]): string => findings.map(render).join('\n\n');

/** `compose.yaml has 2 problems.`, by the files that they are in. */
export function problemWords(findings: readonly Finding[]): string {
  const [first = '', ...others] = new Set(findings.map(({ file }) => printable(file)));
  const files = others.length === 0 ? `${first} has` : `${first} and ${others.length} more of its files have`;
  return `${files} ${findings.length} ${findings.length === 1 ? 'problem' : 'problems'}.`;
}

function render({ file, line, column, message, frame, hint }: Finding): string {
  const frameLines = frame === '' ? [] : frame.split('\n').map((text) => `  ${text}`.trimEnd());
  const hintLines = hint === undefined ? [] : [`  hint: ${hint}`];
  return [`${printable(file)}:${line}:${column}: ${message}`, ...frameLines, ...hintLines].join('\n');
}
