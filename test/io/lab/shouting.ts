/** A command for terminals in tests. */
import type { ExecSession } from '#io/devices/docker/port.ts';

/** Upper case of what is typed; ends with 3 when the input ends. */
export function shouting(): ExecSession & { readonly sizes: string[] } {
  const typed: Uint8Array[] = [];
  const sizes: string[] = [];
  let wake: () => void = () => {};
  let hasEnded = false;
  let exited: (code: number) => void = () => {};
  const exitCode = new Promise<number>((resolve) => (exited = resolve));
  return {
    sizes,
    exitCode,
    output: (async function* () {
      for (;;) {
        const piece = typed.shift();
        if (piece) yield { stream: 'stdout' as const, bytes: Buffer.from(Buffer.from(piece).toString().toUpperCase()) };
        else if (hasEnded) return exited(3);
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    })(),
    write: async (piece) => {
      typed.push(piece.slice());
      wake();
    },
    endInput: () => {
      hasEnded = true;
      wake();
    },
    resize: async (columns, rows) => void sizes.push(`${columns}x${rows}`),
    close: () => {
      hasEnded = true;
      wake();
    },
  };
}
