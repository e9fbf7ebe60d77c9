/** What an agent is doing for an object right now, where it happens: text, and how far. */
import type { WorkRow } from '#io/contract/live.ts';
import { percent, progressOf } from '../format/who.ts';
import classes from './work-line.module.css';

export function WorkLine({ work }: { readonly work: readonly WorkRow[] }) {
  const shown = work.filter(({ work: name }) => name !== 'watch-instance');
  const [first] = shown;
  if (!first) return null;
  const share = progressOf(shown);
  return (
    <div className={classes['line']} role="status">
      <span className={classes['text']}>
        {first.text === '' ? first.work.replaceAll('-', ' ') : first.text}
        {first.attempt > 1 && <span className="faint"> · attempt {first.attempt}</span>}
      </span>
      {share !== undefined && <span className={classes['share']}>{percent(share)}</span>}
      <div className={classes['track']}>
        {share !== undefined && <div className={classes['fill']} style={{ width: `${share * 100}%` }} />}
      </div>
    </div>
  );
}
