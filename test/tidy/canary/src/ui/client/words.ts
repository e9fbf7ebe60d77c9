export const words = 'client';
