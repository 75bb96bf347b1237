import type { ComponentChild } from 'preact';

/* Drawn on 24 × 24, in the colour of the text. They say nothing by themselves: whatever they stand for is also there in words. */

const draw = (...children: ComponentChild[]): (() => ComponentChild) =>
  function Icon() {
    return (
      <svg viewBox="0 0 24 24" aria-hidden="true">
        {children}
      </svg>
    );
  };

const paths = (...d: string[]) => draw(...d.map((path) => <path d={path} />));

export const Plus = paths('M12 5v14M5 12h14');
export const Search = draw(<circle cx="11" cy="11" r="7" />, <path d="m20 20-3.9-3.9" />);
export const Spark = paths('M12 4c.6 4.6 3.4 7.4 8 8-4.6.6-7.4 3.4-8 8-.6-4.6-3.4-7.4-8-8 4.6-.6 7.4-3.4 8-8z');
export const Gear = draw(
  <circle cx="12" cy="12" r="3" />,
  <path d="M12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1M16.3 16.3l2.1 2.1M18.4 5.6l-2.1 2.1M7.7 16.3l-2.1 2.1" />,
);
export const Back = paths('m15 5-7 7 7 7');
export const Lock = draw(<rect x="5" y="11" width="14" height="9" rx="2" />, <path d="M8 11V8a4 4 0 0 1 8 0v3" />);
export const Members = draw(
  <circle cx="9" cy="8" r="3.5" />,
  <path d="M2.5 20c.6-3.6 3.2-5.5 6.5-5.5s5.9 1.9 6.5 5.5M16 4.8a3.5 3.5 0 0 1 0 6.4M18.3 15c1.7.9 2.8 2.6 3.2 5" />,
);
export const More = draw(
  <circle cx="5" cy="12" r=".6" />,
  <circle cx="12" cy="12" r=".6" />,
  <circle cx="19" cy="12" r=".6" />,
);
export const Copy = draw(
  <rect x="8" y="8" width="12" height="12" rx="2" />,
  <path d="M16 8V5a1 1 0 0 0-1-1H5a1 1 0 0 0-1 1v10a1 1 0 0 0 1 1h3" />,
);
export const Flag = paths('M6 21V4h12l-2.5 4.5L18 13H6');
export const Tick = paths('m5 12.5 4.5 4.5L19 7.5');
export const Ticks = paths('m2.5 12.5 4 4L15 8M11 15.5l1 1L20.5 8');
export const Clock = draw(<circle cx="12" cy="12" r="8.5" />, <path d="M12 7.5V12l3 2" />);
export const Warning = draw(<circle cx="12" cy="12" r="8.5" />, <path d="M12 7.5v5.5M12 16.3v.1" />);
export const Globe = draw(
  <circle cx="12" cy="12" r="8.5" />,
  <path d="M3.5 12h17M12 3.5c5 5 5 12 0 17M12 3.5c-5 5-5 12 0 17" />,
);
export const Smile = draw(
  <circle cx="12" cy="12" r="8.5" />,
  <path d="M8.5 14.5c.9 1.1 2.1 1.7 3.5 1.7s2.6-.6 3.5-1.7M9 9.5v.5M15 9.5v.5" />,
);
export const Up = paths('M12 19V5M6 11l6-6 6 6');
export const Down = paths('M12 5v14M6 13l6 6 6-6');
export const Close = paths('M6 6l12 12M18 6 6 18');
export const Pen = paths('M4 20h4L19 9l-4-4L4 16zM13 7l4 4');
export const Stop = draw(<rect x="7" y="7" width="10" height="10" rx="1.5" fill="currentColor" />);
export const Bin = paths('M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7');
export const Envelope = draw(<rect x="3.5" y="5.5" width="17" height="13" rx="2" />, <path d="m4 7 8 6 8-6" />);
export const Link = paths(
  'M10 14a4 4 0 0 0 6 .4l3-3a4.2 4.2 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6-.4l-3 3a4.2 4.2 0 0 0 6 6l1-1',
);
export const Eye = draw(
  <path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z" />,
  <circle cx="12" cy="12" r="2.5" />,
);
export const NoNetwork = draw(
  <path d="M3 3l18 18M8.5 15.5a5 5 0 0 1 6-.8M5 12a10 10 0 0 1 4-2.5M2 8.5A15 15 0 0 1 6.5 5.7M12.5 9a10 10 0 0 1 6.5 3M11 5a15 15 0 0 1 11 3.5" />,
  <circle cx="12" cy="19" r=".6" />,
);
export const Calendar = draw(
  <rect x="4" y="5.5" width="16" height="14" rx="2" />,
  <path d="M4 10h16M8.5 3.5v4M15.5 3.5v4" />,
);
export const Bell = paths('M6 16.5h12c-1.3-1.3-1.8-2.6-1.8-6a4.2 4.2 0 0 0-8.4 0c0 3.4-.5 4.7-1.8 6zM10 19.5h4');
export const BellOff = draw(
  <path d="M6 16.5h12c-1.3-1.3-1.8-2.6-1.8-6a4.2 4.2 0 0 0-8.4 0c0 3.4-.5 4.7-1.8 6zM10 19.5h4" />,
  <path d="M4 4l16 16" />,
);
export const Reply = paths('M10 6l-5.5 5.5L10 17M5 11.5h8.5c3.5 0 5.5 2 5.5 6');
export const Star = paths('M12 4l2.4 5.2 5.6.7-4.1 3.9 1.1 5.6-5-2.8-5 2.8 1.1-5.6L4 9.9l5.6-.7z');
export const Archive = draw(
  <rect x="3.5" y="5" width="17" height="4.5" rx="1" />,
  <path d="M5 9.5V18a1 1 0 0 0 1 1h12a1 1 0 0 0 1-1V9.5M10 13.5h4" />,
);
export const At = draw(
  <circle cx="12" cy="12" r="3.75" />,
  <path d="M15.75 8.5v5c0 1.5 1 2.5 2.25 2.5s2.5-1.4 2.5-4a8.5 8.5 0 1 0-3.4 6.8" />,
);
export const Fold = paths('m7 10 5 5 5-5');
export const Block = draw(<circle cx="12" cy="12" r="8.5" />, <path d="M6 6l12 12" />);

const HALVES = ['M10.5 1.5v21A10.5 10.5 0 0 1 10.5 1.5z', 'M13.5 1.5a10.5 10.5 0 0 1 0 21z'] as const;

/** Two half discs that face each other. */
export function Mark({ class: name = 'mark' }: { class?: string }) {
  return (
    <svg class={name} viewBox="0 0 24 24" aria-hidden="true">
      <path class="a" d={HALVES[0]} />
      <path class="b" d={HALVES[1]} />
    </svg>
  );
}
