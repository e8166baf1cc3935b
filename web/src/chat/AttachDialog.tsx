import { useState, type FormEvent } from "react";

import { Button } from "../ui/Button.tsx";
import { Dialog, DialogButtons } from "../ui/Dialog.tsx";
import { SelectField, TextField } from "../ui/TextField.tsx";
import { secureAddress } from "./linkify.ts";
import { CONTENT_MAX } from "./words.ts";

interface AttachDialogProps {
  onClose: () => void;
  onSend: (address: string, kind: "Image" | "File") => void;
}

/** Images and files are addresses: the server keeps none. */
export function AttachDialog({ onClose, onSend }: AttachDialogProps) {
  const [text, setText] = useState("");
  const [kind, setKind] = useState<"Image" | "File">("Image");
  const [error, setError] = useState<string | null>(null);
  const send = (event: FormEvent) => {
    event.preventDefault();
    const address = secureAddress(text);
    if (!address) setError("This is not an address that begins with https://");
    else if (address.length > CONTENT_MAX) setError("This address is too long.");
    else onSend(address, kind);
  };
  return (
    <Dialog title="Send an image or a file" onClose={onClose}>
      <form onSubmit={send} noValidate className="flex flex-col gap-4">
        <TextField
          label="Address"
          type="url"
          inputMode="url"
          placeholder="https://"
          data-focus
          value={text}
          error={error}
          hint="Where it can be fetched. Who reads it asks that server."
          onChange={(event) => {
            setText(event.target.value);
            setError(null);
          }}
        />
        <SelectField
          label="Shown as"
          value={kind}
          onChange={(event) => setKind(event.target.value === "File" ? "File" : "Image")}
        >
          <option value="Image">Image</option>
          <option value="File">File</option>
        </SelectField>
        <DialogButtons>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="primary">
            Send
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}
