import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import "../ui/theme.css";
import "./console.css";
import { Console } from "./Console.tsx";

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Console />
    </StrictMode>,
  );
}
