// "Using the JavaScript Client", "Publishing Messages".
export const publish = (ws, clientName) => {
const message = {
    publisher_name: clientName,
    topic: "StatusEvent",
    payload: "Status updated",
    timestamp: new Date().toISOString(),
    session_id: "user-session-456"  // Specify the session scope
};

ws.send(`publish-json:${JSON.stringify(message)}`);
};
