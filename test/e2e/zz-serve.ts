import { busyLab, emptyLab } from '/work/main/test/e2e/seed.ts';
import { FakeBackend } from '/work/main/test/e2e/fake-backend.ts';
const t = Date.now();
const lab = process.argv[2] === 'empty' ? emptyLab() : busyLab(12);
const b = await FakeBackend.start(lab, { initialPassword: true });
console.log(
  b.url,
  lab.index,
  Date.now() - t,
  'ms',
  JSON.stringify(lab.rows('overview')),
  lab.rows('apps').map(([k, r]: any) => r.name + ' ' + r.state),
);
if (process.argv[3] !== 'stay') await b.stop();
