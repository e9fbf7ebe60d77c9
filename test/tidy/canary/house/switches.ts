/** A switch over a union meets every member of it. */
export type Colour = 'red' | 'green' | 'blue';

export function warmth(colour: Colour): void {
  switch (
    colour // ✗ typescript/switch-exhaustiveness-check
  ) {
    case 'red':
      return;
    case 'green':
      return;
  }
}
