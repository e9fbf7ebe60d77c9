/** The form of a schedule: what is written anew is asked for, and nothing else. */
import { describe, expect, test } from 'vitest';
import { scheduleRow } from '#test/ui/cli/sample-rows.ts';
import { changesOf, draftOf, emptyDraft, inputOf, troublesOf } from '#ui/web/format/schedule-draft.ts';

const dayMs = 86_400_000;
const offsite = scheduleRow('offsite', {
  ...{ action: 'backup', cron: '30 3 * * *', timeZone: 'Asia/Tokyo' },
  ...{ target: { id: 'backup-target:1', name: 'usb' }, keep: '14d:1d', testRestoreEveryMs: 30 * dayMs },
});

describe('the form of a schedule', () => {
  test('asks for nothing of what was not written anew', () => {
    for (const row of [offsite, scheduleRow('nightly')]) {
      expect(changesOf(row, draftOf(row))).toEqual({});
      expect(troublesOf(draftOf(row))).toEqual({});
    }
  });

  test('says what shall be as the lab or the target says, and what shall be another one', () => {
    const emptied = { ...draftOf(offsite), timeZone: '', keep: ' ', testRestoreEvery: '' };
    expect(changesOf(offsite, emptied)).toEqual({ timeZone: null, keep: '', testRestoreEveryMs: 0 });
    const other = { cron: ' 0 4 * * * ', timeZone: 'UTC', backupTo: 'attic', keep: 'last:3', testRestoreEvery: '7d' };
    expect(changesOf(offsite, other)).toEqual({
      ...{ cron: '0 4 * * *', timeZone: 'UTC', backupTo: 'attic', keep: 'last:3' },
      testRestoreEveryMs: 7 * dayMs,
    });
  });

  test('of a new one says of backups alone where they go and how long they stay', () => {
    const draft = { ...emptyDraft, cron: '0 3 * * *', backupTo: 'usb', keep: 'last:3', testRestoreEvery: '30d' };
    expect(inputOf(draft, false)).toEqual({ cron: '0 3 * * *' });
    expect(inputOf(draft, true)).toEqual({
      ...{ cron: '0 3 * * *', backupTo: 'usb', keep: 'last:3' },
      testRestoreEveryMs: 30 * dayMs,
    });
  });

  test('says what is wrong, field by field', () => {
    const wrong = { ...emptyDraft, cron: '3 o’clock', keep: 'always', testRestoreEvery: '5m' };
    expect(Object.keys(troublesOf(wrong)).toSorted()).toEqual(['cron', 'keep', 'testRestoreEvery']);
  });
});
