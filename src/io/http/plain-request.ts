/**
 * Requests that offer to speak another protocol. Node hands every request with an `Upgrade` header over as a bare
 * socket, and the parser has let go of it. An offer may be ignored (RFC 9110, 7.8): a client that asks for HTTP/2 beside,
 * as `curl --http2` does, wants its answer in any case. So the request is put back in front of the socket without the
 * offer, and the server reads it as if it had just come.
 */
import type { IncomingMessage, Server } from 'node:http';
import { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';

/** Whether a live connection is wanted; everything else is a request like any other. */
export const asksForWebSocket = ({ headers }: IncomingMessage): boolean =>
  (headers.upgrade ?? '').split(',').some((protocol) => protocol.trim().toLowerCase() === 'websocket');

/** @param head what the client has sent after the headers */
export function readPlainly(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const { method = 'GET', url = '/', httpVersion, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (!offers.has(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[at + 1] ?? ''}`);
  }
  // Node reads headers as latin1 and checks that no line breaks are in them.
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit(server instanceof TlsServer ? 'secureConnection' : 'connection', socket);
}

/** What is about the connection to the next hop, and not about the request. */
const offers = new Set(['upgrade', 'connection', 'http2-settings']);
