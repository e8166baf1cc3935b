// "Frontend Applications", "React Hook Usage".
import { useWebSocket } from "../../src/react.js";
import { login as authenticateUser } from "./003_login.js";

const [username, password] = ["user", "password"] as const;

// First obtain a JWT token through authentication
const token = await authenticateUser(username, password);

export const useSeed = () => {
// Then pass the JWT token to the WebSocket hook
const { status, messages, sendMessage } = useWebSocket('ws://localhost:8000/ws', {
  token: token,
});
return { status, messages, sendMessage };
};
