/**
 * Who is signed in. The session is a cookie that scripts cannot read, together with a key that only pages of this port
 * have; the server says whose it is.
 */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, useCallback, useContext, useEffect, type ReactNode } from 'react';
import type { SessionAnswer } from '#io/contract/routes/session.ts';
import { ApiError } from '#ui/client/errors.ts';
import { rest } from './clients.tsx';
import { keepPageKey, onOtherTab } from './page-key.ts';

const key = ['session'] as const;

/** While cookie and key are being replaced they may not fit together: whoever asks who is there waits for it. */
let replacing: Promise<unknown> = Promise.resolve();

const isSignedOut = (error: unknown): boolean => error instanceof ApiError && error.kind === 'unauthenticated';

export type Session =
  | { readonly state: 'asking' }
  | { readonly state: 'unreachable'; readonly retry: () => void }
  | { readonly state: 'signed-out' }
  | { readonly state: 'signed-in'; readonly who: SessionAnswer };

export function useSession(): Session {
  const { check } = useSessionActions();
  useEffect(() => onOtherTab(() => void check()), [check]);
  const query = useQuery({
    queryKey: key,
    queryFn: async () => {
      try {
        await replacing;
        return await rest.whoami();
      } catch (error) {
        if (isSignedOut(error)) return null;
        throw error;
      }
    },
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (query.data === null) return { state: 'signed-out' };
  if (query.data) return { state: 'signed-in', who: query.data };
  return query.isError ? { state: 'unreachable', retry: () => void query.refetch() } : { state: 'asking' };
}

export interface SessionActions {
  signIn(name: string, password: string): Promise<void>;
  signOut(): Promise<void>;
  /** This session goes on; all others end. */
  changePassword(current: string, next: string): Promise<void>;
  /** Asks the server again: the session may have ended. @returns whether it says that it has not */
  check(): Promise<boolean>;
}

export function useSessionActions(): SessionActions {
  const queries = useQueryClient();
  const check = useCallback(async () => {
    await queries.invalidateQueries({ queryKey: key });
    const { data, status } = queries.getQueryState<SessionAnswer | null>(key) ?? {};
    return status === 'success' && data !== null && data !== undefined;
  }, [queries]);
  return {
    check,
    async signIn(name, password) {
      const { key: pageKey, ...who } = await rest.signIn(name, password, { page: true });
      keepPageKey(pageKey);
      queries.setQueryData(key, who);
    },
    async changePassword(current, next) {
      const changed = rest.changePassword(current, next).then(({ key: pageKey, ...who }) => {
        keepPageKey(pageKey);
        return who;
      });
      replacing = changed.catch(() => undefined);
      queries.setQueryData(key, await changed);
    },
    async signOut() {
      await rest.signOut();
      keepPageKey(undefined);
      queries.setQueryData(key, null);
      queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== key[0] });
    },
  };
}

const WhoContext = createContext<SessionAnswer | undefined>(undefined);

export const WhoProvider = ({ who, children }: { readonly who: SessionAnswer; readonly children: ReactNode }) => (
  <WhoContext value={who}>{children}</WhoContext>
);

export function useWho(): SessionAnswer {
  const who = useContext(WhoContext);
  if (!who) throw new Error('useWho outside of WhoProvider');
  return who;
}
