/** Puts text into the clipboard, also on plain http, where there is no `navigator.clipboard`. @returns whether that worked */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea');
  const focused = document.activeElement;
  area.value = text;
  area.className = 'sr';
  area.setAttribute('aria-hidden', 'true');
  document.body.append(area);
  area.select();
  // The only way outside of a secure context.
  const done = document.execCommand('copy');
  area.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  return done;
}
