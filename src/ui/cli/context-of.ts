/**
 * The context that is meant by an address: the one in use when it is of that server, else the one that was used last.
 * Two people of one machine may each have their own. `chosen` keeps the order: what is chosen moves to the end. Pure.
 */
import type { Context, Contexts } from './contexts.ts';

export type NamedContext = readonly [name: string, context: Context];

export function contextOf(server: string, { current, contexts }: Contexts): NamedContext | undefined {
  const ofServer = Object.entries(contexts).filter(([, context]) => context.server === server);
  return ofServer.find(([name]) => name === current) ?? ofServer.at(-1);
}

/** The context, as it is now, is the one in use from here on. */
export function chosen(contexts: Contexts, name: string, context: Context): Contexts {
  const { [name]: _, ...others } = contexts.contexts;
  return { ...contexts, current: name, contexts: { ...others, [name]: context } };
}
