export const words = 'web';
