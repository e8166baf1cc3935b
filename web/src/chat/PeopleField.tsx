import { X } from "lucide-react";
import { useId, useState } from "react";

import { TextField } from "../ui/TextField.tsx";

interface PeopleFieldProps {
  label: string;
  max: number;
  people: readonly string[];
  /** Names to suggest. */
  known: readonly string[];
  onChange: (people: readonly string[]) => void;
}

/** Some users, by their names: Enter or a comma takes one. */
export function PeopleField({ label, max, people, known, onChange }: PeopleFieldProps) {
  const [text, setText] = useState("");
  const suggestions = useId();
  const take = (words: string) => {
    const names = words
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean);
    onChange([...new Set([...people, ...names])].slice(0, max));
    setText("");
  };
  return (
    <div>
      <TextField
        label={label}
        hint={max > 1 ? "User names; Enter adds one." : "A user name."}
        list={suggestions}
        autoCapitalize="none"
        autoComplete="off"
        spellCheck={false}
        disabled={people.length >= max}
        value={text}
        onChange={(event) => {
          const { value } = event.target;
          if (value.includes(",")) take(value);
          else setText(value);
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || text.trim() === "") return;
          event.preventDefault();
          take(text);
        }}
        onBlur={() => text.trim() !== "" && take(text)}
      />
      <datalist id={suggestions}>
        {known
          .filter((name) => !people.includes(name))
          .map((name) => (
            <option key={name} value={name} />
          ))}
      </datalist>
      {people.length > 0 && (
        <ul className="mt-2 flex flex-wrap gap-1.5" aria-label={label}>
          {people.map((name) => (
            <li
              key={name}
              className="flex items-center gap-1 rounded-full bg-raised py-0.5 pr-1 pl-3 text-sm"
            >
              {name}
              <button
                type="button"
                aria-label={`Without ${name}`}
                className="grid size-6 cursor-pointer place-items-center rounded-full text-muted hover:text-ink"
                onClick={() => onChange(people.filter((other) => other !== name))}
              >
                <X size={14} aria-hidden />
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
