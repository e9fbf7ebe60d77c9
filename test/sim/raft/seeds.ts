/**
 * How many seeds of the groups a run of all tests tries: with the modelled disk, and with the real storage under each
 * member. Each canary has to be found among as many, for what is not found in them is not proven by them.
 */
export const seedsTried = { modelled: 2400, stored: 280 } as const;
