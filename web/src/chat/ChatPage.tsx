import { useCallback, useState } from "react";

import { Notices } from "../ui/Notices.tsx";
import { SignInForm } from "../ui/SignInForm.tsx";
import { Spinner } from "../ui/Spinner.tsx";
import { useSignedIn } from "../ui/useSignedIn.ts";
import { Chat } from "./Chat.tsx";
import { Drafts } from "./drafts.ts";

/** The chat page: the sign-in form or the rooms. Drafts outlive a session that the server ends. */
export function ChatPage() {
  const [state, { enter, leave, ended }] = useSignedIn();
  const [drafts] = useState(() => new Drafts());
  const goodbye = useCallback(() => {
    drafts.forgetAll();
    history.replaceState(null, "", location.pathname);
    void leave().catch(() => {}); // Signed out here, whether or not the server could be told.
  }, [drafts, leave]);
  switch (state.at) {
    case "asking":
      return (
        <main className="grid h-dvh place-items-center">
          <h1 className="sr-only">Conclave</h1>
          <Spinner label="Loading" />
        </main>
      );
    case "out":
      return <SignInForm title="Conclave" why={state.why} enter={enter} />;
    case "in":
      return (
        <Notices>
          <Chat tokens={state.tokens} drafts={drafts} onLeave={goodbye} onEnded={ended} />
        </Notices>
      );
  }
}
