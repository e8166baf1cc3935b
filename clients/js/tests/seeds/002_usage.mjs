// "Usage Examples", "JavaScript Client Example": its use, with either class.
export const use = (PRSMWebSocketClient) => {
// Usage
const client = new PRSMWebSocketClient('user123', 'your_jwt_token');
client.connect();
return client;
};
