// "Authentication Methods" and "Migration from Unsecured WebSockets".
export const byQuery = (getJWTToken) => {
const token = getJWTToken(); // Get token from your auth system
const ws = new WebSocket(`ws://localhost:8000/ws/user123?token=${token}`);
return ws;
};

export const byHeader = (your_jwt_token_here) => {
const ws = new WebSocket('ws://localhost:8000/ws/user123', [], {
    headers: {
        'Authorization': `Bearer ${your_jwt_token_here}`
    }
});
return ws;
};

export const unsecured = () => {
const ws = new WebSocket('ws://localhost:8000/ws/user123');
return ws;
};
