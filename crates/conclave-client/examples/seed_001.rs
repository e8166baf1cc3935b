//! Programs that were written for an earlier server, as they were: connecting three ways,
//! listening, publishing, and looking after the token. Only the addresses come from outside.
//!
//!     cargo run -p conclave-client --example seed_001 -- ws://127.0.0.1:8081/ws

use std::error::Error;

use conclave_client::WsClient;
use tokio::sync::mpsc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args()
        .nth(1)
        .unwrap_or("ws://127.0.0.1:8081/ws".to_owned());
    let token_url = url
        .replacen("ws", "http", 1)
        .replacen("/ws", "/auth/token", 1);
    default_session(&url).await?;
    named_session(&url).await?;
    with_token(&url, &token_url).await?;
    println!("all as documented");
    Ok(())
}

#[rustfmt::skip] // As it was written.
async fn default_session(url: &str) -> Result<(), Box<dyn Error>> {
    // Connect with default session ID (derived from client name)
    let mut client = WsClient::connect("Client1", url).await?;

    let (heard, mut hears) = mpsc::unbounded_channel();
    // Subscribe to multiple topics within the client's session
    client.subscribe("Client1", "DetectCustomerEvent", "no-payload").await;
    client.subscribe("Client1", "NetworkConnectedEvent", "no-payload").await;

    // Register message handlers
    // Messages will only be received if published to the same session
    client.on_message("DetectCustomerEvent", move |msg| {
        println!("Customer Event: {}", msg);
    });
    client.on_message("NetworkConnectedEvent", move |msg| {
        heard.send(msg.to_string()).ok();
    });

    use chrono::Utc;

    // Publish with timestamp to the client's session
    // Only subscribers within the same session will receive this message
    let result = client.publish(
        "Client1",
        "NetworkConnectedEvent",
        "Network connected successfully",
        &Utc::now().to_rfc3339()
    ).await;

    if let Err(e) = result {
        println!("Failed to publish: {}", e);
    }

    assert_eq!(hears.recv().await.as_deref(), Some("Network connected successfully"));
    assert!(!client.is_authenticated());
    assert_eq!(client.get_token(), None);
    Ok(())
}

async fn named_session(url: &str) -> Result<(), Box<dyn Error>> {
    // Or connect with a specific session ID
    let mut client = WsClient::connect_with_session("Client1", "user-session-123", url).await?;
    let mut other = WsClient::connect_with_session("Client2", "user-session-456", url).await?;

    let (heard, mut hears) = mpsc::unbounded_channel();
    let (strayed, mut strays) = mpsc::unbounded_channel();
    client
        .subscribe("Client1", "DetectCustomerEvent", "no-payload")
        .await;
    client.on_message("DetectCustomerEvent", move |msg| {
        heard.send(msg.to_string()).ok();
    });
    other
        .subscribe("Client2", "DetectCustomerEvent", "no-payload")
        .await;
    other.on_message("DetectCustomerEvent", move |msg| {
        strayed.send(msg.to_string()).ok();
    });
    let now = chrono::Utc::now().to_rfc3339();
    client
        .publish("Client1", "DetectCustomerEvent", "inside", &now)
        .await?;
    other
        .publish("Client2", "DetectCustomerEvent", "elsewhere", &now)
        .await?;
    // Each hears its own session, and nothing of the other's came first.
    assert_eq!(hears.recv().await.as_deref(), Some("inside"));
    assert_eq!(strays.recv().await.as_deref(), Some("elsewhere"));
    Ok(())
}

#[rustfmt::skip] // As it was written.
async fn with_token(url: &str, token_url: &str) -> Result<(), Box<dyn Error>> {
    // Or connect with JWT authentication
    let mut client = WsClient::connect_with_auth(
        "Client1",
        url,
        token_url,
        "username",
        "password",
        Some("user-session-123")
    ).await?;

    let (heard, mut hears) = mpsc::unbounded_channel();
    client.subscribe("Client1", "NetworkConnectedEvent", "no-payload").await;
    client.on_message("NetworkConnectedEvent", move |msg| {
        heard.send((msg.to_string(), msg.user.clone(), msg.session.clone())).ok();
    });
    let now = chrono::Utc::now().to_rfc3339();
    client.publish("Client1", "NetworkConnectedEvent", "proved", &now).await?;
    let named = |text: &str| Some(text.to_owned());
    let expected = ("proved".to_owned(), named("username"), named("user-session-123"));
    assert_eq!(hears.recv().await, Some(expected));

    // Check if client is authenticated
    if client.is_authenticated() {
        println!("Client is authenticated via JWT");
    }

    // Get the current token if needed
    if let Some(token) = client.get_token() {
        println!("Current JWT token: {}", token);
    }

    // Refresh token if needed
    if let Ok(refreshed) = client.refresh_token_if_needed().await {
        if refreshed {
            println!("Token was refreshed");
        } else {
            println!("Token is still valid");
        }
    }

    assert!(client.is_authenticated() && client.get_token().is_some());
    Ok(())
}
