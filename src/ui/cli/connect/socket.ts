/** A WebSocket of `ws` as the live client wants it: with the token, the pinned CA, and a refusal as a close code. */
import { maxFrameBytes } from '#io/contract/live.ts';
import type { LiveSocket } from '#ui/client/live-ports.ts';
import WebSocket from 'ws';

export interface SocketOptions {
  readonly token: string | undefined;
  readonly ca: string | undefined;
}

export function openSocket(url: string, { token, ca }: SocketOptions): LiveSocket {
  const ws = new WebSocket(url, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    ...(ca === undefined ? {} : { ca }),
    maxPayload: maxFrameBytes,
    handshakeTimeout: 10_000,
    followRedirects: false,
    perMessageDeflate: false,
  });
  let isOver = false;
  const socket: LiveSocket = {
    get bufferedAmount() {
      return ws.bufferedAmount;
    },
    onopen: null,
    onmessage: null,
    onclose: null,
    onerror: null,
    send: (data) => ws.send(data),
    close: () => ws.close(),
  };
  const over = (code: number, reason: string): void => {
    if (isOver) return;
    isOver = true;
    socket.onclose?.({ code, reason });
  };
  ws.on('open', () => socket.onopen?.(undefined as never));
  // Text is what the protocol has; anything else is handed on as it is, and refused.
  ws.on('message', (data, isBinary) =>
    socket.onmessage?.({ data: isBinary ? data : (data as Buffer).toString('utf8') }),
  );
  ws.on('close', (code, reason) => over(code, reason.toString('utf8')));
  ws.on('error', () => over(1006, ''));
  ws.on('unexpected-response', (request, response) => {
    const code = { 401: 4401, 403: 4403 }[response.statusCode ?? 0] ?? 1006;
    request.destroy();
    over(code, '');
  });
  return socket;
}
