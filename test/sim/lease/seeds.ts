/** How many seeds a run of all tests tries. Each canary has to be found among as many. */
export const leaseSeedsTried = 600;
