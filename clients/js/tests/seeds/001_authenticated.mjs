// "Using the JavaScript Client", "Authenticated Connection".
const messages = [];
const console = { log: (line) => messages.push(line) };

import { jwtManager, createAuthenticatedWebSocket } from './jwt_utils.js';

// Authenticate and create WebSocket connection
const ws = await createAuthenticatedWebSocket(
    "ws://localhost:8081/ws", 
    "http://localhost:8081/auth/token", 
    "username", 
    "password", 
    "user-session-456"
);

// Subscribe to topics
ws.send(`subscribe:AuthenticatedTestTopic|user-session-456`);

// Set up message handler
ws.onmessage = (event) => {
    const data = JSON.parse(event.data);
    console.log(`Received message: ${data.payload}`);
};

export { jwtManager, messages, ws };
