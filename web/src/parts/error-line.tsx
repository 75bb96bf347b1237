/** What went wrong, where it was asked for; said aloud. Nothing where nothing did. */
export function ErrorLine({ children }: { children: string | undefined }) {
  if (children === undefined) return null;
  return (
    <p class="err" role="alert">
      {children}
    </p>
  );
}
