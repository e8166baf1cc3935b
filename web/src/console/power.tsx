/** Dialogs that take something away from somebody; each says first what it will do. */
import { useState, type FormEvent, type ReactNode } from "react";

import { Button } from "../ui/Button.tsx";
import { Dialog, DialogButtons } from "../ui/Dialog.tsx";
import { TextField } from "../ui/TextField.tsx";
import { ProblemBanner } from "./ListFrame.tsx";
import type { ApiProblem } from "./api.ts";
import { useApi, useSession } from "./session.ts";
import type { Connection } from "./shapes.ts";
import { asProblem } from "./useList.ts";

interface PowerProps {
  connection: Connection;
  close: () => void;
  done: (words: string) => void;
}

export function Kick({ connection, close, done }: PowerProps) {
  const api = useApi();
  const [reason, setReason] = useState("");
  const who = connection.user_id ?? "the anonymous client";
  const kick = async () => {
    const node = connection.node ? `-${connection.node}` : "";
    const id = connection.id.includes("-") ? connection.id : connection.id + node;
    const body = reason.trim()
      ? { connection_id: id, reason: reason.trim() }
      : { connection_id: id };
    const answer = await api.act<{ closed: number }>("POST", "/api/v1/disconnect", body);
    done(
      answer?.closed ? `The connection of ${who} was closed.` : "The connection was already gone.",
    );
  };
  return (
    <Confirm title={`Kick ${who}?`} verb="Kick" act={kick} close={close}>
      <p>
        This one connection ({connection.surface}, {connection.address}) is closed. The token stays
        good: the client may connect again at once. To keep it out, revoke the user or the session.
      </p>
      <TextField
        label="Reason, sent to the client"
        value={reason}
        maxLength={120}
        onChange={(event) => setReason(event.target.value)}
        placeholder="disconnected by an administrator"
      />
    </Confirm>
  );
}

export function Revoke({ connection, close, done }: PowerProps) {
  const api = useApi();
  const { me } = useSession();
  const [what, setWhat] = useState<"user" | "session">("user");
  const user = connection.user_id ?? "";
  const revoke = async () => {
    await api.act(
      "POST",
      "/auth/revoke",
      what === "user" ? { user_id: user } : { session_id: connection.session },
    );
    done(
      what === "user"
        ? `All tokens of ${user} are revoked.`
        : `All tokens of the session ${connection.session} are revoked.`,
    );
  };
  return (
    <Confirm title="Revoke tokens?" verb="Revoke" act={revoke} close={close}>
      <fieldset className="grid gap-2">
        <legend className="mb-1 font-medium">Whose?</legend>
        <Radio checked={what === "user"} onChange={() => setWhat("user")}>
          The user <strong>{user}</strong>, in every session
        </Radio>
        <Radio checked={what === "session"} onChange={() => setWhat("session")}>
          The session <strong>{connection.session}</strong>, of every user in it
        </Radio>
      </fieldset>
      <p>
        {what === "user"
          ? `Every token that ${user} holds now stops working, on all nodes, and all connections of ${user} close within two seconds.`
          : `Every token that names ${connection.session} now stops working, on all nodes, and all connections in it close within two seconds.`}{" "}
        Who may sign in can sign in again; to prevent that, disable the user under Users.
      </p>
      {what === "user" && user === me.user_id && (
        <p className="font-medium text-bad">That is you: this console is signed out as well.</p>
      )}
    </Confirm>
  );
}

function Radio({
  checked,
  onChange,
  children,
}: {
  checked: boolean;
  onChange: () => void;
  children: ReactNode;
}) {
  return (
    <label className="flex cursor-pointer items-center gap-2">
      <input
        type="radio"
        name="what"
        checked={checked}
        onChange={onChange}
        className="size-4 accent-accent"
      />
      <span>{children}</span>
    </label>
  );
}

interface ConfirmProps {
  title: string;
  /** What the button says. */
  verb: string;
  act: () => Promise<void>;
  close: () => void;
  children: ReactNode;
  /** Whether it takes something away; else it is an ordinary form. */
  danger?: boolean;
}

/** A form in a dialog: shows why the server refused, and stays open then. */
export function Confirm({ title, verb, act, close, children, danger = true }: ConfirmProps) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await act();
    } catch (reason) {
      setProblem(asProblem(reason));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={close}>
      <form onSubmit={(event) => void send(event)} className="grid gap-4 text-sm">
        {problem && <ProblemBanner problem={problem} />}
        {children}
        <DialogButtons>
          <Button onClick={close}>Cancel</Button>
          <Button type="submit" tone={danger ? "danger" : "primary"} busy={busy}>
            {verb}
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}
