import chromium from "@sparticuz/chromium";

/** Where the browser's program is, unpacked. */
export const path = await chromium.executablePath();
