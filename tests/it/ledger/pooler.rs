//! What stands before PostgreSQL, or in its place, is named at the start.

use std::time::{Duration, Instant};

use erp_bridge::{
    clock::Clock,
    config::DatabaseConfig,
    store::{OpenError, Store},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// What PgBouncer 1.18 answers to a connection that comes with settings.
const REFUSAL: &[u8] = b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: options\0\0";

#[tokio::test]
async fn a_pooler_that_refuses_the_settings_of_a_connection_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1_024]).await;
            let length = u32::try_from(REFUSAL.len() + 4).unwrap();
            let answer = [&b"E"[..], &length.to_be_bytes(), REFUSAL].concat();
            let _ = stream.write_all(&answer).await;
        }
    });
    let url = format!("postgres://bridge@127.0.0.1:{port}/bridge?sslmode=disable");
    let config = DatabaseConfig { url: url.parse().unwrap(), ..DatabaseConfig::default() };
    let error = Store::open(&config, Clock::system(), true).await.unwrap_err();
    assert!(matches!(error, OpenError::Pooler), "{error:?}");
    assert!(error.to_string().contains("write the address of PostgreSQL itself"), "{error}");
}

/// As a firewall does, or a server that hangs: the line is taken, and nothing is ever said on it.
#[tokio::test]
async fn a_login_that_nobody_answers_ends_in_time_and_says_where() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let held = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(listener.accept().await.unwrap());
        }
    });
    let config = DatabaseConfig {
        url: format!("postgres://bridge:secret-of-db@127.0.0.1:{port}/bridge").parse().unwrap(),
        ..DatabaseConfig::default()
    };
    let begun = Instant::now();
    let error = Store::open(&config, Clock::system(), true).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let told = error.to_string();
    assert!(told.contains(&format!("127.0.0.1:{port}")) && told.contains("没有应答登录"), "{told}");
    assert!(!told.contains("secret-of-db"), "{told}");
    held.abort();
}
