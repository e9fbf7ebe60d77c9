/**
 * Times as people read them: relative in the text, exact on hover. Relative ones have one unit, because nobody needs
 * the minutes of something that happened two days ago; exact ones are in the lab's time zone, in which its schedules run.
 */
import { formatDuration } from '#events/values/duration.ts';
import { count } from './who.ts';

/** `3 d`, `12 m`, `0 s`: one unit. */
export function roughly(ms: number): string {
  const [count = '', unit = ''] = formatDuration(Math.max(0, Math.floor(ms / 1000) * 1000)).split(' ');
  return `${count} ${unit}`;
}

const dayMs = 86_400_000;

/** `7 days`, `1 day`, `12 h`: how long something lasts, of which people think in days. */
export const inDays = (ms: number): string =>
  ms >= dayMs && ms % dayMs === 0 ? count(ms / dayMs, 'day') : formatDuration(ms);

/** `12 s ago`, `just now`; a clock that is ahead is not the reader's trouble. */
export const ago = (at: number, now: number): string => (now - at < 1000 ? 'just now' : `${roughly(now - at)} ago`);

/** `in 12 m`, `due now`. */
export const until = (at: number, now: number): string => (at - now < 1000 ? 'due now' : `in ${roughly(at - now)}`);

const formats = new Map<string, Intl.DateTimeFormat>();

function formatIn(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (!format) {
    const options = {
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    } as const;
    format = new Intl.DateTimeFormat('en-CA', { ...options, timeZone: isZone(zone) ? zone : 'UTC' });
    formats.set(zone, format);
  }
  return format;
}

export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone }).format(0);
    return true;
  } catch {
    return false;
  }
}

function partsOf(at: number, zone: string): Record<string, string> {
  return Object.fromEntries(
    formatIn(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
}

/** `2026-11-21` */
export function dateOf(at: number, zone: string): string {
  const { year, month, day } = partsOf(at, zone);
  return `${year}-${month}-${day}`;
}

/** `14:02:11` */
export function clockOf(at: number, zone: string): string {
  const { hour, minute, second } = partsOf(at, zone);
  return `${hour}:${minute}:${second}`;
}

/** `2026-11-21 14:02:11 Europe/Berlin` */
export const exact = (at: number, zone: string): string => `${dateOf(at, zone)} ${clockOf(at, zone)} ${zone}`;

/** `today`, `yesterday` or the date, for headings between things that happened. */
export function dayOf(at: number, now: number, zone: string): string {
  const date = dateOf(at, zone);
  if (date === dateOf(now, zone)) return 'Today';
  return date === dateOf(now - 86_400_000, zone) ? 'Yesterday' : date;
}
