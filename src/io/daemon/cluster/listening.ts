/** The two ports of a node for others: the one that it tells, for requests, and the next one, for consensus. */
import type { Logger } from 'pino';
import type { Listen } from '../settings.ts';

export interface ListeningOptions {
  readonly listen: readonly Listen[];
  /** Nobody has said which. */
  readonly mayMove: boolean;
  readonly log: Logger;
}

export interface Listening {
  /** The one that it tells. */
  readonly port: number;
  /** What a person should know about it. */
  readonly notes: readonly string[];
}

const tries = 20;

/** At the ports that were asked for; at any two in a row, where nobody depends on them yet. */
export async function listening<T>(
  { listen, mayMove, log }: ListeningOptions,
  open: (listen: readonly Listen[]) => Promise<T & { readonly server: { readonly port: number } }>,
  isAlone: boolean,
): Promise<T & Listening> {
  const isAny = listen.some(({ port }) => port === 0);
  try {
    if (!isAny) return { ...(await open(listen)), port: listen[0]?.port ?? 0, notes: [] };
  } catch (error) {
    const isTaken = (error as { readonly code?: unknown }).code === 'PORT_IN_USE';
    if (!isTaken || !mayMove || !isAlone) throw error;
    log.warn({ error: String(error) }, 'the port for other nodes is taken');
  }
  const anywhere = listen.map(({ host }) => ({ host, port: 0 }));
  for (let tried = 1; ; tried++) {
    try {
      const opened = await open(anywhere);
      const { port } = opened.server;
      const notes = isAny
        ? []
        : [`Port ${listen[0]?.port} for other nodes is taken: this node uses ${port} and ${port + 1}.`];
      return { ...opened, port, notes };
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== 'PORT_IN_USE' || tried >= tries) throw error;
    }
  }
}
