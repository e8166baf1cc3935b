//! What a service costs: every payload comes back as it is, by one envelope, without limits of
//! rate. `cargo run --release -p conclave-service --example echo -- 127.0.0.1:8091`
//!
//! A client sends `{"operation":"echo","payload":…}` to `ws://127.0.0.1:8091/echo`.

use std::error::Error;
use std::net::SocketAddr;

use async_trait::async_trait;
use conclave_service::{
    AsyncApiError, AsyncApiResult, Call, ChannelSpec, Dispatch, Limits, MessageContext,
    OperationSpec, Server, ServerConfig, Service, ServiceSpec,
};
use serde::{Deserialize, Serialize};

const ECHO: usize = 0;

static SPEC: ServiceSpec = ServiceSpec::new("Echo", "1.0.0")
    .path("/echo")
    .channels(&[ChannelSpec::new("echo", "echo")])
    .operations(&[OperationSpec::receive("echo", 0).replies()]);

/// A message as a document would describe it.
#[derive(Debug, Serialize, Deserialize)]
struct Text {
    text: String,
}

#[async_trait]
trait EchoService: Send + Sync + 'static {
    async fn handle_echo(&self, request: Text, context: &MessageContext) -> AsyncApiResult<Text>;
}

struct MyEcho;

#[async_trait]
impl EchoService for MyEcho {
    async fn handle_echo(&self, request: Text, _: &MessageContext) -> AsyncApiResult<Text> {
        Ok(request)
    }
}

struct Router<E>(E);

impl<E: EchoService> Dispatch for Router<E> {
    async fn dispatch(&self, route: usize, call: &mut Call<'_>) -> AsyncApiResult<()> {
        match route {
            ECHO => {
                let reply = self.0.handle_echo(call.payload()?, call.context()).await?;
                call.reply(&reply)
            }
            _ => Err(AsyncApiError::unknown_operation()),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = std::env::args().nth(1).ok_or("usage: echo ADDRESS:PORT")?;
    let listen: SocketAddr = listen.parse()?;
    let limits = Limits {
        connections_per_address: 100_000,
        connections: 100_000,
        messages_per_second: 0,
        ..Limits::default()
    };
    let service = Service::builder(&SPEC, Router(MyEcho))
        .limits(limits)
        .build()?;
    let server = Server::bind(service, ServerConfig::listen(listen)).await?;
    println!("ws://{}{}", server.local_addr(), SPEC.base_path());
    let stopped = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    server.run(stopped).await;
    Ok(())
}
