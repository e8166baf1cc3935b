// "Using the JavaScript Client", "JWT Token Management".
import { jwtManager } from "./jwt_utils.js";

export const manage = () => {
const lines = [];
const console = { log: (line) => lines.push(line) };
// Check if authenticated
if (jwtManager.isAuthenticated()) {
    console.log("Client is authenticated");
}

// Get current token
const token = jwtManager.getToken();
if (token) {
    console.log("Have valid token");
}

// Clear token (e.g., for logout)
jwtManager.clearToken();
return lines;
};
