/** Files that are dropped anywhere on the page. */
import { useLayoutEffect } from "preact/hooks";

/** Not so for text that is dragged from one place to another, which is the browser's business. */
export function hasFiles({ dataTransfer }: DragEvent): boolean {
  return dataTransfer?.types.includes("Files") ?? false;
}

/** Without this the browser would leave the page for a file that is dropped. */
export function stayForDrops(): void {
  const stay = (event: DragEvent): void => {
    if (hasFiles(event)) event.preventDefault();
  };
  addEventListener("dragover", stay);
  addEventListener("drop", stay);
}

/** While the view is shown, it takes what is dropped. */
export function useDrops(take: (file: File) => void): void {
  // At once, not after the first drawing: a file may be let go of before that.
  useLayoutEffect(() => {
    const drop = ({ dataTransfer }: DragEvent): void => {
      const [file] = dataTransfer?.files ?? [];
      if (file) take(file);
    };
    addEventListener("drop", drop);
    return () => removeEventListener("drop", drop);
  }, []);
}
