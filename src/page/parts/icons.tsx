import type { ComponentChildren } from "preact";

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
      {children}
    </svg>
  );
}

export const TokensIcon = () => (
  <Icon>
    <rect x="2" y="5" width="5" height="10" rx="1.5" />
    <rect x="8.5" y="5" width="3" height="10" rx="1.5" />
    <rect x="13" y="5" width="5" height="10" rx="1.5" />
  </Icon>
);
export const TrainIcon = () => (
  <Icon>
    <path d="M2.5 4c2 7.5 5 10.5 15 11.5" />
    <path d="M2.5 17.500h15" opacity=".4" />
  </Icon>
);
export const InsideIcon = () => (
  <Icon>
    <rect x="2.5" y="2.5" width="6" height="6" rx="1" />
    <rect x="11.5" y="2.5" width="6" height="6" rx="1" opacity=".4" />
    <rect x="2.5" y="11.5" width="6" height="6" rx="1" opacity=".4" />
    <rect x="11.5" y="11.5" width="6" height="6" rx="1" />
  </Icon>
);
export const TimeIcon = () => (
  <Icon>
    <circle cx="4" cy="13" r="2.2" />
    <circle cx="10" cy="13" r="2.2" />
    <circle cx="16" cy="13" r="2.2" />
    <path d="M15 7.500c-2-3.5-8-3.5-10.5 0M4 4.200l.3 3.5 3.4-.6" />
  </Icon>
);
export const BenchIcon = () => (
  <Icon>
    <path d="M3 5h14M3 10h9M3 15h4" stroke-width="2.6" />
  </Icon>
);
export const PlayIcon = () => (
  <Icon>
    <path d="M6 4l10 6-10 6z" fill="currentColor" />
  </Icon>
);
export const PauseIcon = () => (
  <Icon>
    <path d="M7 4.500v11M13 4.500v11" stroke-width="2.6" />
  </Icon>
);
export const CloseIcon = () => (
  <Icon>
    <path d="M5.5 5.500l9 9M14.5 5.500l-9 9" />
  </Icon>
);
export const DownloadIcon = () => (
  <Icon>
    <path d="M10 3v9M6.5 8.800L10 12.300l3.5-3.500M4 16.500h12" />
  </Icon>
);
export const UploadIcon = () => (
  <Icon>
    <path d="M10 12.500v-9M6.5 6.700L10 3.200l3.5 3.500M4 16.500h12" />
  </Icon>
);
export const LinkIcon = () => (
  <Icon>
    <path d="M8.5 11.500a3 3 0 0 0 4.2 0l3-3a3 3 0 0 0-4.2-4.200l-1 1M11.5 8.500a3 3 0 0 0-4.2 0l-3 3a3 3 0 0 0 4.2 4.200l1-1" />
  </Icon>
);
export const SunIcon = () => (
  <Icon>
    <circle cx="10" cy="10" r="3.5" />
    <path d="M10 2v2M10 16v2M2 10h2M16 10h2M4.3 4.300l1.4 1.400M14.3 14.300l1.4 1.400M15.7 4.300l-1.4 1.400M5.7 14.300l-1.4 1.4" />
  </Icon>
);
export const MoonIcon = () => (
  <Icon>
    <path d="M16.5 11.800A7 7 0 1 1 8.2 3.500a5.5 5.5 0 0 0 8.3 8.300z" />
  </Icon>
);
export const CopyIcon = () => (
  <Icon>
    <rect x="7" y="7" width="10" height="10" rx="2" />
    <path d="M13 7V5a2 2 0 0 0-2-2H5a2 2 0 0 0-2 2v6a2 2 0 0 0 2 2h2" />
  </Icon>
);

/** The name's sign: a network unrolled, and the gradient on its way back. */
export const Mark = () => (
  <svg class="mark" viewBox="0 0 44 24" width="44" height="24" aria-hidden="true">
    <path class="line" d="M6 17h32" />
    <circle cx="6" cy="17" r="4.5" opacity=".4" />
    <circle cx="22" cy="17" r="4.5" opacity=".7" />
    <circle cx="38" cy="17" r="4.5" />
    <path class="back" d="M36 7C28 1 14 1 7.5 7.5M7 2.5v5.2h5.2" />
  </svg>
);
