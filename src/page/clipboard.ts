/** Copies a text; false where the browser does not let a page: over plain http, or when its reader has refused. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
