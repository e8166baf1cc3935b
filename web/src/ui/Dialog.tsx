import { X } from "lucide-react";
import { useId, type ReactNode } from "react";

import { classes } from "./classes.ts";
import { IconButton } from "./Button.tsx";
import { Modal } from "./Modal.tsx";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** Further classes of the box, e.g. its width. */
  className?: string;
}

/** A dialog with a heading and a way out, in the middle of the page. */
export function Dialog({ title, onClose, children, className }: DialogProps) {
  const heading = useId();
  return (
    <Modal
      aria-labelledby={heading}
      onClose={onClose}
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
    </Modal>
  );
}

/** The row of buttons at a dialog's end. */
export function DialogButtons({ children }: { children: ReactNode }) {
  return <div className="mt-5 flex flex-wrap justify-end gap-2">{children}</div>;
}
