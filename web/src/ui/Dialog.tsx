import { X } from "lucide-react";
import { useEffect, useId, useRef, type ReactNode } from "react";

import { classes } from "./classes.ts";
import { IconButton } from "./Button.tsx";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** Further classes of the box, e.g. its width. */
  className?: string;
}

/**
 * A modal dialog, open as long as it is rendered. The focus goes to what is marked `data-focus`, is
 * kept inside, and goes back in the end; Escape and a click beside it close.
 */
export function Dialog({ title, onClose, children, className }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = box.current;
    const before = document.activeElement;
    dialog?.showModal();
    // React's autoFocus comes before the dialog is shown, and is lost.
    dialog?.querySelector<HTMLElement>(WANTED)?.focus();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={box}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === box.current) onClose();
      }}
      className={classes(
        "m-auto max-h-[min(44rem,calc(100dvh-2rem))] w-[min(28rem,calc(100vw-2rem))] overflow-hidden",
        "rounded-2xl border border-line bg-surface p-0 text-ink shadow-2xl backdrop:bg-black/45",
        className,
      )}
    >
      <div className="flex max-h-[inherit] flex-col">
        <header className="flex items-center justify-between gap-3 pt-3.5 pr-3 pb-1 pl-5">
          <h2 id={heading} className="text-base font-semibold">
            {title}
          </h2>
          <IconButton label="Close" onClick={onClose}>
            <X size={18} aria-hidden />
          </IconButton>
        </header>
        <div className="min-h-0 overflow-y-auto px-5 pt-2 pb-5">{children}</div>
      </div>
    </dialog>
  );
}

const WANTED = "[data-focus]";

/** The row of buttons at a dialog's end. */
export function DialogButtons({ children }: { children: ReactNode }) {
  return <div className="mt-5 flex flex-wrap justify-end gap-2">{children}</div>;
}
