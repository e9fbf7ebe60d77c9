export * from './promises.ts'; // ✗ oxc/no-barrel-file
