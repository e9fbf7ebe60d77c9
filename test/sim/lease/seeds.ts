/** How many seeds all tests try. Each canary has to be found among as many. */
export const leaseSeedsTried = 600;
/** The first so many of them are tried by `npm test`, the others by `npm run test:thorough`. */
export const leaseSeedsOfEveryDay = 80;
