/** `zpool status -j -p` of OpenZFS 2.3: the same pool must be the same report in both languages of the tool. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import { deviceAt, disksOf } from '#io/devices/pools/report.ts';
import { parseZpoolStatusJson } from '#io/devices/pools/zfs/status-json.ts';
import { parseZpoolStatus } from '#io/devices/pools/zfs/status.ts';

const fixture = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/pools/${name}`, import.meta.url), 'utf8');
const text = fixture('zpool-2.3-status.json');

describe('the status of a zfs pool as JSON', () => {
  const [report] = parseZpoolStatusJson(text);

  test('is the same report as the text', () => {
    const [asText] = parseZpoolStatus(fixture('zpool-2.3-status.txt'));
    if (!report || !asText) throw new Error('expected a pool');
    const { startedAt, ...scan } = report.scans[0] ?? {};
    expect(startedAt).toBe(Date.UTC(2026, 8, 1, 3, 0, 2));
    expect({ ...report, scans: [scan] }).toEqual(asText);
  });

  test('keeps guids of 64 bits out of the way, and counters exact', () => {
    expect(text).toContain('17953614582263512731');
    expect(report && deviceAt(report, '/dev/sdb')?.errors).toEqual({ reads: 0, writes: 12, checksums: 1925 });
  });

  test('knows a disk that is gone by the path that it had', () => {
    expect(report && deviceAt(report, '/dev/sdc1')).toMatchObject({
      name: '9876543210987654321',
      state: 'unavailable',
    });
  });

  test('tells a paused scrub from a running one, with how far it is', () => {
    const scanning = (pause: string) =>
      parseZpoolStatusJson(
        text
          .replace('"state": "FINISHED"', '"state": "SCANNING"')
          .replace('"scrub_pause": "-"', `"scrub_pause": "${pause}"`),
      )[0]?.scans[0];
    expect(scanning('-')).toMatchObject({
      state: 'running',
      progress: { done: 0.5, totalBytes: 2048, issuedBytes: 1024 },
    });
    expect(scanning('1788231634')).toMatchObject({ state: 'paused', endedAt: 1_788_231_634_000 });
  });

  test('is read with numbers and with dates instead of texts', () => {
    const numbers = text.replaceAll(/"(\d{1,15})"/g, '$1');
    expect(parseZpoolStatusJson(numbers)).toEqual(parseZpoolStatusJson(text));
    const dates = text.replace('"1788231934"', '"Tue Sep  1 03:05:34 2026"');
    expect(parseZpoolStatusJson(dates)).toEqual(parseZpoolStatusJson(text));
  });

  test('of a machine without pools is empty', () => {
    expect(parseZpoolStatusJson('{"output_version": {"command": "zpool status"}, "pools": {}}')).toEqual([]);
  });

  test.each([
    ['no JSON', 'tank ONLINE'],
    ['a list', '[]'],
    ['an unknown state', text.replace('"state": "DEGRADED"', '"state": "SPLENDID"')],
    ['a device without counters', text.replace(/"checksum_errors": "1925",?/, '').replace(/,(\s*})/g, '$1')],
    ['another scan', text.replace('"SCRUB"', '"POLISH"')],
    ['no errors', text.replace('"error_count"', '"count_of_errors"')],
    ['the devices of another pool', text.replace('"vdevs": {\n        "tank"', '"vdevs": {\n        "bank"')],
  ])('is refused when it is %s', (_, damaged) => {
    expect(() => parseZpoolStatusJson(damaged)).toThrow(IoError);
    expect(damaged).not.toBe(text);
  });

  test('has its spare and its log in their roles', () => {
    const roles = report ? disksOf(report).map(({ name, role }) => `${role} ${name}`) : [];
    expect(roles).toContain('log nvme0n1');
    expect(roles).toContain('spare sdd');
  });
});
