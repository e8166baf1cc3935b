import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import "../ui/theme.css";
import { Lab } from "./Lab.tsx";

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Lab />
    </StrictMode>,
  );
}
