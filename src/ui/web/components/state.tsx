/** A state as shape, colour and word. The shapes are drawn, because fonts disagree about ◐ and ▲. */
import { stateWords, toneOf, type Tone } from '../format/state.ts';
import { cx } from './cx.ts';
import classes from './state.module.css';

const size = 12;

function shape(tone: Tone) {
  switch (tone) {
    case 'running':
      return <circle cx="6" cy="6" r="4.5" fill="currentColor" />;
    case 'changing':
      return (
        <>
          <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="1.5" />
          <path d="M6 2a4 4 0 0 1 0 8z" fill="currentColor" />
        </>
      );
    case 'attention':
      return <path d="M6 1.2 11.2 10.6H.8z" fill="currentColor" />;
    case 'failed':
      return <rect x="1.75" y="1.75" width="8.5" height="8.5" rx="1" fill="currentColor" />;
    case 'off':
      return <circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" strokeWidth="1.5" />;
  }
}

export const Glyph = ({ tone, label }: { readonly tone: Tone; readonly label?: string }) => (
  <svg
    className={cx(classes['glyph'], classes[tone])}
    width={size}
    height={size}
    viewBox="0 0 12 12"
    {...(label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label })}
  >
    {shape(tone)}
  </svg>
);

interface StateProps {
  readonly state: string;
  /** When the kind knows better than the state's name. */
  readonly tone?: Tone;
  readonly words?: string;
}

export function State({ state, tone = toneOf(state), words = stateWords(state) }: StateProps) {
  return (
    <span className={classes['state']}>
      <Glyph tone={tone} />
      <span className={classes[`${tone}Text`]}>{words}</span>
    </span>
  );
}
