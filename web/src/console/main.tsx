import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import "../ui/theme.css";

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <main>
        <h1>Conclave console</h1>
      </main>
    </StrictMode>,
  );
}
