/** What went wrong and what to do, where it happened: in a dialog, on a page. */
import type { Finding } from '#actors/compose/model.ts';
import type { Trouble } from '../live/use-command.ts';
import { Marked } from './marked.tsx';
import { Glyph } from './state.tsx';
import classes from './trouble.module.css';

export const TroubleBox = ({ trouble: { title, hint, problem } }: { readonly trouble: Trouble }) => (
  <div className={classes['box']} data-tone="failed" role="alert">
    <Glyph tone="failed" />
    <div className={classes['text']}>
      <div>
        <Marked text={title} />
      </div>
      {hint !== undefined && (
        <div className={classes['hint']}>
          <Marked text={hint} />
        </div>
      )}
      {problem?.fields?.map(({ path, message }) => (
        <div key={path + message} className={classes['hint']}>
          {path === '' ? message : `${path}: ${message}`}
        </div>
      ))}
      {problem?.findings && <Findings findings={problem.findings} />}
    </div>
  </div>
);

interface ProblemBoxProps {
  readonly tone: 'attention' | 'failed';
  readonly title: string;
  readonly hint?: string | null | undefined;
  readonly code?: string | undefined;
}

/** A problem that the lab keeps with an object until it is mended. */
export const ProblemBox = ({ tone, title, hint, code }: ProblemBoxProps) => (
  <div className={classes['box']} data-tone={tone} role="alert">
    <Glyph tone={tone} />
    <div className={classes['text']}>
      <div className={classes['title']}>
        <Marked text={title} />
      </div>
      {hint !== undefined && hint !== null && (
        <div className={classes['hint']}>
          <Marked text={hint} />
        </div>
      )}
    </div>
    {code !== undefined && <code className={classes['code']}>{code}</code>}
  </div>
);

interface Fix {
  readonly words: string;
  readonly run: () => void;
}

const FixButton = ({ fix }: { readonly fix: Fix | undefined }) =>
  fix && (
    <button type="button" className={classes['fix']} onClick={fix.run}>
      <Marked text={fix.words} />
    </button>
  );

/** Places in a compose file, each with its source. */
export const Findings = ({
  findings,
  textFile,
  onGo,
  fixOf,
}: {
  readonly findings: readonly Finding[];
  /** The file that is edited here: `onGo` leads into it, and other files are only named. */
  readonly textFile?: string;
  readonly onGo?: (line: number, column: number) => void;
  /** What can be done about it at once; undefined: nothing that is certain. */
  readonly fixOf?: (finding: Finding) => Fix | undefined;
}) => (
  <ul className={classes['findings']}>
    {findings.map((finding, n) => (
      <li key={n} className={classes['finding']}>
        <div>
          <Marked text={finding.message} />
        </div>
        {finding.hint !== undefined && (
          <div className={classes['hint']}>
            <Marked text={finding.hint} />
          </div>
        )}
        {fixOf && finding.file === textFile && <FixButton fix={fixOf(finding)} />}
        <div className={classes['place']}>
          {onGo && finding.file === textFile ? (
            <button type="button" onClick={() => onGo(finding.line, finding.column)}>
              {finding.file}:{finding.line}:{finding.column}
            </button>
          ) : (
            `${finding.file}:${finding.line}:${finding.column}`
          )}
          {finding.path !== '' && <span> · {finding.path}</span>}
        </div>
        {finding.frame !== '' && (
          <pre className={classes['frame']} tabIndex={0} role="region" aria-label={`Source at line ${finding.line}`}>
            {finding.frame}
          </pre>
        )}
      </li>
    ))}
  </ul>
);
