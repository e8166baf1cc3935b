import { memo, useMemo } from "react";

import { classes } from "../ui/classes.ts";
import { inlinesOf } from "./inlines.ts";
import { blocksOf, type Block, type Inline } from "./markdown.ts";
import { WebLink } from "./WebLink.tsx";

/** A text in markdown. Only elements of this page are made of it, whatever is in the text. */
export function Markdown({ text }: { text: string }) {
  const blocks = useMemo(() => blocksOf(text), [text]);
  return (
    <div className="flex flex-col gap-2 break-words [overflow-wrap:anywhere]">
      <Blocks blocks={blocks} />
    </div>
  );
}

function Blocks({ blocks }: { blocks: readonly Block[] }) {
  return blocks.map((block, index) => <One key={index} block={block} />);
}

function One({ block }: { block: Block }) {
  switch (block.is) {
    case "paragraph":
      return (
        <p className="whitespace-pre-wrap">
          <Line text={block.text} />
        </p>
      );
    case "heading":
      // Not a heading of the page, whose outline is its own.
      return (
        <p className="font-semibold">
          <Line text={block.text} />
        </p>
      );
    case "code":
      return <Code text={block.text} language={block.language} />;
    case "quote":
      return (
        <blockquote className="flex flex-col gap-2 border-l-3 border-line pl-3 text-muted">
          <Blocks blocks={block.blocks} />
        </blockquote>
      );
    case "rule":
      return <hr className="border-line" />;
    case "list":
      return <List block={block} />;
  }
}

function List({ block }: { block: Extract<Block, { is: "list" }> }) {
  const items = block.items.map((blocks, index) => (
    <li key={index}>
      <div className="flex flex-col gap-1">
        <Blocks blocks={blocks} />
      </div>
    </li>
  ));
  const look = "flex list-outside flex-col gap-1 pl-6";
  if (block.ordered) {
    return (
      <ol start={block.start} className={classes(look, "list-decimal")}>
        {items}
      </ol>
    );
  }
  return <ul className={classes(look, "list-disc")}>{items}</ul>;
}

/** It scrolls by itself where a line is long, by the keyboard as well. */
function Code({ text, language }: { text: string; language: string }) {
  return (
    <pre
      tabIndex={0}
      aria-label={language === "" ? "Code" : `Code, ${language}`}
      role="group"
      className="overflow-x-auto rounded-lg border border-line bg-raised px-3 py-2 text-sm leading-normal [overflow-wrap:normal]"
    >
      <code className="font-mono">{text}</code>
    </pre>
  );
}

/** Read anew only where its text is another one: of an answer that grows, the last alone. */
const Line = memo(function Line({ text }: { text: string }) {
  return <Inlines inlines={inlinesOf(text)} />;
});

function Inlines({ inlines }: { inlines: readonly Inline[] }) {
  return inlines.map((inline, index) => <Part key={index} inline={inline} />);
}

function Part({ inline }: { inline: Inline }) {
  switch (inline.is) {
    case "text":
      return inline.text;
    case "code":
      return (
        <code className="rounded bg-raised px-1 py-0.5 font-mono text-[0.9em]">{inline.text}</code>
      );
    case "link":
      return <WebLink href={inline.href}>{inline.text}</WebLink>;
    case "strong":
      return (
        <strong>
          <Inlines inlines={inline.inlines} />
        </strong>
      );
    case "emphasis":
      return (
        <em>
          <Inlines inlines={inline.inlines} />
        </em>
      );
    case "struck":
      return (
        <s>
          <Inlines inlines={inline.inlines} />
        </s>
      );
  }
}
