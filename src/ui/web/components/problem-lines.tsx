/** Below a row of a table: what is wrong with it, what mends that, and when it is tried again. */
import type { ReactNode } from 'react';
import type { Tone } from '../format/state.ts';
import { Marked } from './marked.tsx';
import classes from './problem-lines.module.css';
import { Glyph } from './state.tsx';
import { Time } from './time.tsx';

interface ProblemLineProps {
  readonly problem: { readonly code: string; readonly message: string; readonly hint?: string | undefined };
  readonly tone: Tone;
  /** Below the hint. */
  readonly children?: ReactNode;
}

export const ProblemLine = ({ problem, tone, children }: ProblemLineProps) => (
  <div className={classes['problem']}>
    <Glyph tone={tone} />
    <div>
      <Marked text={problem.message} /> <code className="faint">{problem.code}</code>
      {problem.hint !== undefined && (
        <div className="muted">
          <Marked text={problem.hint} />
        </div>
      )}
      {children}
    </div>
  </div>
);

/** @param props `at`: milliseconds since 1970 */
export const RetryLine = ({ at, failures }: { readonly at: number; readonly failures: number }) => (
  <p className={classes['retry']}>
    It tries again <Time at={at} as="until" />, after {failures} in a row failed.
  </p>
);
