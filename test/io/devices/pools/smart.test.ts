/** What disks say about themselves: of three kinds, and of those that say little. */
import { describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import { readSmart } from '#io/devices/pools/read-smart.ts';
import { parseSmart } from '#io/devices/pools/smart.ts';
import type { RunCommand } from '#io/devices/run.ts';
import { deadline } from '#io/devices/volumes/deadline.ts';
import { patient } from '#test/contracts/pools.ts';

const attribute = (id: number, name: string, value: number, raw: number) => ({
  id,
  name,
  value,
  worst: value,
  thresh: 10,
  raw: { value: raw, string: String(raw) },
});
const ata = {
  json_format_version: [1, 0],
  smartctl: { version: [7, 3], exit_status: 0 },
  device: { name: '/dev/sda', type: 'sat', protocol: 'ATA' },
  smart_status: { passed: true },
  ata_smart_attributes: {
    revision: 16,
    table: [
      attribute(5, 'Reallocated_Sector_Ct', 100, 8),
      attribute(9, 'Power_On_Hours', 60, 34_567),
      attribute(194, 'Temperature_Celsius', 67, 33),
      attribute(197, 'Current_Pending_Sector', 100, 2),
    ],
  },
  power_on_time: { hours: 34_567 },
  temperature: { current: 33 },
};

describe('what a disk says about itself', () => {
  test('a disk that turns', () => {
    expect(parseSmart(JSON.stringify(ata))).toEqual({
      passed: true,
      temperature: 33,
      reallocated: 8,
      pending: 2,
      powerOnHours: 34_567,
    });
  });

  test.each([
    [231, 'SSD_Life_Left', 93, 0.07],
    [233, 'Media_Wearout_Indicator', 40, 0.6],
    [177, 'Wear_Leveling_Count', 99, 0.01],
    [202, 'Percent_Lifetime_Remain', 100, 0],
  ])('a solid one that calls its wear %i %s', (id, name, value, wear) => {
    const table = [attribute(5, 'Reallocated_Sector_Ct', 100, 0), attribute(id, name, value, 0)];
    const smart = parseSmart(JSON.stringify({ ...ata, ata_smart_attributes: { table } }));
    expect(smart).toMatchObject({ reallocated: 0, wear });
    expect(smart).not.toHaveProperty('pending');
  });

  test('the same number under another name is no wear', () => {
    const table = [attribute(233, 'NAND_GB_Written', 100, 900)];
    expect(parseSmart(JSON.stringify({ ...ata, ata_smart_attributes: { table } }))).not.toHaveProperty('wear');
  });

  test('one on NVMe', () => {
    const nvme = {
      smart_status: { passed: false, nvme: { value: 4 } },
      nvme_smart_health_information_log: {
        critical_warning: 4,
        temperature: 51,
        percentage_used: 104,
        media_errors: 7,
      },
      temperature: { current: 51 },
      power_on_time: { hours: 1200 },
    };
    expect(parseSmart(JSON.stringify(nvme))).toEqual({
      passed: false,
      temperature: 51,
      powerOnHours: 1200,
      wear: 1.04,
    });
  });

  test('one on SAS', () => {
    const sas = {
      smart_status: { passed: true },
      scsi_grown_defect_list: 3,
      temperature: { current: 40, drive_trip: 60 },
    };
    expect(parseSmart(JSON.stringify(sas))).toEqual({ passed: true, temperature: 40, reallocated: 3 });
  });

  test('one that says nothing is unknown, and not well', () => {
    expect(parseSmart('{"smartctl": {"exit_status": 2}}')).toBeUndefined();
    expect(parseSmart('{"smart_status": "ok", "temperature": null}')).toBeUndefined();
    expect(parseSmart('smartctl: command not found')).toBeUndefined();
    expect(parseSmart('null')).toBeUndefined();
  });
});

describe('asking a disk', () => {
  const within = deadline(patient(), 'ask', 'sda');
  const ask = (run: RunCommand) => readSmart(run, '/dev/sda', within);

  test('is believed whatever the exit code: its bits repeat the answer', async () => {
    expect(await ask(async () => ({ stdout: JSON.stringify(ata), stderr: '', exitCode: 216 }))).toMatchObject({
      passed: true,
    });
  });

  test('without smartctl is no error, and nothing is known', async () => {
    const missing: RunCommand = async () => {
      throw new IoError('FAILED', { op: 'smartctl', target: 'sda', message: 'the program smartctl is not installed' });
    };
    expect(await ask(missing)).toBeUndefined();
  });

  test('does not wake it, and takes nothing for a path that could be an option', async () => {
    const asked: (readonly string[])[] = [];
    const run: RunCommand = async (_, args) => {
      asked.push(args);
      return { stdout: '', stderr: '', exitCode: 2 };
    };
    expect(await ask(run)).toBeUndefined();
    expect(asked).toEqual([['--json', '--all', '--nocheck=standby', '/dev/sda']]);
    await expect(readSmart(run, '--set=off', within)).rejects.toMatchObject({ code: 'INVALID' });
  });
});
