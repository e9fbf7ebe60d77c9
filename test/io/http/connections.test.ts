/** Connections as such: how many there may be, and those that ask for another protocol. */
import { EventEmitter } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { Connections } from '#io/http/connections.ts';
import { send, startServer, until } from './test-server.ts';

class FakeConnection extends EventEmitter {
  readonly remoteAddress: string;
  isClosed = false;
  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }
  destroy(): void {
    this.isClosed = true;
    this.emit('close');
  }
}

describe('connections', () => {
  const limits = { all: 100, fromOnePlace: 3 };
  const from = (connections: Connections, address: string, count: number): FakeConnection[] =>
    Array.from({ length: count }, () => {
      const made = new FakeConnection(address);
      connections.take(made as unknown as Socket);
      return made;
    });
  const open = (made: readonly FakeConnection[]): number => made.filter(({ isClosed }) => !isClosed).length;

  test('from one place are so many at most, and others still come in', () => {
    const connections = new Connections(limits);
    const crowd = from(connections, '192.168.1.7', 10);
    expect(open(crowd)).toBe(3);
    expect(open(from(connections, '192.168.1.8', 1))).toBe(1);
    crowd[0]?.destroy();
    expect(open(from(connections, '192.168.1.7', 2))).toBe(1);
  });

  test('from one network count together where one machine has as many addresses as it likes', () => {
    const connections = new Connections(limits);
    const crowd = Array.from({ length: 6 }, (_, n) => from(connections, `2001:db8:0:1::${n + 1}`, 1)).flat();
    expect(open(crowd)).toBe(3);
  });

  test('from this machine may be as many as fit: a proxy brings everybody from there', () => {
    const connections = new Connections(limits);
    expect(open(from(connections, '127.0.0.1', 20))).toBe(20);
    expect(open(from(connections, '::1', 20))).toBe(20);
  });

  test('count once, however often they are handed over', () => {
    const connections = new Connections(limits);
    const [one] = from(connections, '192.168.1.7', 1);
    for (let n = 0; n < 5; n++) connections.take(one as unknown as Socket);
    expect(one?.isClosed).toBe(false);
    expect(open(from(connections, '192.168.1.7', 2))).toBe(2);
  });

  test('beyond the most that there may be are closed, and those that are there go on', async () => {
    const { url } = await startServer({ limits: { connections: { all: 5 } } });
    const port = Number(new URL(url).port);
    const sockets = Array.from({ length: 8 }, () => createConnection({ host: '127.0.0.1', port }));
    let closed = 0;
    for (const socket of sockets) socket.on('error', () => undefined).on('close', () => closed++);
    await until(() => closed === 3, 'three are closed');
    sockets.find((socket) => !socket.destroyed)?.destroy();
    await until(() => closed === 4);
    expect((await send(`${url}/healthz`)).status).toBe(200);
    for (const socket of sockets) socket.destroy();
  });
});

describe('a request that offers another protocol', () => {
  const offer = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA' };

  test('is answered as if it did not', async () => {
    const { url, token } = await startServer();
    expect((await send(`${url}/healthz`, { headers: offer })).json).toEqual({ status: 'ok' });
    const headers = { ...offer, authorization: `Bearer ${await token()}` };
    expect((await send(`${url}/api/v1/session`, { headers })).json).toMatchObject({ name: 'admin' });
  });

  test('keeps its body, its other headers, and its connection', async () => {
    const { url } = await startServer();
    const socket = createConnection({ host: '127.0.0.1', port: Number(new URL(url).port) });
    let heard = '';
    socket.on('data', (chunk) => (heard += String(chunk)));
    const body = JSON.stringify({ name: 'admin', password: 'wrong' });
    const post = (part: string) =>
      [
        'POST /api/v1/session HTTP/1.1',
        'Host: 127.0.0.1',
        'Content-Type: application/json',
        'Connection: upgrade',
        'Upgrade: h2c',
        `Content-Length: ${body.length}`,
        '',
        part,
      ].join('\r\n');
    // The body comes in two parts, the second a while after the first.
    socket.write(post(body.slice(0, 7)));
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.write(body.slice(7));
    await until(() => heard.includes('WRONG_PASSWORD'));
    socket.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await until(() => heard.includes('{"status":"ok"}'));
    socket.destroy();
  });

  test('is refused when it asks for a live connection where there is none', async () => {
    const { url } = await startServer();
    const headers = { connection: 'Upgrade', upgrade: 'websocket' };
    expect((await send(`${url}/healthz`, { headers })).status).toBe(404);
  });
});
