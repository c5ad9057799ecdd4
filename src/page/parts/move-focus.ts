/** Left and right arrow keys move the focus from button to button of a row. */
export function moveFocus(event: KeyboardEvent): void {
  const step = { ArrowRight: "nextElementSibling", ArrowLeft: "previousElementSibling" } as const;
  const side = step[event.key as keyof typeof step];
  if (!side) return;
  let to = (event.currentTarget as HTMLElement)[side];
  // Line breaks stand between.
  while (to && !to.matches("button, [role=button]")) to = to[side];
  if (!to) return;
  event.preventDefault();
  (to as HTMLElement).focus();
}
