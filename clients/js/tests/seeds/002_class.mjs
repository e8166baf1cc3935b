// "Usage Examples", "JavaScript Client Example": the class. The console is the test's.
export const lines = [];
const console = {
    log: (...words) => lines.push(words[0]),
    error: (...words) => lines.push(words[0])
};

class PRSMWebSocketClient {
    constructor(userId, token) {
        this.userId = userId;
        this.token = token;
        this.ws = null;
    }
    
    connect() {
        const wsUrl = `ws://localhost:8000/ws/${this.userId}?token=${this.token}`;
        this.ws = new WebSocket(wsUrl);
        
        this.ws.onopen = (event) => {
            console.log('Secure WebSocket connected');
        };
        
        this.ws.onmessage = (event) => {
            const message = JSON.parse(event.data);
            this.handleMessage(message);
        };
        
        this.ws.onerror = (error) => {
            console.error('WebSocket error:', error);
        };
        
        this.ws.onclose = (event) => {
            if (event.code === 4001) {
                console.error('Authentication failed');
                // Redirect to login
            } else if (event.code === 4003) {
                console.error('Access denied');
            }
        };
    }
    
    subscribeToConversation(conversationId) {
        this.send({
            type: 'subscribe_conversation',
            conversation_id: conversationId
        });
    }
    
    send(message) {
        if (this.ws && this.ws.readyState === WebSocket.OPEN) {
            this.ws.send(JSON.stringify(message));
        }
    }
    
    handleMessage(message) {
        switch (message.type) {
            case 'connected':
                console.log('Connection confirmed:', message);
                break;
            case 'error':
                console.error('Server error:', message.message);
                break;
            // Handle other message types...
        }
    }
}

export { PRSMWebSocketClient };
