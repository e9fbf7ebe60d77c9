import { pino } from 'pino';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { World } from '#io/world/world.ts';
const clock = new VirtualClock(Date.UTC(2026, 0, 1));
const world = new World({ nodes: 1, seed: 1, clock, log: pino({ level: process.env['L'] ?? 'warn' }, pino.destination(2)), version: 'sim', diskLatencyMs: 1, onBroken: (e) => console.error('BROKEN', e) });
const starting = world.start();
await clock.runUntil(() => world.isUp, 10_000);
await starting;
const { lab } = world.wired;
console.log('up at', lab.index);
const compose = `name: photos
services:
  db:
    image: postgres:16
    volumes: [data:/var/lib/postgresql/data]
  web:
    image: nginx
    ports: ["8080:80"]
    depends_on: [db]
volumes: { data: {} }
x-floatlab: { snapshot: { schedule: "*/15 * * * *" }, keep: "2h:all last:3" }
`;
const run = (name: string, input: unknown) => { const p = lab.run({ id: world.random.id(), name, input, by: 'user:admin' }, new AbortController().signal); p.then((r) => console.log(name, JSON.stringify('rejected' in r ? r : { ...r, events: r.events.map((e) => e.words) }, null, 1))); return p; };
run('deploy-app', { compose });
await clock.runUntil(() => lab.rows('apps')[0]?.[1].state === 'running', 60_000);
console.log(JSON.stringify(lab.rows('apps'), null, 1), clock.monotonicMs());
run('take-snapshot', { name: 'photos-data', as: 'before' });
await clock.run(5000);
run('rollback-volume', { name: 'photos-data', snapshot: 'before' });
await clock.run(20000);
await clock.run(3600_000);
run('remove-app', { name: 'photos' });
await clock.run(60_000);
for (const row of (await (async () => { const p = lab.activity({ limit: 200 }); let r; p.then((x) => (r = x)); while (!r) await clock.step(); return r as Awaited<typeof p>; })()).toReversed()) console.log(row.index, new Date(row.at).toISOString().slice(11, 23), row.type.padEnd(26), row.by.padEnd(18), row.words);
console.log(lab.rows('alerts'), lab.rows('operations').map(([, r]) => `${r.command} ${r.state}`), lab.observed('work'));
