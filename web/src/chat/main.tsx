import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import "../ui/theme.css";
import { ChatPage } from "./ChatPage.tsx";

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <ChatPage />
    </StrictMode>,
  );
}
