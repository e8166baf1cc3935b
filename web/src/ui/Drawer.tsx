import type { ReactNode } from "react";

import { classes } from "./classes.ts";
import { Modal } from "./Modal.tsx";

interface DrawerProps {
  label: string;
  side: "left" | "right";
  onClose: () => void;
  children: ReactNode;
}

/** What has a column of its own on a wide screen, over the page on a narrow one. */
export function Drawer({ label, side, onClose, children }: DrawerProps) {
  return (
    <Modal
      aria-label={label}
      onClose={onClose}
      className={classes(
        "m-0 h-dvh max-h-none w-[min(21rem,88vw)] max-w-none border-line bg-surface p-0 text-ink",
        "shadow-2xl backdrop:bg-black/45",
        side === "left" ? "mr-auto border-r" : "ml-auto border-l",
      )}
    >
      {children}
    </Modal>
  );
}
