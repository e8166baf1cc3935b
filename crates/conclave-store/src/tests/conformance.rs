use conclave_testkit::ports;

use super::Fixture;

#[tokio::test]
async fn keeps_users_as_the_port_says() {
    ports::users_conformance(&*Fixture::new().await.store).await;
}

#[tokio::test]
async fn keeps_refresh_families_as_the_port_says() {
    ports::refresh_families_conformance(&*Fixture::new().await.store).await;
}

#[tokio::test]
async fn keeps_revocations_as_the_port_says() {
    ports::revocations_conformance(&*Fixture::new().await.store).await;
}

#[tokio::test]
async fn keeps_sessions_as_the_port_says() {
    ports::sessions_conformance(&*Fixture::new().await.store).await;
}
