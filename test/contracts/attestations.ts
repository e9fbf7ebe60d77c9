/** What holds wherever a node keeps what it knows of how much its replicas lack. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StoredAttested } from '#actors/replica/attested.ts';
import type { AttestationStore } from '#io/devices/attestations/port.ts';

const time = fc.double({ min: -1e12, max: 1e12, noNaN: true }).map((ms) => ms + 0);
const guid = fc.stringMatching(/^[0-9a-f][0-9a-f-]{0,20}$/);
const stored: fc.Arbitrary<StoredAttested> = fc.record({
  boot: fc.string(),
  bootMs: time,
  wallMs: time,
  replicas: fc.dictionary(
    guid,
    fc.record(
      { until: fc.dictionary(guid, time, { noNullPrototype: true }), endedMs: time },
      { requiredKeys: ['until'] },
    ),
    { noNullPrototype: true },
  ),
});

/** @param open the same place, as another daemon finds it */
export function attestationsContract(open: () => AttestationStore): void {
  test('says nothing before anything was written', async () => {
    expect(await open().read()).toBeUndefined();
  });

  test('gives back what was written last, to another daemon, too', async () => {
    await fc.assert(
      fc.asyncProperty(stored, stored, async (first, second) => {
        const store = open();
        await store.write(first);
        expect(await open().read()).toEqual(first);
        await store.write(second);
        expect(await open().read()).toEqual(second);
      }),
      { numRuns: 10 },
    );
  });
}
