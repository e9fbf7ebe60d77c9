/**
 * Why an object is as it is: its states with the present one lit, what it would accept now, what it waits for, and the
 * chain of events that led here.
 */
import { useMemo } from 'react';
import type { WorkRow } from '#io/contract/live.ts';
import type { ActivityRow } from '#projections/views/activity.ts';
import { acceptedIn, chartOf, type MachineConfig } from '../format/statechart.ts';
import { stateWords } from '../format/state.ts';
import { operationName } from '../format/why.ts';
import { useActivity } from '../live/use-activity.ts';
import { Section } from './page.tsx';
import { State } from './state.tsx';
import { Statechart } from './statechart.tsx';
import { Time } from './time.tsx';
import classes from './why.module.css';

interface WhyProps {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly since: number;
  readonly machine: MachineConfig;
  /** What it waits for, in words, when the lab knows. */
  readonly waits?: string | undefined;
  readonly work: readonly WorkRow[];
}

export function Why({ id, name, state, since, machine, waits, work }: WhyProps) {
  const chart = useMemo(() => chartOf(machine), [machine]);
  const accepted = acceptedIn(chart, state);
  const present = chart.states.find((one) => one.name === state);
  const streams = useMemo(() => [id], [id]);
  const { rows } = useActivity({ limit: 20, streams });
  const [last] = rows;
  return (
    <>
      <Section
        title="Where it is"
        note={
          <>
            for <Time at={since} as="since" />
          </>
        }
      >
        <Statechart machine={machine} state={state} label={`States of ${name}`} />
      </Section>
      <div className={classes['columns']}>
        <div>{last && <Chain last={last} />}</div>
        <div>
          <Section title="It waits for">
            <p className={classes['waits']}>{waiting(name, state, present?.work, waits, work)}</p>
          </Section>
          <Section title="It would accept" note={accepted.length}>
            <ul className={classes['accepted']}>
              {accepted.map(({ event, to }) => (
                <li key={`${event} ${to}`}>
                  <code>{event}</code>
                  <span className={classes['to']}>
                    {to === state ? 'stays' : <State state={to} words={stateWords(to)} />}
                  </span>
                </li>
              ))}
              {accepted.length === 0 && <li className="muted">Nothing can happen to it any more.</li>}
            </ul>
          </Section>
        </div>
      </div>
    </>
  );
}

function waiting(
  name: string,
  state: string,
  asked: string | undefined,
  waits: string | undefined,
  work: readonly WorkRow[],
): string {
  const [doing] = work;
  if (waits !== undefined) return waits;
  if (asked === 'watch-instance' || (asked === undefined && doing === undefined))
    return `${name} is ${stateWords(state)} and waits for nothing.`;
  const what = (asked ?? doing?.work ?? '').replaceAll('-', ' ');
  if (doing) return `A node works on it (${what}): ${doing.text}`;
  return `A node must ${what}.`;
}

/** Everything that belongs to the operation of the last event, in order: how one thing led to the next. */
function Chain({ last }: { readonly last: ActivityRow }) {
  const { rows, ready } = useActivity({ limit: 50, correlation: last.correlation });
  const inOrder = rows.filter(({ index }) => index <= last.index).toSorted((a, b) => a.index - b.index);
  if (!ready) return null;
  return (
    <Section
      title="What led here"
      note={last.correlation.startsWith('operation:') ? operationName(last.correlation) : undefined}
    >
      <ol className={classes['chain']}>
        {inOrder.map((row) => (
          <li key={row.index} data-last={row.index === last.index}>
            <span>{row.words}</span>
            <span className={classes['when']}>
              <Time at={row.at} />
            </span>
          </li>
        ))}
      </ol>
    </Section>
  );
}
