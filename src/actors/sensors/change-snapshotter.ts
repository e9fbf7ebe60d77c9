/**
 * When a volume that changed is due for a snapshot: once nothing was written for a while, and not too soon after the
 * last one. Runs on the volume's node and is not replicated; what it concludes becomes a command.
 *
 *            changed                    settled, or it never does; and the interval is over
 *   idle ──────────────▶ dirty ─────────────────────────────────────────────▶ due, asked for ─┐
 *     ▲                    ▲ mark changes: it waits anew                                       │
 *     └────────────────────┴──────────── a new snapshot: unchanged since, or dirty again ◀─────┘
 *
 * Law: what was written is in a snapshot at the latest one look and the longer of the two spans later, and between two
 * snapshots something was written. Time is one that does not jump. After a restart it knows nothing: what has changed is
 * told by the file system against its newest snapshot, and waits once more.
 */
import type { SnapshotOnChange } from '#events/values/snapshotting.ts';

/** A volume against its newest snapshot, as its file system or a walk through its files tells it. */
export interface Seen {
  /** Identity of that snapshot; undefined: there is none. */
  readonly since: string | undefined;
  readonly changed: boolean;
  /** Another one when something was written. */
  readonly mark: string;
}

export interface ChangeSensor {
  readonly since: string | undefined;
  /** From when the interval counts: the last snapshot, or when one was asked for. */
  readonly lastMs: number;
  /** What has changed since, when that was seen first, and when the last change was; null: nothing. */
  readonly dirty: { readonly mark: string; readonly sinceMs: number; readonly quietMs: number } | null;
}

/** @param lastMs of the newest snapshot, as far as it is known; -Infinity: there is none */
export const newSensor = (seen: Seen, nowMs: number, lastMs: number): ChangeSensor => ({
  since: seen.since,
  lastMs,
  dirty: seen.changed ? { mark: seen.mark, sinceMs: nowMs, quietMs: nowMs } : null,
});

/** The sensor after another look. */
export function look(sensor: ChangeSensor, seen: Seen, nowMs: number): ChangeSensor {
  // Another newest snapshot, whoever asked for it: what is different from it begins now.
  if (seen.since !== sensor.since) return newSensor(seen, nowMs, nowMs);
  if (!seen.changed) return sensor.dirty === null ? sensor : { ...sensor, dirty: null };
  if (sensor.dirty === null) return newSensor(seen, nowMs, sensor.lastMs);
  if (seen.mark === sensor.dirty.mark) return sensor;
  return { ...sensor, dirty: { ...sensor.dirty, mark: seen.mark, quietMs: nowMs } };
}

/** A snapshot was asked for; when it fails it is asked for again after the interval. */
export const asked = (sensor: ChangeSensor, nowMs: number): ChangeSensor => ({ ...sensor, lastMs: nowMs });

/** When to ask for a snapshot; undefined: not before something changes. What never settles does not wait for ever. */
export function dueAtMs({ dirty, lastMs }: ChangeSensor, of: SnapshotOnChange): number | undefined {
  if (dirty === null) return undefined;
  const settled = dirty.quietMs + of.settleMs;
  const latest = dirty.sinceMs + Math.max(of.settleMs, of.minIntervalMs);
  return Math.max(lastMs + of.minIntervalMs, Math.min(settled, latest));
}
