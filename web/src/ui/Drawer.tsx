import { useEffect, useRef, type ReactNode } from "react";

import { classes } from "./classes.ts";

interface DrawerProps {
  label: string;
  side: "left" | "right";
  onClose: () => void;
  children: ReactNode;
}

/** What has a column of its own on a wide screen, over the page on a narrow one. */
export function Drawer({ label, side, onClose, children }: DrawerProps) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = box.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={box}
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === box.current) onClose();
      }}
      className={classes(
        "m-0 h-dvh max-h-none w-[min(21rem,88vw)] max-w-none border-line bg-surface p-0 text-ink",
        "shadow-2xl backdrop:bg-black/45",
        side === "left" ? "mr-auto border-r" : "ml-auto border-l",
      )}
    >
      {children}
    </dialog>
  );
}
