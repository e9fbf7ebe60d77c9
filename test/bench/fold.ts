/** Events folded per second: the lab alone, and with all projections. Median of several runs in one process. */
import { Lab } from '#actors/lab.ts';
import { Folded } from '#io/lab/folded.ts';
import { entriesOf, eventsOf } from './history.ts';
import { median, type Row } from './table.ts';

export function benchFold(events = 100_000, runs = 5): Row[] {
  const history = [...eventsOf(entriesOf(events))];
  const rate = (fold: () => void): number => {
    const began = performance.now();
    fold();
    return history.length / ((performance.now() - began) / 1000);
  };
  const lab = (): void => {
    const made = new Lab();
    for (const event of history) made.fold(event);
  };
  const folded = (): void => {
    const made = new Folded();
    for (const [n, event] of history.entries()) {
      made.fold(event);
      if (n % 500 === 0) made.takeChanges();
    }
  };
  lab();
  folded();
  const alone: number[] = [];
  const all: number[] = [];
  for (let run = 0; run < runs; run++) {
    alone.push(rate(lab));
    all.push(rate(folded));
  }
  return [
    { what: 'fold, lab alone', value: median(alone), unit: 'events/s' },
    { what: 'fold with all projections', value: median(all), unit: 'events/s' },
  ];
}
