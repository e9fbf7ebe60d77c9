/**
 * Decisions are made on the overlay: on what is committed and on what is on its way. Most of what is on its way comes;
 * an entry whose blobs find no room does not, and those behind it are appended all the same. So an entry carries the
 * versions of what it relied on, and these tests let entries fail.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CommandInputs, CommandName } from '#actors/commands.ts';
import { dispatch, type Prepared } from '#actors/dispatch.ts';
import { Lab } from '#actors/lab.ts';
import { Overlay } from '#actors/overlay.ts';
import { asIndex, type LabEvent, type StreamId } from '#events/envelope.ts';
import { TestLab } from './test-lab.ts';

type Asked = { [N in CommandName]: { readonly name: N; readonly input: CommandInputs[N] } }[CommandName];

const photos = (schedule: boolean, volumes: readonly string[]): string => `name: photos
services:
  web: { image: nginx, volumes: [${volumes.map((name) => `"${name}:/${name}"`).join(', ')}] }
volumes: { ${volumes.map((name) => `${name}: {}`).join(', ')} }
${schedule ? 'x-floatlab: { snapshot: { schedule: "0 * * * *" } }' : ''}
`;

/** Committed before anything is on its way. */
const { events, now } = ((): TestLab => {
  const lab = TestLab.ready();
  lab.must('create-volume', { name: 'loose', spec: { sizeBytes: 2 ** 26 } });
  lab.must('create-schedule', { name: 'often', volume: 'loose', cron: '0 * * * *' });
  lab.must('deploy-app', { compose: photos(true, ['data']) });
  return lab;
})();

function begun(): Lab {
  const lab = new Lab();
  for (const event of events) lab.fold(event);
  return lab;
}

const address = (bytes: Uint8Array): string => String(bytes.length).padStart(64, '0');

const decide = (asked: Asked, n: number, view: Overlay, head: number): Prepared | undefined => {
  const request = { id: `asked-${n}`, ...asked, by: 'user:admin' as const };
  const outcome = dispatch(request, view, { now, head, address, content: () => undefined });
  return 'prepared' in outcome ? outcome.prepared : undefined;
};

/** All are decided while none has come; `comes` says which then reach the log. @returns which were taken, and how */
function appended(commands: readonly Asked[], comes: (n: number) => boolean): string[] {
  const overlay = new Overlay(begun());
  let head = events.length;
  const decided = commands.map((asked, n) => {
    const prepared = decide(asked, n, overlay, head);
    head += prepared?.steps.length ?? 0;
    return prepared;
  });

  const committed = begun();
  /** As the log has them: it folds nothing, and believes the entry. */
  const versions = new Map<StreamId, number>(committed.versions());
  return decided.map((prepared, n) => {
    const asked = commands[n];
    if (!prepared || !asked) return 'refused';
    if (!comes(n)) return 'lost';
    if (prepared.entry.expect.some(([stream, version]) => (versions.get(stream) ?? 0) !== version)) return 'conflict';
    const again = decide(asked, n, new Overlay(committed), committed.index);
    expect(again?.entry.drafts, `${asked.name} was decided on something that never came`).toEqual(
      prepared.entry.drafts,
    );
    for (const { event } of prepared.steps) {
      versions.set(event.stream, event.version);
      committed.fold({ ...event, index: asIndex(committed.index + 1) } as LabEvent);
    }
    for (const stream of prepared.entry.ends ?? []) versions.delete(stream);
    expect(versions).toEqual(committed.versions());
    return 'taken';
  });
}

const volume = fc.constantFrom('loose', 'other', 'photos-data', 'photos-more');
const schedule = fc.constantFrom('often', 'seldom', 'photos-data-snapshot');
const compose = fc
  .tuple(fc.boolean(), fc.constantFrom(['data'], ['more'], ['data', 'more']))
  .map(([scheduled, volumes]) => photos(scheduled, volumes));
const command: fc.Arbitrary<Asked> = fc.oneof(
  compose.map((text): Asked => ({ name: 'deploy-app', input: { compose: text, files: {} } })),
  fc.boolean().map((withVolumes): Asked => ({ name: 'remove-app', input: { name: 'photos', withVolumes } })),
  volume.map((name): Asked => ({ name: 'create-volume', input: { name, spec: { sizeBytes: 2 ** 26 } } })),
  volume.map((name): Asked => ({ name: 'delete-volume', input: { name } })),
  fc
    .tuple(schedule, volume)
    .map(([name, of]): Asked => ({ name: 'create-schedule', input: { name, volume: of, cron: '5 * * * *' } })),
  schedule.map((name): Asked => ({ name: 'remove-schedule', input: { name } })),
  fc.constantFrom('UTC', 'Asia/Tokyo').map((timeZone): Asked => ({ name: 'change-settings', input: { timeZone } })),
  fc.constantFrom<Asked>(
    { name: 'stop-app', input: { name: 'photos' } },
    { name: 'start-app', input: { name: 'photos' } },
    { name: 'create-namespace', input: { name: 'team' } },
    { name: 'delete-namespace', input: { name: 'team' } },
    { name: 'create-volume', input: { namespace: 'team', name: 'shared', spec: { sizeBytes: 2 ** 26 } } },
  ),
);

describe('what is decided on what is on its way', () => {
  test('is taken when that comes, to the last entry', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 12 }), (commands) => {
        expect(appended(commands, () => true)).not.toContain('conflict');
      }),
      { numRuns: 60 },
    );
  }, 30_000);

  test('is taken, whatever fails to come, only where it would have been decided just so', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(command, fc.boolean()), { minLength: 2, maxLength: 8 }), (asked) => {
        appended(
          asked.map(([one]) => one),
          (n) => asked[n]?.[1] === true,
        );
      }),
      { numRuns: 150 },
    );
  });

  test.each<readonly [string, Asked, Asked]>([
    [
      'a name that is free because its owner is on its way out',
      { name: 'deploy-app', input: { compose: photos(false, ['data']), files: {} } },
      { name: 'create-schedule', input: { name: 'photos-data-snapshot', volume: 'loose', cron: '5 * * * *' } },
    ],
    [
      'a list that lacks what is on its way out',
      { name: 'remove-schedule', input: { name: 'often' } },
      { name: 'change-settings', input: { timeZone: 'Asia/Kathmandu' } },
    ],
    [
      'referrers that lack what is on its way out',
      { name: 'remove-schedule', input: { name: 'often' } },
      { name: 'delete-volume', input: { name: 'loose' } },
    ],
  ])('is in conflict when it relied on %s, and that does not come', (_, first, second) => {
    expect(appended([first, second], () => true)).toEqual(['taken', 'taken']);
    expect(appended([first, second], (n) => n === 1)).toEqual(['lost', 'conflict']);
  });
});
