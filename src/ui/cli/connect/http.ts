/** Outgoing HTTP: undici's own fetch with an agent that trusts the context's CA and nothing else. */
import { Agent, fetch as undiciFetch } from 'undici';
import type { Fetch } from '#ui/client/rest.ts';

export interface Http {
  readonly fetch: Fetch;
  close(): Promise<void>;
}

export function openHttp(ca: string | undefined): Http {
  const agent = new Agent({
    connect: { timeout: 10_000, ...(ca === undefined ? {} : { ca }) },
    // A silent server is found out by the client's own time limit.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    // A redirect would carry a command, and its password, to an address that nobody named.
    fetch: (url, { stream, ...init }) => {
      const sent = stream === undefined ? {} : ({ body: stream, duplex: 'half' } as const);
      return undiciFetch(url, { ...init, ...sent, dispatcher: agent, redirect: 'manual' });
    },
    close: () => agent.destroy(),
  };
}
