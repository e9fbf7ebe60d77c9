/**
 * How many seeds of the groups a run of all tests tries, half of them in `npm run test:thorough`: with the modelled disk, and with the real storage under each
 * member. Each canary has to be found among as many, for what is not found in them is not proven by them.
 */
export const seedsTried = { modelled: 1200, stored: 280 } as const;

/** Tried besides: each is known to find a canary that none of the others finds. */
export const furtherSeeds: readonly number[] = [1239, 3696];
