/** From the commit to the subscriber: 100 live subscriptions over real sockets, all in this process. */
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { loneSigner } from '#io/http/auth/signer.ts';
import { createHttpServer } from '#io/http/server.ts';
import { World } from '#io/world/world.ts';
import { hash } from '@node-rs/argon2';
import { median, percentile, type Row } from './table.ts';

const password = 'a password for the bench';

export async function benchLive(subscribers = 100, commands = 200): Promise<Row[]> {
  const log = pino({ level: 'silent' });
  const world = new World({ nodes: 1, seed: 1, clock: realClock, log, version: 'bench', diskLatencyMs: 0 });
  const { lab, containers } = await world.start();
  const server = await createHttpServer({
    lab,
    containers,
    blobs: world.blobs,
    credentials: {
      adminName: 'admin',
      passwordHash: await hash(password),
      initialPassword: false,
      save: async () => {},
    },
    signer: loneSigner(),
    clock: realClock,
    random: realRandom,
    listen: [{ host: '127.0.0.1', port: 0 }],
    webRoot: '/nonexistent',
    log,
    ready: async () => [],
    metrics: async () => '',
  });
  const url = server.urls[0] ?? '';
  const signedIn = await fetch(`${url}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'admin', password }),
  });
  const { token } = (await signedIn.json()) as { token: string };
  const latencies: number[] = [];
  const committed = new Map<number, number>();
  lab.replica.listen(({ steps }) => {
    for (const { event } of steps) committed.set(event.index, performance.now());
  });
  const sockets = await Promise.all(
    Array.from({ length: subscribers }, () =>
      subscribe(`${url.replace('http', 'ws')}/api/v1/live`, token, (index) => {
        const at = committed.get(index);
        if (at !== undefined) latencies.push(performance.now() - at);
      }),
    ),
  );
  for (let n = 0; n < commands; n++) {
    await lab.run(
      { id: realRandom.id(), name: 'create-namespace', input: { name: `n${n}` }, by: 'user:admin' },
      new AbortController().signal,
    );
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  for (const socket of sockets) socket.terminate();
  await server.close();
  await world.stop();
  return [
    { what: `commit to ${subscribers} subscribers, median`, value: median(latencies), unit: 'ms' },
    { what: `commit to ${subscribers} subscribers, p99`, value: percentile(latencies, 0.99), unit: 'ms' },
  ];
}

function subscribe(url: string, token: string, onRows: (index: number) => void): Promise<WebSocket> {
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () => socket.send(JSON.stringify({ t: 'open', sub: 1, view: 'config' })));
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as { t: string; index: number };
      if (message.t === 'snap') resolve(socket);
      if (message.t === 'rows') onRows(message.index);
      if (message.t === 'snap' || message.t === 'rows') socket.send(JSON.stringify({ t: 'ack', index: message.index }));
    });
  });
}
