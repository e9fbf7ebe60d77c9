/** Whether what is shown is the present: connected, how far, how long ago the lab last said so. */
import { clockOf } from '../format/time.ts';
import { Glyph } from '../components/state.tsx';
import type { Tone } from '../format/state.ts';
import { useZone } from '../live/now.tsx';
import { useStatus } from '../live/use-status.ts';
import classes from './live-dot.module.css';

export function LiveDot() {
  const { state, index, time } = useStatus();
  const zone = useZone();
  const [tone, words]: [Tone, string] =
    state === 'open'
      ? ['running', 'connected']
      : state === 'stale'
        ? ['attention', 'behind']
        : state === 'connecting'
          ? ['changing', 'connecting']
          : ['failed', 'disconnected'];
  const last =
    index === undefined ? '' : `\nLast event ${index}${time === undefined ? '' : `, lab time ${clockOf(time, zone)}`}`;
  return (
    <span
      className={classes['dot']}
      tabIndex={0}
      role="status"
      aria-label={`${words}, event ${index ?? 'unknown'}`}
      data-tip={`${words}${last}`}
      data-state={state}
    >
      <Glyph tone={tone} />
      <span className={classes['index']}>{index?.toLocaleString('en')}</span>
    </span>
  );
}
