import type { ChatMessage } from "conclave-client";
import { FileText } from "lucide-react";
import { useMemo } from "react";

import { isAssistant } from "./answers.ts";
import { linkify, secureAddress } from "./linkify.ts";
import { Markdown } from "./Markdown.tsx";
import { WebLink } from "./WebLink.tsx";

/** What a message holds, as text, links, an image or a file; never as HTML. */
export function Content({ message, author }: { message: ChatMessage; author: string }) {
  if (message.deleted) return <p className="text-muted italic">This message was deleted.</p>;
  if (isAssistant(message)) return <Markdown text={message.content} />;
  const address = message.kind === "Text" ? null : secureAddress(message.content);
  if (message.kind === "Image" && address) return <Picture address={address} author={author} />;
  if (message.kind === "File" && address) return <File address={address} />;
  return <Text content={message.content} />;
}

function Text({ content }: { content: string }) {
  const pieces = useMemo(() => linkify(content), [content]);
  return (
    <p className="break-words whitespace-pre-wrap [overflow-wrap:anywhere]">
      {pieces.map(({ text, href }, index) =>
        href ? (
          <WebLink key={index} href={href}>
            {text}
          </WebLink>
        ) : (
          text
        ),
      )}
    </p>
  );
}

/** Its box has its size before the image comes, so that the list does not jump. */
function Picture({ address, author }: { address: string; author: string }) {
  return (
    <WebLink href={address} className="block">
      <img
        src={address}
        alt={`Image from ${author}: ${fileName(address)}`}
        loading="lazy"
        decoding="async"
        referrerPolicy="no-referrer"
        className="h-52 w-80 max-w-full rounded-lg bg-raised object-contain text-sm text-muted"
      />
    </WebLink>
  );
}

function File({ address }: { address: string }) {
  return (
    <WebLink href={address} className="flex items-center gap-3 py-1">
      <FileText size={28} aria-hidden className="shrink-0 text-accent" />
      <span className="min-w-0">
        <span className="block truncate font-medium text-accent underline underline-offset-2">
          {fileName(address)}
        </span>
        <span className="block truncate text-sm text-muted">{new URL(address).host}</span>
      </span>
    </WebLink>
  );
}

/** The last part of the path, as it is read. */
function fileName(address: string): string {
  const { pathname, host } = new URL(address);
  const last = pathname.split("/").filter(Boolean).at(-1) ?? host;
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
