import { useEffect, useRef, type ReactNode } from "react";

interface ModalProps {
  /** Its name, where no heading is one. */
  "aria-label"?: string;
  "aria-labelledby"?: string;
  className: string;
  onClose: () => void;
  children: ReactNode;
}

/**
 * A modal box, open as long as it is rendered. The focus goes to what is marked `data-focus`, is kept
 * inside, and goes back in the end; Escape and a click beside it close.
 */
export function Modal({ onClose, children, ...rest }: ModalProps) {
  const box = useRef<HTMLDialogElement>(null);
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
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === box.current) onClose();
      }}
      {...rest}
    >
      {children}
    </dialog>
  );
}

const WANTED = "[data-focus]";
