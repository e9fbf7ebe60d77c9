/** The mark: something small that stays above the waves. */
export const Logo = ({ size = 22 }: { readonly size?: number }) => (
  <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden>
    <rect width="32" height="32" rx="8" fill="var(--accent)" />
    <path
      d="M6 20c2.3-2.2 4.7-2.2 7 0s4.7 2.2 7 0 3.9-1.9 6-.4"
      fill="none"
      stroke="#fff"
      strokeWidth="2.6"
      strokeLinecap="round"
    />
    <circle cx="16" cy="11.5" r="3.3" fill="#fff" />
  </svg>
);
