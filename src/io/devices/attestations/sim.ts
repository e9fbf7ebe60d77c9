/** In memory, for simulated machines: it outlives their daemons. */
import type { StoredAttested } from '#actors/replica/attested.ts';
import type { AttestationStore } from './port.ts';

export function simAttestations(): AttestationStore {
  let kept: string | undefined;
  return {
    read: async () => (kept === undefined ? undefined : (JSON.parse(kept) as StoredAttested)),
    write: async (stored) => {
      kept = JSON.stringify(stored);
    },
  };
}
