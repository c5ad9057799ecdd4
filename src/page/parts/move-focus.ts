/** Left and right arrow keys move the focus from button to button of a row. */
export function moveFocus(event: KeyboardEvent): void {
  const { nextElementSibling, previousElementSibling } = event.currentTarget as HTMLElement;
  const to = { ArrowRight: nextElementSibling, ArrowLeft: previousElementSibling }[event.key];
  if (!(to instanceof HTMLButtonElement)) return;
  event.preventDefault();
  to.focus();
}
