/**
 * Schedules go on, whatever the wall clock does: while a daemon runs, a schedule of a volume that is ready takes a
 * snapshot in each of its periods.
 */
import type { LabView, Step } from '#actors/actor.ts';
import { nextRun } from '#actors/schedule/next.ts';
import type { StreamId } from '#events/envelope.ts';

/** A clock that is set forth while the leader waits is noticed within 30 s; then the snapshot is asked for. */
const boundMs = 35_000;

export class Schedules {
  /** Moments of virtual time before which nothing could be expected: by schedule and by volume. */
  readonly #since = new Map<StreamId, number>();
  /** Schedules whose firing is being heard, by command. */
  readonly #firing = new Map<string, StreamId>();
  #startedAt = 0;

  /** A daemon has come up. */
  started(nowMs: number): void {
    this.#startedAt = nowMs;
  }

  hear(steps: readonly Step[], nowMs: number): void {
    for (const { event, before, after } of steps) {
      switch (event.type) {
        case 'schedule.created':
        case 'schedule.changed':
        case 'schedule.resumed':
          this.#since.set(event.stream, nowMs);
          break;
        case 'schedule.fired':
          this.#firing.set(event.command, event.stream);
          break;
        case 'snapshot.requested': {
          const schedule = this.#firing.get(event.command);
          if (schedule) this.#since.set(schedule, nowMs);
          break;
        }
        default:
          if (after?.kind === 'volume' && before?.state !== after.state) this.#since.set(event.stream, nowMs);
      }
    }
  }

  check(lab: LabView, nowMs: number): string[] {
    return lab.list('schedule').flatMap(({ stream, state, context }) => {
      const { spec, metadata } = context;
      // The simulation has none of whole apps.
      if (state !== 'active' || spec.volume === undefined || lab.get(spec.volume)?.state !== 'ready') return [];
      const since = Math.max(this.#startedAt, this.#since.get(stream) ?? 0, this.#since.get(spec.volume) ?? 0);
      const waitedMs = nowMs - since;
      if (waitedMs <= periodMs(spec.cron) + boundMs) return [];
      return [`schedule ${metadata.name} (${spec.cron}) has taken no snapshot for ${Math.round(waitedMs / 1000)} s`];
    });
  }
}

const periods = new Map<string, number>();

/** Between two runs; the simulation has only schedules of equal steps. */
function periodMs(cron: string): number {
  const known = periods.get(cron);
  if (known !== undefined) return known;
  const first = nextRun(cron, 'UTC', 0);
  const period = nextRun(cron, 'UTC', first) - first;
  periods.set(cron, period);
  return period;
}
