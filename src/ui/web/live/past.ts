/**
 * The past: `?at=` in the URL is an index or a time, and every view below is opened as of then. It stays in the URL
 * from screen to screen until the person comes back to the present.
 */
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';
import { rest } from './clients.tsx';

export interface Past {
  /** Undefined: the present. */
  readonly at: number | undefined;
  /** When that index was, in milliseconds since 1970; undefined while it is not known. */
  readonly time: number | undefined;
  /** The URL names a time, and its index is being looked up. */
  readonly resolving: boolean;
  /** Why there is no such moment. */
  readonly error: Error | null;
  readonly isPast: boolean;
}

/** Time → index: a view of that time says at which index it stands. */
async function indexAt(time: string): Promise<number> {
  return (await rest.list('nodes', { at: time, limit: 1 })).index;
}

async function timeOf(index: number): Promise<number> {
  const [event] = (await rest.events({ before: index + 1, limit: 1 })).items;
  if (!event) throw new Error(`There is no event ${index}.`);
  return event.at;
}

const forEver = { staleTime: Number.POSITIVE_INFINITY, retry: 1 } as const;

export function usePast(): Past {
  const { at } = useSearch({ strict: false }) as { at?: number | string };
  const isTime = typeof at === 'string';
  const index = useQuery({
    queryKey: ['index-at', at],
    queryFn: () => indexAt(String(at)),
    enabled: isTime,
    ...forEver,
  });
  const resolved = isTime ? index.data : at;
  const time = useQuery({
    queryKey: ['time-of', resolved],
    queryFn: () => timeOf(resolved ?? 0),
    enabled: resolved !== undefined && resolved > 0,
    ...forEver,
  });
  return {
    at: resolved,
    time: time.data,
    resolving: isTime && index.data === undefined && !index.isError,
    error: index.error ?? time.error,
    isPast: at !== undefined,
  };
}

/** @returns goes to an index or a time (ISO 8601); undefined is the present */
export function useTravel(): (at: number | string | undefined) => void {
  const navigate = useNavigate();
  return useCallback(
    (at) =>
      void navigate({
        to: '.',
        search: (before: Record<string, unknown>) => ({ ...before, at }),
        replace: true,
        resetScroll: false,
      } as never),
    [navigate],
  );
}
