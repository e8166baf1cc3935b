import type { ReactNode } from "react";

import { Button } from "./Button.tsx";
import { Dialog, DialogButtons } from "./Dialog.tsx";

interface ConfirmDialogProps {
  title: string;
  /** What the button says that does it. */
  yes: string;
  onYes: () => void;
  onClose: () => void;
  children: ReactNode;
}

/** Asks before something is taken away. */
export function ConfirmDialog({ title, yes, onYes, onClose, children }: ConfirmDialogProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="text-sm text-muted">{children}</div>
      <DialogButtons>
        <Button onClick={onClose}>Cancel</Button>
        <Button tone="danger" data-focus onClick={onYes}>
          {yes}
        </Button>
      </DialogButtons>
    </Dialog>
  );
}
