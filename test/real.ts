/**
 * Tests on real devices run where the device is. Elsewhere they are skipped and say why; in CI a skip is a failure.
 */
import { describe, test } from 'vitest';

/** Like `describe`, for tests that need something real: `missing` says what is not there, or undefined. */
export function describeReal(title: string, missing: string | undefined, body: () => void): void {
  if (missing === undefined) {
    describe(title, body);
  } else if (process.env['CI'] === 'true') {
    describe(title, () => {
      test(`needs ${missing}`, () => {
        throw new Error(`${missing} is missing, and in CI a skipped real-device test is a failure`);
      });
    });
  } else {
    describe.skip(`${title} (skipped: ${missing} is missing)`, body);
  }
}
