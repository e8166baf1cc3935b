// "Frontend Integration", "WebSocket Events", "Error Handling". What a snippet leaves as a comment,
// or as a type, is what the test gives.
import { io } from "socket.io-client";

export const connect = async (BACKEND_URL, getToken, heard) => {
// CORRECT Implementation
const socket = io(BACKEND_URL, {
  auth: { token: await getToken() },
  transports: ['websocket'],
  autoConnect: true
});

// Event Handlers
socket.on('connect', () => {
  // Connection successful
  heard('connect');
});

socket.on('error', (error) => {
  // Handle authentication errors
  heard('error', error);
});

socket.on('disconnect', () => {
  // Handle disconnection
  heard('disconnect');
});
return socket;
};

export const mistakes = (BACKEND_URL, token) => [
io(BACKEND_URL, {
// WRONG: Including Bearer prefix
auth: { token: `Bearer ${token}` },
transports: ['websocket']
}),

io(BACKEND_URL, {
// WRONG: Using HTTP headers
extraHeaders: { Authorization: `Bearer ${token}` },
transports: ['websocket']
})
];

export const properly = (socket, use) => {
// CORRECT: Proper error handling
socket.on('connect', () => {
  if (!socket.connected) return;
  // then start using socket
  use();
});
};

export const events = (socket, tell) => {
socket.on('message.created', (message) => { tell('created', message) });
socket.on('message.updated', (message) => { tell('updated', message) });
socket.on('message.deleted', ({ messageId }) => { tell('deleted', messageId) });
};

export const send = (socket, content, channelId) => {
socket.emit('sendMessage', { content: content, channelId: channelId });
};

export const update = (socket, messageId, content) => {
socket.emit('updateMessage', { messageId: messageId, content: content });
};

export const remove = (socket, messageId) => {
socket.emit('deleteMessage', { messageId: messageId });
};

export const receipts = (socket, messageId, tell) => {
// Delivery Status
socket.emit('message:delivered', { messageId: messageId });
socket.emit('message:seen', { messageId: messageId });
socket.emit('message:getStatus', { messageId: messageId }, (response) => {
  // Get message delivery status
  tell(response);
});
};

export const typing = (socket, channelId, tell) => {
// Typing Indicators
socket.emit('typing', { channelId: channelId });
socket.emit('typing:get', { channelId: channelId }, (response) => {
  // Get currently typing users
  tell(response);
});
};

export const stopTyping = (socket, channelId) => {
socket.emit('typing:stop', { channelId: channelId });
};

export const offline = (socket, tell) => {
// Offline Messages
socket.emit('message:getOfflineCount', (response) => {
  // Get count of missed messages
  tell(response);
});
};

export const errors = (socket, tell) => {
// 1. Authentication Errors
socket.on('error', (error) => {
  if (error.message.includes('authentication')) {
    // Handle auth failure
    tell('authentication');
  }
});

// 2. Connection Errors
socket.on('disconnect', (reason) => {
  if (reason === 'io server disconnect') {
    // Server forced disconnect
    tell('forced');
  } else {
    // Connection lost
    tell('lost');
  }
});
};
