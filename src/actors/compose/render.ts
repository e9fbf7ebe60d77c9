/** Findings as the command line shows them. */
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

function render({ file, line, column, message, frame, hint }: Finding): string {
  const frameLines = frame === '' ? [] : frame.split('\n').map((text) => `  ${text}`.trimEnd());
  const hintLines = hint === undefined ? [] : [`  hint: ${hint}`];
  return [`${printable(file)}:${line}:${column}: ${message}`, ...frameLines, ...hintLines].join('\n');
}
