/** What the live client needs from the world, so that a browser, Node and a test can each give their own. */
import { liveProtocol, maxFrameBytes, pageKeyProtocol } from '#io/contract/live.ts';

/** The part of a WebSocket that is used; the browser's and ws's both have it. */
export interface LiveSocket {
  /** Bytes that were sent and have not left yet. */
  readonly bufferedAmount: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(): void;
}

export interface Timers {
  /** Milliseconds since 1970. */
  now(): number;
  /** @returns the way to cancel */
  after(ms: number, run: () => void): () => void;
  /** From 0 up to 1. */
  random(): number;
}

/** @param pageKey what opens the session together with the browser's cookie; a page has no other way to send it */
export const browserSocket = (url: string, pageKey?: string): LiveSocket =>
  new WebSocket(url, pageKey === undefined ? [] : [liveProtocol, pageKeyProtocol + pageKey]) as unknown as LiveSocket;

export const systemTimers: Timers = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** `https://atlas.lab:7400` → `wss://atlas.lab:7400/api/v1/live`. */
export function liveUrl(baseUrl: string): string {
  const url = new URL('/api/v1/live', baseUrl);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

/** An upgrade or a session that was refused for good; trying again would not help. */
export const refusedCodes: ReadonlySet<number> = new Set([1008, 4401, 4403]);

/** Bytes of input in one frame: base64 makes them a third longer, and the frame has more in it. */
export const maxInputBytes = Math.floor(maxFrameBytes / 16);

export function toBase64(bytes: Uint8Array): string {
  let text = '';
  // In pieces: arguments of a call live on the stack.
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

export const fromBase64 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
