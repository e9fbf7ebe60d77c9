export const words = 'cli';
