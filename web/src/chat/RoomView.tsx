import type { ChatMessage, ConclaveClient, RoomSummary, Status } from "conclave-client";
import { useAnswer, useRoom } from "conclave-client/react";
import { useCallback, useMemo, useRef, useState, type ReactNode } from "react";

import { Drawer } from "../ui/Drawer.tsx";
import { errorWords } from "../ui/errors.ts";
import { useSay } from "../ui/Notices.tsx";
import { useMedia, WIDER } from "../ui/useMedia.ts";
import type { MessageActions } from "./actions.ts";
import { assistantName, authorOf } from "./answers.ts";
import { AttachDialog } from "./AttachDialog.tsx";
import { Composer, type ComposerHandle, type Purpose } from "./Composer.tsx";
import { DeleteDialog } from "./DeleteDialog.tsx";
import type { Drafts } from "./drafts.ts";
import { waiting } from "./marks.ts";
import { MessageList, type MessageListHandle } from "./MessageList.tsx";
import { NewMessageVoice } from "./NewMessageVoice.tsx";
import { ReceiptsDialog } from "./ReceiptsDialog.tsx";
import { mayModerate } from "./permissions.ts";
import { RoomHeader } from "./RoomHeader.tsx";
import { RoomPanel } from "./RoomPanel.tsx";
import { lastOwn } from "./rows.ts";
import { TypingLine } from "./TypingLine.tsx";
import { useStop } from "./useStop.ts";

interface RoomViewProps {
  client: ConclaveClient;
  summary: RoomSummary;
  title: string;
  me: string;
  connection: Status;
  drafts: Drafts;
  /** What a phone shows before the room's name. */
  before?: ReactNode;
  membersShown: boolean;
  onMembers: () => void;
  /** What stands above the messages, given how many of them wait. */
  banner: (waiting: number) => ReactNode;
}

type Open = { is: "delete" | "details"; message: ChatMessage } | { is: "attach" };

/** One room: its name, its messages, and where one writes. Keyed by the room. */
export function RoomView(props: RoomViewProps) {
  const { client, summary, title, me, connection, drafts } = props;
  const room = useRoom(client, summary.id);
  const assistant = useAnswer(client, summary.id);
  const stop = useStop(client, summary, assistant);
  const say = useSay();
  const list = useRef<MessageListHandle>(null);
  const composer = useRef<ComposerHandle>(null);
  const [purpose, setPurpose] = useState<Purpose>(MESSAGE);
  const [open, setOpen] = useState<Open | null>(null);
  const complain = useCallback((thrown: unknown) => say(errorWords(thrown), "bad"), [say]);
  const { nameOf, retry, discard } = room;
  const actions = useMemo<MessageActions>(
    () => ({
      reply: (to) => setPurpose({ is: "reply", to, author: authorOf(to, nameOf) }),
      edit: (of) => setPurpose({ is: "edit", of }),
      remove: (message) => setOpen({ is: "delete", message }),
      details: (message) => setOpen({ is: "details", message }),
      retry: ({ clientId }) => clientId && retry(clientId),
      discard: ({ clientId }) => clientId && discard(clientId),
      jump: (id) => {
        list.current
          ?.toMessage(id)
          .then((there) => !there && say("That message is not in this room any more."), complain);
      },
    }),
    [nameOf, retry, discard, say, complain],
  );
  const done = () => {
    setPurpose(MESSAGE);
    composer.current?.focus();
  };
  const send = (text: string, kind: "Text" | "Image" | "File" = "Text") => {
    if (purpose.is === "edit" && kind === "Text") {
      const { id, content } = purpose.of;
      if (id !== null && content !== text) room.edit(id, text).catch(complain);
      done();
      return;
    }
    const replyTo = purpose.is === "reply" ? purpose.to.id : null;
    try {
      room.send(text, replyTo === null ? { kind } : { kind, replyTo });
    } catch (thrown) {
      complain(thrown);
      return;
    }
    list.current?.toNewest();
    done();
  };
  const editLast = () => {
    const message = lastOwn(room.messages, me);
    if (message) actions.edit(message);
  };
  const beside = useMedia(WIDER);
  const panel = props.membersShown && (
    <RoomPanel
      {...{ client, summary, room, title, me }}
      context={assistant.context}
      onClose={props.onMembers}
    />
  );
  const mayRemoveAll = summary.myRole === "OWNER" || mayModerate(client);
  return (
    <>
      <section aria-label={title} className="flex min-h-0 min-w-0 flex-1 flex-col">
        <RoomHeader {...props} room={room} context={assistant.context} />
        {props.banner(waiting(room.messages))}
        <MessageList
          room={room}
          live={client.room(summary.id)}
          me={me}
          mayRemoveAll={mayRemoveAll}
          assistant={assistant}
          stop={stop}
          connection={connection}
          actions={actions}
          onEscape={() => composer.current?.focus()}
          handle={list}
        />
        <NewMessageVoice room={room} me={me} />
        <TypingLine
          room={room}
          me={me}
          answering={assistant.answer && assistantName(room.nameOf)}
        />
        <Composer
          label={`Message ${title}`}
          purpose={purpose}
          draft={drafts.of(me, summary.id)}
          onDraft={(text) => drafts.keep(me, summary.id, text)}
          onSend={send}
          onCancel={done}
          onEditLast={editLast}
          onTyping={room.typing}
          onAttach={() => setOpen({ is: "attach" })}
          handle={composer}
        />
        {open?.is === "delete" && (
          <DeleteDialog
            message={open.message}
            onClose={() => setOpen(null)}
            onDelete={(id) => {
              setOpen(null);
              room.remove(id).catch(complain);
            }}
          />
        )}
        {open?.is === "details" && (
          <ReceiptsDialog room={room} message={open.message} onClose={() => setOpen(null)} />
        )}
        {open?.is === "attach" && (
          <AttachDialog
            onClose={() => setOpen(null)}
            onSend={(address, kind) => {
              setOpen(null);
              send(address, kind);
            }}
          />
        )}
      </section>
      {panel && beside && (
        <aside
          aria-label="Members and room"
          className="w-80 shrink-0 border-l border-line bg-surface"
        >
          {panel}
        </aside>
      )}
      {panel && !beside && (
        <Drawer label="Members and room" side="right" onClose={props.onMembers}>
          {panel}
        </Drawer>
      )}
    </>
  );
}

const MESSAGE: Purpose = { is: "message" };
