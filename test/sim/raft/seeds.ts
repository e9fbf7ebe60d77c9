/**
 * How many seeds of the groups all tests try: with the modelled disk, and with the real storage under each member. Each
 * canary has to be found among as many, for what is not found in them is not proven by them.
 */
export const seedsTried = { modelled: 1200, stored: 280 } as const;
/** The first so many of them are tried by `npm test`, the others by `npm run test:thorough`. */
export const seedsOfEveryDay = { modelled: 45, stored: 7 } as const;

/** Tried besides: each is known to find a canary that none of the others finds. */
export const furtherSeeds: readonly number[] = [1239, 3696];
