/** How full something is: a bar with its figures in words beside it. Amber from 80 %, red from 92 %. */
import { formatSize } from '#events/values/size.ts';
import classes from './meter.module.css';

const toneAt = (share: number): string => (share >= 0.92 ? 'fail' : share >= 0.8 ? 'warn' : 'plain');

interface MeterProps {
  readonly label: string;
  /** 0 to 1; undefined: not known. */
  readonly share: number | undefined;
  readonly text: string;
  readonly compact?: boolean;
  /** How far something is: nothing is wrong with being nearly done. */
  readonly isProgress?: boolean;
}

export function Meter({ label, share, text, compact = false, isProgress = false }: MeterProps) {
  const bar = (
    <div
      className={classes['track']}
      role={isProgress ? 'progressbar' : 'meter'}
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round((share ?? 0) * 100)}
      aria-valuetext={text}
    >
      {share !== undefined && (
        <div
          className={classes['fill']}
          data-tone={isProgress ? 'plain' : toneAt(share)}
          style={{ width: `${Math.min(100, Math.max(share * 100, 0.8))}%` }}
        />
      )}
    </div>
  );
  if (compact) {
    return (
      <div className={classes['compact']}>
        <span className={classes['text']}>{text}</span>
        {bar}
      </div>
    );
  }
  return (
    <div className={classes['meter']}>
      <div className={classes['head']}>
        <span className="muted">{label}</span>
        <span className={classes['text']}>{text}</span>
      </div>
      {bar}
    </div>
  );
}

/** `1.2 of 4 GiB used`; unknown is a dash, never zero. */
export function usedOf(used: number | undefined, of: number | undefined): { share: number | undefined; text: string } {
  if (used === undefined) return { share: undefined, text: of === undefined ? '–' : `– of ${formatSize(of)}` };
  if (of === undefined || of === 0) return { share: undefined, text: formatSize(used) };
  return { share: used / of, text: `${formatSize(used)} of ${formatSize(of)}` };
}
