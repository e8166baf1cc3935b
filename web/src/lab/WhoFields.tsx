import { SelectField, TextArea, TextField } from "../ui/TextField.tsx";
import type { Who } from "./credentials.ts";

interface WhoFieldsProps {
  who: Who;
  change: (who: Who) => void;
  disabled?: boolean;
}

/** By what a client says who it is. */
export function WhoFields({ who, change, disabled }: WhoFieldsProps) {
  return (
    <fieldset disabled={disabled} className="grid gap-2.5">
      <legend className="sr-only">Who it is</legend>
      <SelectField
        label="Comes in"
        value={who.kind}
        onChange={(event) => change(fresh(event.target.value as Who["kind"]))}
      >
        <option value="anonymous">without a token (dev mode)</option>
        <option value="user">by signing in</option>
        <option value="token">with a token</option>
      </SelectField>
      {who.kind === "anonymous" && (
        <Session
          value={who.session}
          change={(session) => change({ ...who, session })}
          hint="Without one: session-NAME."
        />
      )}
      {who.kind === "user" && <UserFields who={who} change={change} />}
      {who.kind === "token" && (
        <TextArea
          label="Token"
          rows={3}
          spellCheck={false}
          value={who.token}
          onChange={(event) => change({ ...who, token: event.target.value })}
          hint="Traded for a one-use ticket; it is not put into the address."
        />
      )}
    </fieldset>
  );
}

type User = Extract<Who, { kind: "user" }>;

interface UserFieldsProps {
  who: User;
  change: (who: User) => void;
  /** The session is given otherwise. */
  sessionless?: boolean;
}

export function UserFields({ who, change, sessionless = false }: UserFieldsProps) {
  return (
    <>
      <div className="grid grid-cols-2 gap-2.5">
        <TextField
          label="User"
          value={who.user}
          autoComplete="off"
          autoCapitalize="none"
          onChange={(event) => change({ ...who, user: event.target.value })}
        />
        <TextField
          label="Password"
          type="password"
          value={who.password}
          autoComplete="off"
          onChange={(event) => change({ ...who, password: event.target.value })}
        />
      </div>
      {!sessionless && (
        <Session
          value={who.session}
          change={(session) => change({ ...who, session })}
          hint="Without one: the user's own."
        />
      )}
    </>
  );
}

function Session({
  value,
  change,
  hint,
}: {
  value: string;
  change: (value: string) => void;
  hint: string;
}) {
  return (
    <TextField
      label="Session"
      value={value}
      autoCapitalize="none"
      spellCheck={false}
      hint={hint}
      onChange={(event) => change(event.target.value)}
    />
  );
}

function fresh(kind: Who["kind"]): Who {
  if (kind === "anonymous") return { kind, session: "" };
  return kind === "user" ? { kind, user: "", password: "", session: "" } : { kind, token: "" };
}
