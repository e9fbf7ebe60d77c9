/** `npm run bench`: all figures of docs/benchmarks.md in one run, each beside its peer where it has one. `-- --quick` for a look. */
import { cpus, totalmem } from 'node:os';
import { formatSize } from '#events/values/size.ts';
import { benchAppend } from './append.ts';
import { benchCompose } from './compose.ts';
import { benchComposeEdit } from './compose-edit.ts';
import { benchFold } from './fold.ts';
import { benchIdle } from './idle.ts';
import { benchLive } from './live.ts';
import { benchRaftCore } from './raft-core.ts';
import { benchRaftStorage } from './raft-storage.ts';
import { benchRetention } from './retention.ts';
import { benchSnapshots } from './snapshots.ts';
import { benchStart } from './start.ts';
import { lineOf, type Row } from './table.ts';

const isQuick = process.argv.includes('--quick');
const print = (line: string): void => void process.stdout.write(`${line}\n`);

function show(rows: readonly Row[]): void {
  for (const row of rows) print(lineOf(row));
}

print(`${cpus().length} cores, ${formatSize(totalmem())} of memory, Node ${process.versions.node}\n`);
print('| what | FloatLab | beside |\n|---|---|---|');
// Alone in the process first: what others leave in memory costs it collections of garbage.
show(benchFold(isQuick ? 20_000 : 100_000));
for (const row of await benchAppend(isQuick ? 500 : 3000)) {
  show([
    {
      what: `synced appends, ${row.writers} ${row.writers === 1 ? 'writer' : 'writers'}, 256 B`,
      value: row.logPerSecond,
      unit: '/s',
      peer: row.levelArrayPerSecond,
      peerIs: 'bare LevelDB, batches of the same size',
    },
    { what: `the same, latency p50`, value: row.logP50Ms, unit: 'ms' },
  ]);
}
show(await benchStart(isQuick ? 50_000 : 1_000_000));
show(await benchLive());
show(await benchIdle(isQuick ? 5 : 60));
show(benchRaftCore(isQuick ? 20_000 : 200_000, isQuick ? 3 : 5));
show(benchRetention());
show(benchCompose(isQuick ? 5 : 15));
show(benchComposeEdit(isQuick ? 5 : 15));
show(await benchRaftStorage());
show(await benchSnapshots((isQuick ? 8 : 64) * 2 ** 20, isQuick ? 2 : 5));
