// "Using the JavaScript Client", "Connection and Subscribe".
import { createClient } from "../../dist/index.js";

// Connect with a specific session ID
const client = await createClient(
    "WebClient1",
    "ws://localhost:8081/ws",
    {
        subscriptions: ["DetectCustomerEvent", "NetworkConnectedEvent"]
    },
    // Optional publish action
    {
        topic: "RegistrationEvent",
        message: "Web client registered"
    },
    // Session ID (optional, defaults to "session-WebClient1")
    "user-session-456"
);

// Message handler is automatically set up in createClient
// Only messages published to "user-session-456" will be received

export { client };
