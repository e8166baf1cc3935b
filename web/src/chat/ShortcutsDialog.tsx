import { Dialog } from "../ui/Dialog.tsx";

/** What the keyboard can do. */
export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      {GROUPS.map(([group, keys]) => (
        <section key={group} className="mt-3 first:mt-0">
          <h3 className="mb-1 text-sm font-medium text-muted">{group}</h3>
          <dl>
            {keys.map(([words, ...combination]) => (
              <div key={words} className="flex items-center justify-between gap-4 py-1 text-sm">
                <dt>{words}</dt>
                <dd className="flex gap-1">
                  {combination.map((key) => (
                    <kbd
                      key={key}
                      className="rounded-md border border-line bg-raised px-1.5 py-0.5 font-mono text-xs"
                    >
                      {key}
                    </kbd>
                  ))}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}

const CONTROL = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘" : "Ctrl";

const GROUPS: readonly (readonly [string, readonly (readonly string[])[]])[] = [
  [
    "Everywhere",
    [
      ["Go to a room", CONTROL, "K"],
      ["Room above, room below", "Alt", "↑ ↓"],
      ["These shortcuts", "?"],
      ["Close what is open", "Esc"],
    ],
  ],
  [
    "Writing",
    [
      ["Send", "Enter"],
      ["New line", "Shift", "Enter"],
      ["Edit your last message", "↑"],
      ["No edit, no reply", "Esc"],
    ],
  ],
  [
    "Messages",
    [
      ["From message to message", "↑ ↓"],
      ["First, last", "Home", "End"],
      ["Reply", "R"],
      ["Edit yours", "E"],
      ["Delete yours", "Delete"],
      ["Back to writing", "Esc"],
    ],
  ],
  ["Rooms", [["From room to room", "↑ ↓"]]],
];
