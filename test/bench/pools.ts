/**
 * `npm run bench:pools`: how fast is read what the tools tell of pools. To reach: 100,000 lines/s, of `zpool status` as
 * of a machine with hundreds of disks, and of the lists of a pool with 10,000 snapshots.
 */
import { readFileSync } from 'node:fs';
import { parseDeviceStats } from '#io/devices/pools/btrfs/parse.ts';
import { parseZpoolStatus } from '#io/devices/pools/zfs/status.ts';
import { parseSubvolumeList } from '#io/devices/volumes/btrfs/parse.ts';
import { parseGet } from '#io/devices/volumes/zfs/parse.ts';
import { runBenchmark } from './program.ts';
import { median, type Row } from './table.ts';

const fixture = (name: string): string =>
  readFileSync(new URL(`../fixtures/pools/${name}.txt`, import.meta.url), 'utf8');

function benchPools(disks = 600, runs = 100, snapshots = 10_000): Row[] {
  const lines = fixture('zpool-replacing').split('\n');
  const row = lines.findIndex((line) => line.includes('sdg'));
  const mirrors = Array.from({ length: disks }, (_, n) =>
    n % 2 === 0
      ? `\t  mirror-${n / 2 + 1}  ONLINE       0     0     0\n\t    ata-DISK_${n}  ONLINE       0     0     0`
      : `\t    ata-DISK_${n}  ONLINE       0     0   ${n}  (resilvering)`,
  );
  const status = lines.toSpliced(row + 1, 0, ...mirrors).join('\n');
  const stats = Array.from({ length: disks }, (_, n) =>
    fixture('btrfs-fresh-stats').replaceAll('/dev/loop', `/dev/sd${n}-`),
  ).join('');
  const properties = Array.from(
    { length: snapshots * 8 },
    (_, n) => `tank/floatlab/db@snapshot-${n >> 3}\tproperty-${n & 7}\t${n}\t-`,
  ).join('\n');
  const subvolume = /^ID 2.*/m.exec(
    readFileSync(new URL('../fixtures/btrfs/subvolume-list.txt', import.meta.url), 'utf8'),
  );
  const subvolumes = Array.from({ length: snapshots }, (_, n) => `${subvolume?.[0] ?? ''}-${n}`).join('\n');
  const rate = (text: string, parse: (text: string) => unknown, times = runs): number => {
    const rates: number[] = [];
    for (let run = 0; run < times; run++) {
      const began = performance.now();
      if (parse(text) === undefined) throw new Error('it could not be read');
      rates.push(text.split('\n').length / ((performance.now() - began) / 1000));
    }
    return median(rates);
  };
  return [
    { what: `zpool status of ${disks} disks`, value: rate(status, parseZpoolStatus), unit: 'lines/s' },
    { what: `btrfs device stats of ${2 * disks} disks`, value: rate(stats, parseDeviceStats), unit: 'lines/s' },
    { what: `zfs get of ${snapshots} snapshots`, value: rate(properties, parseGet, 20), unit: 'lines/s' },
    { what: `btrfs subvolume list of ${snapshots}`, value: rate(subvolumes, parseSubvolumeList, 20), unit: 'lines/s' },
  ];
}

await runBenchmark(async () => {
  for (const { what, value, unit } of benchPools())
    process.stdout.write(`| ${what} | ${Math.round(value).toLocaleString('en')} ${unit} |\n`);
});
