/** A text file with line numbers, as it was written. */
import classes from './code-view.module.css';

export const CodeView = ({ text, label }: { readonly text: string; readonly label: string }) => {
  const lines = text.replace(/\n$/, '').split('\n');
  return (
    <div className={classes['box']} tabIndex={0} role="region" aria-label={label}>
      <pre className={classes['numbers']} aria-hidden>
        {lines.map((_, n) => n + 1).join('\n')}
      </pre>
      <pre className={classes['text']}>{text}</pre>
    </div>
  );
};
