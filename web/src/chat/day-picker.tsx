import { useRef } from 'preact/hooks';

/** The day of what is in view, over it; opens the browser's own calendar, which leads to another day. */
export function DayPicker({ label, onPick }: { label: string; onPick: (date: Date) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <div class="day-float">
      <button type="button" onClick={() => input.current?.showPicker()} aria-label={`${label}. Go to another day`}>
        {label}
      </button>
      <input
        ref={input}
        type="date"
        tabIndex={-1}
        aria-hidden="true"
        onChange={({ currentTarget: { valueAsDate } }) => {
          if (!valueAsDate) return;
          // The calendar's day in this time zone: `valueAsDate` is midnight in UTC.
          onPick(new Date(valueAsDate.getUTCFullYear(), valueAsDate.getUTCMonth(), valueAsDate.getUTCDate()));
        }}
      />
    </div>
  );
}
